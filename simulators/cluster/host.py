"""Three NATS nodes and the server's processes on them, each one to kill and to start again.

What it starts is what `deploy/cluster` describes for machines of their own: the same verbs, the
same generated files. On loopback, or with each node in a network namespace (`network`).
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fleet_server.app import build
from fleet_server.broker.nats import NatsNode
from fleet_server.settings import Settings
from simulators.cluster.network import NodeNetwork
from simulators.errors import SimulatorError
from simulators.hosts.fleet_host import FleetHost, FleetOrder
from simulators.hosts.nats_host import NatsHost, NatsPlace
from simulators.hosts.ports import free_ports, is_free
from simulators.hosts.process import HostedProcess

NODES = 3
"""Streams are kept three times: it serves while two nodes live."""
Startable = tuple[HostedProcess, Callable[[], None]]
"""A process, and what starts it again."""
MQTT_PORT, PEER_PORT, CLIENT_PORT = 1883, 6222, 4222
"""Ports of a node that has an address of its own."""


@dataclass(frozen=True)
class ClusterOrder:
    """What to start. Ports: 0 takes free ones, else this and those that follow it."""

    folder: Path
    database_url: str
    apis: int = 1
    ingests: int = 2
    workers: int = 2
    http_port: int = 0
    broker_port: int = 0
    uplink_qos: int | None = None
    policy: str = "strict"
    network: NodeNetwork | None = None


class ClusterHost:
    """One cluster; `start` and `stop` do all of it."""

    def __init__(self, order: ClusterOrder) -> None:
        self._order = order
        self.folder = order.folder.resolve()
        self.data_dir = self.folder / "server"
        self.nodes = list(self._nodes())
        self.broker_url = ",".join(node.url for node in self.nodes)
        self.fleet = FleetHost(
            FleetOrder(
                folder=self.folder,
                database_url=order.database_url,
                broker_url=self.broker_url,
                cabinet_port=self.nodes[0].settings.broker_port,
                downlink_qos=0,
                uplink_qos=order.uplink_qos,
                apis=order.apis,
                http_port=order.http_port,
                ingests=order.ingests,
                workers=order.workers,
                policy=order.policy,
                serves_operations=True,
            )
        )
        self._started = ExitStack()

    @property
    def settings(self) -> Settings:
        """Settings of whoever works on its database: keys, broker secret and all."""
        return Settings(
            data_dir=self.data_dir, database_url=self._order.database_url, downlink_qos=0
        )

    @property
    def processes(self) -> dict[str, Startable]:
        """Name -> process, and how it is started again."""
        found: dict[str, Startable] = {}
        for number, node in enumerate(self.nodes, 1):
            found[f"nats-{number}"] = node.process, node.launch
            found[f"nats-{number}-config"] = node.watcher, node.watcher.start
        for one in self.fleet.processes:
            found[one.name] = one, one.start
        return found

    def start(self) -> None:
        """Migrate, start the nodes, then the server; wait until it is ready."""
        server = build(self.settings)
        server.prepare()  # all schemas and rows are there before several processes look at once
        server.close()
        try:
            for node in self.nodes:
                self._started.callback(node.stop)
                node.launch()
            for node in self.nodes:
                node.wait_serving()
                node.watch()
            for process in self.fleet.processes:
                self._started.callback(process.stop)
            self.fleet.start()
        except SimulatorError:
            self.stop()
            raise

    def cut(self, number: int) -> None:
        """Cut a node off: connections stand and nothing passes.

        Without namespaces the process is stopped, which looks the same from outside.
        """
        if self._order.network is not None:
            self._order.network.cut(number)
        else:
            os.kill(self.nodes[number].pid, signal.SIGSTOP)

    def mend(self, number: int) -> None:
        """Undo `cut`."""
        if self._order.network is not None:
            self._order.network.mend(number)
        else:
            os.kill(self.nodes[number].pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop everything cleanly, the server before its nodes; one that is stuck stops no other.

        Raises ProcessStuckError for the last that was stuck, when all are gone.
        """
        for one in self.fleet.processes:
            if one.running:
                os.kill(one.pid, signal.SIGTERM)  # all at once; below each is waited for
        self._started.close()

    def _nodes(self) -> Iterator[NatsHost]:
        places, peers, clients = self._places()
        for number, place in enumerate(places):
            routes = tuple(
                f"{one.host}:{port}"
                for one, port in zip(places, peers, strict=True)
                if one is not place
            )
            node = NatsNode(f"fleet-{number + 1}", clients[number], peers[number], routes)
            home = self.folder / f"nats-{number + 1}"
            yield NatsHost(home, self.data_dir, self._order.database_url, node, place)

    def _places(self) -> tuple[list[NatsPlace], list[int], list[int]]:
        """Where each node listens: for cabinets, for its peers, for nobody."""
        network = self._order.network
        if network is not None:
            places = [
                NatsPlace(network.address(number), MQTT_PORT, network.inside(number))
                for number in range(NODES)
            ]
            return places, [PEER_PORT] * NODES, [CLIENT_PORT] * NODES
        free = free_ports(3 * NODES)
        ports = free[:NODES]
        if self._order.broker_port:
            ports = list(range(self._order.broker_port, self._order.broker_port + NODES))
        return (
            [NatsPlace("127.0.0.1", port) for port in ports],
            free[NODES : 2 * NODES],
            free[2 * NODES :],
        )


def refuse_taken(ports: list[int]) -> None:
    """Raise SimulatorError when somebody listens on one of them already."""
    taken = [port for port in ports if not is_free(port)]
    if taken:
        raise SimulatorError(f"port {taken[0]} is in use: name another first port")
