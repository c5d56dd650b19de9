"""The server as many processes: api, several ingest, several workers, on an outside broker.

Each is started by hand, as a service manager would, so that each can be killed alone.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx2

from fleet_server.settings import nodes_from
from simulators.hosts.first_user import add_user
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until

READY_SECONDS_MAX = 60.0


@dataclass(frozen=True)
class FleetOrder:
    """What to start, and against what."""

    folder: Path
    database_url: str
    broker_url: str
    """Of several nodes with commas: the processes begin at different ones."""
    cabinet_port: int
    """Where cabinets find the broker: its own port, or a link to it."""
    downlink_qos: int = 1
    uplink_qos: int | None = None
    """None: left to the server."""
    apis: int = 1
    http_port: int = 0
    """Port of the first API, the others follow; 0: free ones."""
    ingests: int = 2
    workers: int = 1
    policy: str = "demo"
    serves_operations: bool = False
    """Whether ingest and worker processes serve /health and /metrics."""


class FleetHost:
    """One fleet's server; its data folder holds keys and the broker's secret."""

    def __init__(self, order: FleetOrder) -> None:
        self._order = order
        self.data_dir = order.folder / "server"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.database_url = order.database_url
        self.broker_port = order.cabinet_port
        first = order.http_port
        self.http_ports = (
            list(range(first, first + order.apis)) if first else free_ports(order.apis)
        )
        self.http_port = self.http_ports[0]
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.operations: dict[str, int] = {}
        """Process -> port of its /health and /metrics."""
        self.environment = {
            "FLEET_DATA_DIR": str(self.data_dir),
            "FLEET_DATABASE_URL": order.database_url,
            "FLEET_BROKER_URL": order.broker_url,
            "FLEET_DOWNLINK_QOS": str(order.downlink_qos),
            "FLEET_HTTP_PORT": str(self.http_port),
            "FLEET_SERVICE_POLICY": order.policy,
            "FLEET_THRESHOLD_PROFILE": "demo" if order.policy == "demo" else "cn",
        }
        if order.uplink_qos is not None:
            self.environment["FLEET_UPLINK_QOS"] = str(order.uplink_qos)
        self.apis = [self._process("api", number) for number in range(order.apis)]
        self.api = self.apis[0]
        self.ingests = [self._process("ingest", number) for number in range(order.ingests)]
        self.workers = [self._process("worker", number) for number in range(order.workers)]

    @property
    def processes(self) -> list[HostedProcess]:
        """Every process of it."""
        return [*self.apis, *self.ingests, *self.workers]

    @property
    def urls(self) -> list[str]:
        """Addresses of all APIs."""
        return [f"http://127.0.0.1:{port}" for port in self.http_ports]

    def start(self) -> None:
        """Start them all and wait until the API answers."""
        for one in self.processes:
            one.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until the API reaches its database; started again where it ended before."""
        wait_until("the API is ready", self._is_ready, READY_SECONDS_MAX)

    def add_user(self, username: str, roles: list[str], password: str) -> None:
        """Add a person by the command line, as an installation does."""
        add_user(self.environment, username, roles, password)

    def restart(self, one: HostedProcess) -> None:
        """Stop one cleanly and start it again, as a rolling restart does."""
        one.stop()
        one.start()

    def stop(self) -> None:
        """Stop them all cleanly."""
        for one in reversed(self.processes):
            one.stop()

    def _process(self, verb: str, number: int) -> HostedProcess:
        log = self._order.folder / f"{verb}-{number}.log"
        own = {"FLEET_BROKER_URL": ",".join(nodes_from(self._order.broker_url, number))}
        if verb == "api":
            own["FLEET_HTTP_PORT"] = str(self.http_ports[number])
        elif self._order.serves_operations:
            self.operations[log.stem] = free_ports(1)[0]
            own["FLEET_OPERATIONS_PORT"] = str(self.operations[log.stem])
        command = [sys.executable, "-m", "fleet_server", verb]
        return HostedProcess(command, log, {**self.environment, **own})

    def revive(self) -> None:
        """Start what ended, as a service manager does: a start without a database fails."""
        for one in self.processes:
            if not one.running:
                one.start()

    def _is_ready(self) -> bool:
        if not self.api.running:
            self.api.start()
        try:
            return httpx2.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx2.TransportError:
            return False
