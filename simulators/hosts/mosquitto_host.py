"""A real Mosquitto (Debian package) in a folder, with generated configuration."""

from collections.abc import Mapping
from pathlib import Path

from fleet_server.broker.nats import NatsNode
from fleet_server.settings import Settings
from simulators.hosts.broker_host import ConfiguredBroker
from simulators.hosts.ports import free_ports

EXECUTABLE = "mosquitto"


class MosquittoHost(ConfiguredBroker):
    """Mosquitto for the server whose data folder and database these are (empty URL: SQLite)."""

    name = "mosquitto"

    def __init__(self, folder: Path, data_dir: Path, database_url: str = "") -> None:
        port, server_port = free_ports(2)
        settings = Settings(
            data_dir=data_dir,
            database_url=database_url,
            broker_port=port,
            broker_server_port=server_port,
        )
        command = [EXECUTABLE, "-c", str(folder / "mosquitto.conf")]
        super().__init__(folder, command, settings, NatsNode())
        self.server_url = f"mqtt://127.0.0.1:{server_port}"

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a server that uses it: it has a listener of its own."""
        own = {"FLEET_BROKER_SERVER_PORT": str(self.settings.broker_server_port)}
        return {**super().environment, **own}
