"""The embedded broker as a process of its own: `fleet-server broker`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from simulators.hosts.broker_host import wait_for_broker
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess


class AmqttHost:
    """amqtt for the server whose data folder and database these are (empty URL: SQLite)."""

    name = "amqtt"
    command: ClassVar[Sequence[str]] = (sys.executable, "-m", "fleet_server", "broker")

    def __init__(self, folder: Path, data_dir: Path, database_url: str = "") -> None:
        self._port = free_ports(1)[0]
        self._data_dir = data_dir
        self.url = self.server_url = f"mqtt://127.0.0.1:{self._port}"
        folder.mkdir(parents=True, exist_ok=True)
        data_dir.mkdir(parents=True, exist_ok=True)
        environment = {
            "FLEET_DATA_DIR": str(data_dir),
            "FLEET_DATABASE_URL": database_url,
            "FLEET_BROKER_PORT": str(self._port),
        }
        self.process = HostedProcess(self.command, folder / "amqtt.log", environment)

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a server that uses it; the URL keeps the server from starting its own."""
        return {
            "FLEET_BROKER_URL": self.server_url,
            "FLEET_BROKER_PUBLIC_URL": self.url,
        }

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def start(self) -> None:
        """Start it and wait until it serves. The database must be migrated."""
        self.process.start()
        wait_for_broker(self._port, self._data_dir)

    def kill(self) -> None:
        """SIGKILL it."""
        self.process.kill()

    def stop(self) -> None:
        """Stop it cleanly."""
        self.process.stop()

    def refresh(self) -> None:
        """Do nothing: it asks the database at each connection."""

    def watch(self) -> None:
        """Do nothing, for the same reason."""
