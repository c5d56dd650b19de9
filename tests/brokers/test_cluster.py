"""Three NATS nodes, generated: what a cabinet says at one reaches the server at another."""

import contextlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from fleet_server.broker.nats import NatsNode
from protocol.topics import UpKind, up
from simulators.hosts.broker_host import wait_for_broker
from simulators.hosts.nats_host import NatsHost
from simulators.hosts.ports import free_ports
from simulators.waiting import wait_until
from tests.brokers.place import Place, port_of

NODES = 3
ELECTION_SECONDS_MAX = 60.0
"""A new leader of the streams is there within seconds; messages before it are sent again (P-2)."""
HEARTBEAT = (Path(__file__).parents[1] / "golden/up.heartbeat.json").read_bytes()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Place, list[NatsHost]]]:
    clients, peers = free_ports(NODES), free_ports(NODES)

    def node(number: int, folder: Path, data_dir: Path) -> NatsHost:
        routes = tuple(f"127.0.0.1:{port}" for port in peers if port != peers[number])
        which = NatsNode(f"fleet-{number}", clients[number], peers[number], routes)
        return NatsHost(folder, data_dir, node=which)

    place = Place(lambda folder, data: node(0, folder, data), tmp_path, cabinets=1)
    others = [node(number, tmp_path / f"node-{number}", tmp_path / "data") for number in (1, 2)]
    nodes = [place.host, *others]
    for one in nodes:
        assert isinstance(one, NatsHost)
        one.launch()
    for one in nodes:
        wait_for_broker(port_of(one.url), tmp_path / "data")
    yield place, others
    place.hang_up()
    for one in nodes:
        one.stop()
    place.server.close()


def test_p20_a_cluster_carries_messages_between_its_nodes_and_bears_the_loss_of_one(
    cluster: tuple[Place, list[NatsHost]],
) -> None:
    place, (second, third) = cluster
    name = place.new_name()
    numbers = count()
    with place.listener() as server:

        def passes() -> bool:
            """As a cabinet: it connects anew, since NATS ends who published while nobody led."""
            with contextlib.suppress(OSError), place.wire(port_of(third.url)) as wire:
                if wire.connects(name, place.credentials[name]):
                    topic = f"{up('fleet', name, UpKind.HEARTBEAT)}"
                    wire.publish(topic, HEARTBEAT + b" " * next(numbers), 1)
            return server.hears_within("heartbeat", 1.0)

        wait_until("a message passes", passes, ELECTION_SECONDS_MAX)
        second.kill()
        wait_until("a message passes with two nodes", passes, ELECTION_SECONDS_MAX)
