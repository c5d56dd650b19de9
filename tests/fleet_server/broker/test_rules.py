"""P-20 as rules: deny by default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.broker.rules import may_publish, may_receive, may_subscribe, may_will
from protocol.identity import SERVER_USER
from protocol.topics import (
    AllKind,
    DownKind,
    UpKind,
    broadcast,
    cabinet_subscriptions,
    down,
    server_subscriptions,
    up,
)

CABINETS = st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)
TOPICS = st.one_of(
    st.builds(lambda one, kind: up("fleet", one, kind), CABINETS, st.sampled_from(UpKind)),
    st.builds(lambda one, kind: down("fleet", one, kind), CABINETS, st.sampled_from(DownKind)),
    st.sampled_from([broadcast("fleet", kind) for kind in AllKind]),
    st.text(max_size=40),
)


@given(CABINETS, TOPICS)
def test_p20_a_cabinet_publishes_exactly_its_own_kinds(cabinet: str, topic: str) -> None:
    own = {up("fleet", cabinet, kind) for kind in UpKind}
    assert may_publish("fleet", cabinet, topic) == (topic in own)
    assert may_will("fleet", cabinet, topic) == (topic in own)


@given(CABINETS, TOPICS)
def test_p20_a_cabinet_is_delivered_only_its_own_topics_and_broadcasts(
    cabinet: str, topic: str
) -> None:
    heads = {one[:-1] for one in cabinet_subscriptions("fleet", cabinet)}
    head, slash, kind = topic.rpartition("/")
    own = bool(kind) and head + slash in heads
    assert may_receive("fleet", cabinet, topic) == own
    assert may_subscribe("fleet", cabinet, topic) == (own and not set(kind) & {"#"})


@given(CABINETS, CABINETS, st.sampled_from(list(DownKind)))
def test_p20_no_cabinet_is_delivered_what_is_for_another(
    cabinet: str, other: str, kind: DownKind
) -> None:
    topic = down("fleet", other, kind)
    assert may_receive("fleet", cabinet, topic) == (cabinet == other)


@pytest.mark.parametrize("user", ["", "a.b", "fleet:other", "#", "+", "C1/x", "柜"])
def test_p20_a_name_that_is_no_cabinet_may_nothing(user: str) -> None:
    assert not may_publish("fleet", user, up("fleet", "C1", UpKind.JOURNAL))
    assert not may_receive("fleet", user, broadcast("fleet", AllKind.RULES))
    assert not may_subscribe("fleet", user, "fleet/v1/all/+")


def test_p20_the_server_hears_what_goes_up_and_sends_the_rest() -> None:
    for one in (*server_subscriptions("fleet", range(64)), "fleet/v1/07/up/+/+"):
        assert may_subscribe("fleet", SERVER_USER, one)
    assert not may_subscribe("fleet", SERVER_USER, "#")
    assert may_publish("fleet", SERVER_USER, down("fleet", "C1", DownKind.COMMAND))
    assert not may_publish("fleet", SERVER_USER, up("fleet", "C1", UpKind.JOURNAL))
    assert not may_will("fleet", SERVER_USER, broadcast("fleet", AllKind.SERVER))
    assert may_will("fleet", "C1", None)
