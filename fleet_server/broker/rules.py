"""Pure: who may publish and subscribe what (P-20). Deny by default."""

from protocol.errors import BadTopicError
from protocol.identity import SERVER_USER
from protocol.topics import cabinet_publications, cabinet_subscriptions, parse_up, server_publishes


def may_publish(fleet: str, user: str, topic: str) -> bool:
    """A cabinet only under its own `up/`; the server only `down/` and `all/`."""
    if user == SERVER_USER:
        return server_publishes(fleet, topic)
    try:
        parsed = parse_up(topic)
    except BadTopicError:
        return False
    return parsed.fleet == fleet and parsed.cabinet == user


def may_subscribe(fleet: str, user: str, topic_filter: str) -> bool:
    """A cabinet holds only its own two filters; the server only those on `up/`."""
    if user == SERVER_USER:
        parts = topic_filter.split("/")
        return len(parts) == 6 and parts[0] == fleet and parts[3] == "up"
    try:
        own = cabinet_subscriptions(fleet, user)
    except BadTopicError:
        return False
    # A plain topic inside the own filters is as good as the filter.
    return topic_filter in own or (
        "+" not in topic_filter and "#" not in topic_filter and receives(own, topic_filter)
    )


def may_receive(fleet: str, user: str, topic: str) -> bool:
    """Second line: whatever is subscribed, only this is delivered."""
    if user == SERVER_USER:
        return topic.startswith(f"{fleet}/")
    try:
        return receives(cabinet_subscriptions(fleet, user), topic)
    except BadTopicError:
        return False


def receives(filters: tuple[str, ...], topic: str) -> bool:
    """Whether one of the filters (each ends in one `+`) covers the topic."""
    head, _, kind = topic.rpartition("/")
    return bool(kind) and any(one == f"{head}/+" for one in filters)


def may_will(fleet: str, user: str, topic: str | None) -> bool:
    """Brokers publish a will without asking again: it is checked when the session begins."""
    if topic is None:
        return True
    return (
        user != SERVER_USER
        and topic.startswith(cabinet_publications(fleet, user)[:-1])
        and (may_publish(fleet, user, topic))
    )
