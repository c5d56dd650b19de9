"""Settings that are worked out from others."""

import pytest

from fleet_server.settings import Settings, nodes_from

NODES = ["mqtt://n1:1883", "mqtt://n2:1883", "mqtt://n3:1883"]


@pytest.mark.parametrize(
    ("down", "up", "subscribes"), [(1, None, 1), (0, None, 0), (0, 1, 1), (1, 0, 0)]
)
def test_the_way_up_has_the_qos_of_the_way_down_unless_told(
    down: int, up: int | None, subscribes: int
) -> None:
    assert Settings(downlink_qos=down, uplink_qos=up).resolved_uplink_qos == subscribes


def test_every_cabinet_is_told_all_nodes_and_the_first_one_goes_by_its_shard() -> None:
    settings = Settings(broker_public_url=", ".join(NODES))
    told = [settings.brokers_for_cabinet(shard) for shard in range(64)]
    assert all(sorted(one) == NODES for one in told)
    firsts = [one[0] for one in told]
    assert [firsts.count(node) for node in NODES] == [22, 21, 21]
    assert told[1] == [NODES[1], NODES[2], NODES[0]]


def test_one_broker_is_told_to_all_alike() -> None:
    settings = Settings(broker_url=NODES[0])
    assert {tuple(settings.brokers_for_cabinet(shard)) for shard in range(64)} == {(NODES[0],)}


def test_processes_begin_at_different_nodes_and_know_them_all() -> None:
    found = ["".join(nodes_from("a, b,c", number)) for number in range(4)]
    assert found == ["abc", "bca", "cab", "abc"]
