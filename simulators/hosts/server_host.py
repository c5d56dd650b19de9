"""The real server as processes: `fleet-server run` with its broker and its app.

With an outside broker (`broker=MosquittoHost`) the supervisor runs the app alone; the broker is
started with the server, learns of new cabinets by itself, and is killed and started by hand.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import psutil

from simulators.errors import SimulatorError
from simulators.hosts.broker_host import BrokerHost
from simulators.hosts.first_user import add_user
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until

READY_SECONDS_MAX = 60.0


class ServerHost:
    """One server in a folder of its own, on free ports, with the policies of the story."""

    def __init__(
        self,
        folder: Path,
        policy: str = "demo",
        http_port: int | None = None,
        database_url: str = "",
        broker: Callable[[Path, Path, str], BrokerHost] | None = None,
    ) -> None:
        """`broker`: an outside broker's host class; None: the embedded one."""
        ports = free_ports(2)
        self.http_port = http_port or ports[0]
        self.data_dir = folder / "server"
        self.broker = broker(folder / "broker", self.data_dir, database_url) if broker else None
        self.broker_port = int(self.broker.url.rpartition(":")[2]) if self.broker else ports[1]
        self.url = f"http://127.0.0.1:{self.http_port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._environment = {
            "FLEET_DATA_DIR": str(self.data_dir),
            "FLEET_DATABASE_URL": database_url,
            "FLEET_HTTP_PORT": str(self.http_port),
            "FLEET_BROKER_PORT": str(self.broker_port),
            "FLEET_SERVICE_POLICY": policy,
            "FLEET_THRESHOLD_PROFILE": policy if policy == "demo" else "cn",
            **(self.broker.environment if self.broker else {}),
        }
        self.process = HostedProcess(
            [sys.executable, "-m", "fleet_server", "run"], folder / "server.log", self._environment
        )

    @property
    def database_url(self) -> str:
        """Database the server uses."""
        return self._environment["FLEET_DATABASE_URL"] or (
            f"sqlite:///{self.data_dir / 'fleet.sqlite'}"
        )

    @property
    def processes(self) -> list[HostedProcess]:
        """The supervisor; broker and app are its children."""
        return [self.process]

    def start(self) -> None:
        """Start and wait until it is ready; an outside broker first."""
        if self.broker is not None:
            verb = [sys.executable, "-m", "fleet_server", "migrate"]
            migration = HostedProcess(verb, self.process.log, self._environment)
            migration.start()
            migration.wait()
            self.broker.start()
            self.broker.watch()
        self.process.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until database and broker are there."""
        wait_until("the server is ready", self._is_ready, READY_SECONDS_MAX)

    def stop(self) -> None:
        """Stop it cleanly, and its broker."""
        self.process.stop()
        if self.broker is not None:
            self.broker.stop()

    def kill_part(self, verb: str) -> None:
        """SIGKILL the `broker` or the `app`; it is started again."""
        if verb == "broker" and self.broker is not None:
            self.broker.kill()
            self.broker.start()
            return
        for child in psutil.Process(self.process.pid).children():
            if child.cmdline()[-1:] == [verb]:
                child.kill()
                return
        raise SimulatorError(f"the server runs no {verb}")

    def add_user(self, username: str, roles: list[str], password: str) -> None:
        """Add a person by the command line, as an installation does."""
        add_user(self._environment, username, roles, password)

    def _is_ready(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx2.TransportError:
            return False
