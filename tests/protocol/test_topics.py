"""Topics as the design spells them, parsed strictly (protocol v1, Topics; P-0, P-20)."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BadTopicError
from protocol.identity import SHARD_COUNT, checked_cabinet, checked_fleet, shard_of
from protocol.intervals import PRESENCE, Uplink
from protocol.topics import (
    AllKind,
    DownKind,
    UpKind,
    UpTopic,
    broadcast,
    cabinet_publications,
    cabinet_subscriptions,
    down,
    kind_of_down,
    parse_up,
    server_publishes,
    server_subscriptions,
    up,
)

SHARD = f"{zlib.crc32(b'C1') % 64:02d}"
CABINETS = st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)
BAD_IDS = ["", "a" * 33, "a.b", "a/b", "a+", "#", "$SYS", "a b", "柜", "C1\n", "fleet@server"]


def test_a_topic_is_spelled_as_the_design_says() -> None:
    assert up("fleet", "C1", UpKind.JOURNAL) == f"fleet/v1/{SHARD}/up/C1/journal"
    assert down("fleet", "C1", DownKind.RECEIPT) == f"fleet/v1/{SHARD}/down/C1/receipt"
    assert broadcast("fleet", AllKind.RULES) == "fleet/v1/all/rules"


def test_p00_a_cabinet_holds_two_subscriptions() -> None:
    assert cabinet_subscriptions("fleet", "C1") == (
        f"fleet/v1/{SHARD}/down/C1/+",
        "fleet/v1/all/+",
    )
    assert cabinet_publications("fleet", "C1") == f"fleet/v1/{SHARD}/up/C1/+"


def test_p00_keep_alive_is_one_and_a_half_heartbeats() -> None:
    assert PRESENCE[Uplink.WIRED].keep_alive_seconds == 22
    assert PRESENCE[Uplink.METERED].keep_alive_seconds == 270


@given(CABINETS, st.sampled_from(list(UpKind)))
def test_a_topic_is_parsed_back(cabinet: str, kind: UpKind) -> None:
    assert parse_up(up("fleet", cabinet, kind)) == UpTopic("fleet", cabinet, kind)


@given(CABINETS)
def test_a_shard_is_two_digits_of_crc_32_modulo_64(cabinet: str) -> None:
    assert shard_of(cabinet) == zlib.crc32(cabinet.encode()) % SHARD_COUNT
    assert up("fleet", cabinet, UpKind.JOURNAL).split("/")[2] == f"{shard_of(cabinet):02d}"


@pytest.mark.parametrize("text", BAD_IDS)
def test_a_name_that_other_brokers_would_misread_is_refused(text: str) -> None:
    with pytest.raises(BadTopicError):
        checked_cabinet(text)
    with pytest.raises(BadTopicError):
        checked_fleet(text)
    with pytest.raises(BadTopicError):
        up("fleet", text, UpKind.JOURNAL)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "fleet",
        f"fleet/v2/{SHARD}/up/C1/journal",
        f"fleet/v1/{SHARD}/down/C1/journal",
        f"fleet/v1/{SHARD}/up/C1/nonsense",
        f"fleet/v1/{SHARD}/up/C1/journal/more",
        f"/fleet/v1/{SHARD}/up/C1/journal",
        f"fleet/v1/{(int(SHARD) + 1) % 64:02d}/up/C1/journal",
        f"fleet/v1/{int(SHARD) + 64}/up/C1/journal",
        f"fleet/v1/{SHARD}/up/+/journal",
        "fleet/v1/all/rules",
    ],
)
def test_everything_else_is_no_topic_of_a_cabinet(topic: str) -> None:
    with pytest.raises(BadTopicError):
        parse_up(topic)


@given(CABINETS, st.sampled_from(list(DownKind)))
def test_p20_the_server_publishes_down_and_all_and_nothing_else(
    cabinet: str, kind: DownKind
) -> None:
    assert server_publishes("fleet", down("fleet", cabinet, kind))
    assert kind_of_down(down("fleet", cabinet, kind)) == kind
    assert not server_publishes("fleet", down("other", cabinet, kind))
    assert not server_publishes("fleet", up("fleet", cabinet, UpKind.JOURNAL))


@pytest.mark.parametrize("kind", list(AllKind))
def test_p20_the_server_publishes_every_broadcast_of_its_own_fleet(kind: AllKind) -> None:
    assert server_publishes("fleet", broadcast("fleet", kind))
    assert not server_publishes("other", broadcast("fleet", kind))
    assert not server_publishes("fleet", "fleet/v1/all/nonsense")


def test_the_server_subscribes_once_for_all_shards_or_once_for_each() -> None:
    assert server_subscriptions("fleet", range(64)) == ("fleet/v1/+/up/+/+",)
    assert server_subscriptions("fleet", range(2, 4)) == (
        "fleet/v1/02/up/+/+",
        "fleet/v1/03/up/+/+",
    )
