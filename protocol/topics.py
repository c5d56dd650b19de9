"""The only place where topics are spelled (protocol v1, Topics; P-0, P-20).

`{fleet}/v1/{shard}/up/{cabinet}/{kind}`, `{fleet}/v1/{shard}/down/{cabinet}/{kind}` and
`{fleet}/v1/all/{kind}`. A topic is parsed strictly: a shard that is not the cabinet's own is an
error, so that a message cannot be filed under a wrong owner.
"""

import functools
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from protocol.errors import BadTopicError
from protocol.identity import SHARD_COUNT, checked_cabinet, checked_fleet, shard_of

VERSION = "v1"
TOPICS_KEPT = 65_536
"""Parsed topics kept, 200 bytes each: those of 13,000 cabinets; reading one takes 6 us."""


class UpKind(StrEnum):
    """Kinds a cabinet publishes."""

    PRESENCE = "presence"
    HEARTBEAT = "heartbeat"
    JOURNAL = "journal"
    TELEMETRY = "telemetry"
    REQUEST = "request"


class DownKind(StrEnum):
    """Kinds the server publishes to one cabinet."""

    RECEIPT = "receipt"
    COMMAND = "command"
    DESIRED = "desired"
    RULES = "rules"
    REPLY = "reply"


class AllKind(StrEnum):
    """Kinds the server publishes to the whole fleet."""

    RULES = "rules"
    SERVER = "server"


@dataclass(frozen=True)
class UpTopic:
    """A parsed topic of a cabinet's message."""

    fleet: str
    cabinet: str
    kind: UpKind


def up(fleet: str, cabinet: str, kind: UpKind) -> str:
    """Topic on which `cabinet` publishes `kind`."""
    return f"{_prefix(fleet, cabinet)}/up/{cabinet}/{kind}"


def down(fleet: str, cabinet: str, kind: DownKind) -> str:
    """Topic on which the server publishes `kind` to `cabinet`."""
    return f"{_prefix(fleet, cabinet)}/down/{cabinet}/{kind}"


def broadcast(fleet: str, kind: AllKind) -> str:
    """Topic on which the server publishes `kind` to every cabinet."""
    return f"{checked_fleet(fleet)}/{VERSION}/all/{kind}"


def cabinet_subscriptions(fleet: str, cabinet: str) -> tuple[str, str]:
    """Return the two filters a cabinet holds (P-0)."""
    return f"{_prefix(fleet, cabinet)}/down/{cabinet}/+", f"{checked_fleet(fleet)}/{VERSION}/all/+"


def cabinet_publications(fleet: str, cabinet: str) -> str:
    """Return the filter under which a cabinet may publish, its will included (P-20)."""
    return f"{_prefix(fleet, cabinet)}/up/{cabinet}/+"


def server_subscriptions(fleet: str, shards: Collection[int]) -> tuple[str, ...]:
    """Return the filters of an ingest process that owns `shards`; one for all when it owns all."""
    fleet = checked_fleet(fleet)
    if len(set(shards)) == SHARD_COUNT:
        return (f"{fleet}/{VERSION}/+/up/+/+",)
    return tuple(f"{fleet}/{VERSION}/{shard:02d}/up/+/+" for shard in shards)


@functools.lru_cache(maxsize=TOPICS_KEPT)
def parse_up(topic: str) -> UpTopic:
    """Parse a topic of a cabinet's message; BadTopicError for everything else."""
    parts = topic.split("/")
    if len(parts) != 6 or parts[1] != VERSION or parts[3] != "up":
        raise BadTopicError(topic, "not {fleet}/v1/{shard}/up/{cabinet}/{kind}")
    fleet, cabinet = checked_fleet(parts[0]), checked_cabinet(parts[4])
    if parts[2] != f"{shard_of(cabinet):02d}":
        raise BadTopicError(topic, f"shard of {cabinet} is {shard_of(cabinet):02d}")
    if parts[5] not in set(UpKind):
        raise BadTopicError(topic, f"unknown kind {parts[5]!r}")
    return UpTopic(fleet, cabinet, UpKind(parts[5]))


def server_publishes(fleet: str, topic: str) -> bool:
    """Whether `topic` is one of those the server publishes on (P-20)."""
    parts = topic.split("/")
    if len(parts) == 4:
        return parts[:3] == [fleet, VERSION, "all"] and parts[3] in set(AllKind)
    if len(parts) != 6 or parts[5] not in set(DownKind):
        return False
    try:
        return topic == down(fleet, parts[4], DownKind(parts[5]))
    except BadTopicError:
        return False


def kind_of_down(topic: str) -> str:
    """Last part of a topic the server publishes on; the caller subscribed only to its own."""
    return topic.rsplit("/", 1)[-1]


def _prefix(fleet: str, cabinet: str) -> str:
    return f"{checked_fleet(fleet)}/{VERSION}/{shard_of(checked_cabinet(cabinet)):02d}"
