"""What every hosted broker can do, so that tests, benchmarks and soaks run over each of them.

A host owns a folder. `url` is for cabinets, `server_url` for the server's own processes;
`environment` is what a server needs to find it (FLEET_*), known before the broker starts.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from fleet_server.broker.configuration import BrokerKind, configuration_writer
from fleet_server.broker.nats import NatsNode
from fleet_server.broker.service import broker_secret
from fleet_server.settings import Settings
from protocol.identity import SERVER_USER
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until

READY_SECONDS_MAX = 30.0


class BrokerHost(Protocol):
    """One real broker on free ports, with generated access rules on a server's database."""

    name: str
    url: str
    server_url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings (FLEET_*) of a server that uses this broker."""

    @property
    def pid(self) -> int:
        """Process id, for measurements."""

    def start(self) -> None:
        """Start it and wait until it lets the server in; again after `kill` or `stop`.

        The database must be migrated.
        """

    def kill(self) -> None:
        """SIGKILL it."""

    def stop(self) -> None:
        """Stop it cleanly, and what `watch` began."""

    def refresh(self) -> None:
        """Have it know by now which cabinets may connect."""

    def watch(self) -> None:
        """Have it learn by itself, within seconds, which cabinets may connect."""


class ConfiguredBroker:
    """A broker outside of the server, whose files are generated; Mosquitto and NATS are two."""

    name: str

    def __init__(
        self, folder: Path, command: Sequence[str], settings: Settings, node: NatsNode
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.url = self.server_url = f"mqtt://{settings.broker_host}:{settings.broker_port}"
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        kind = BrokerKind(self.name)
        self._writer = configuration_writer(settings, kind, folder, node)
        self.process = HostedProcess(command, folder / f"{self.name}.log")
        pid_file = folder / f"{self.name}.pid"
        watch = ["--watch", "--reload-pid-file", str(pid_file), *_options(node)]
        verb = [sys.executable, "-m", "fleet_server", "broker-config", self.name]
        self.watcher = HostedProcess(
            [*verb, "--out", str(folder), *watch],
            folder / "watch.log",
            {
                "FLEET_DATA_DIR": str(settings.data_dir),
                "FLEET_DATABASE_URL": settings.database_url,
                **self.environment,
            },
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a server that uses it, and of the verb that configures it."""
        return {
            "FLEET_BROKER_URL": self.server_url,
            "FLEET_BROKER_PUBLIC_URL": self.url,
            "FLEET_BROKER_HOST": self.settings.broker_host,
            "FLEET_BROKER_PORT": str(self.settings.broker_port),
        }

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def start(self) -> None:
        """Write its files, start it, wait until it serves."""
        self.launch()
        self.wait_serving()

    def wait_serving(self) -> None:
        """Wait until it lets the server in."""
        address = urlsplit(self.server_url)
        wait_for_broker(address.port or 0, self.settings.data_dir, address.hostname or "")

    def launch(self) -> None:
        """Start without waiting: a node of a cluster serves once the others are there."""
        self._writer.write()
        self.process.start()

    def kill(self) -> None:
        """SIGKILL it."""
        self.process.kill()

    def stop(self) -> None:
        """Stop it cleanly, and its watcher."""
        self.watcher.stop()
        self.process.stop()
        self._writer.close()

    def refresh(self) -> None:
        """Write its files again and have it read them, as its watcher would in a while."""
        if self._writer.write():
            os.kill(self.pid, signal.SIGHUP)

    def watch(self) -> None:
        """Start `broker-config --watch` beside it."""
        self.watcher.start()


def downlink_qos(host: BrokerHost) -> int:
    """QoS towards cabinets over this broker (P-0)."""
    return int(host.environment.get("FLEET_DOWNLINK_QOS", "1"))


def wait_for_broker(port: int, data_dir: Path, host: str = "127.0.0.1") -> None:
    """Wait until the server's user is let in on this port."""
    secret = broker_secret(data_dir)
    wait_until(
        "the broker lets the server in", lambda: _lets_in(host, port, secret), READY_SECONDS_MAX
    )


def _options(node: NatsNode) -> list[str]:
    """Options of `broker-config nats` that say which node of a cluster it is."""
    if not node.routes:
        return []
    routes = [word for one in node.routes for word in ("--route", one)]
    return ["--node", node.name, "--cluster-port", str(node.cluster_port), *routes]


def _lets_in(host: str, port: int, secret: str) -> bool:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{SERVER_USER}:probe-{port}")
    client.username_pw_set(SERVER_USER, secret)
    let_in: list[bool] = []
    client.on_connect = lambda *args: let_in.append(not args[3].is_failure)
    try:
        client.connect(host, port)
        while not let_in:
            if client.loop(1.0) != paho.MQTT_ERR_SUCCESS:
                return False
    except OSError:
        return False
    client.disconnect()
    return let_in[0]
