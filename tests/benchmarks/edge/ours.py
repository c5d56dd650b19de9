"""Our agent under test: real server (SQLite, embedded broker), every reading committed and sent."""

import gzip
import json
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.clock import Clock
from edge_agent.seed import Chance
from protocol.wire import unpack
from simulators.devices.bus import SimulatedBus
from simulators.hosts.link import CuttableLink
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.hosts.server_host import ServerHost
from simulators.story.stage import Stage
from tests.benchmarks.edge.counting_probe import CountingProbe

CABINET = "C1"
PROBES = 4
"""Two registers each: the eight of the design."""
TENTHS = 10

CONFIG = """\
data_dir = "{data_dir}"
perishable = false
clock_trusted = true
poll_seconds = {poll_seconds}
brokers = ["mqtt://127.0.0.1:{broker_port}"]
reconnect_spread_seconds = 1.0
receipt_timeout_seconds = 2.0
telemetry_mode = "every_reading"
telemetry_commit_seconds = 0.0
[local_api]
port = {local_port}
[[buses]]
port = "{bus}"
"""
DEVICE = """\
[[buses.devices]]
name = "probe-{number}"
kind = "xy-md02"
address = {number}
part = "part-{number}"
"""


class Ours:
    """One cabinet of a real server."""

    name = "edge-agent"

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.probe = CountingProbe(clock, 1, counts=True)
        others = [CountingProbe(clock, number, counts=False) for number in range(2, PROBES + 1)]
        self._bus = SimulatedBus([self.probe, *others], clock, link=folder / "bus")
        self.stage = Stage(folder, ServerHost(folder), Chance.from_seed(1))
        self._local, link = free_ports(2)
        self.link = CuttableLink(link, self.stage.server.broker_port)
        self.config = folder / "agent.toml"
        self.process = HostedProcess(
            [sys.executable, "-m", "edge_agent", "run", "--config", str(self.config)],
            folder / "agent.log",
            _as_the_unit_runs_it(),
        )

    def start(self, poll_seconds: float) -> None:
        """Start server and hardware, join; the agent itself is started by the phases."""
        self.stage.open()
        site = self.stage.add_site("Bench", 31.2, 121.4)
        draft = {"id": CABINET, "serial_number": "SN-1", "site_id": site, "perishable": False}
        self.stage.admin.post("/cabinets", draft, key="cabinet")
        claim = self.stage.admin.post(f"/cabinets/{CABINET}/claims", {"lifetime_hours": 1})
        self._bus.start()
        self.link.start()
        self.configure(poll_seconds)
        joining = HostedProcess(
            [
                sys.executable,
                *("-m", "edge_agent", "enrol", "--config", str(self.config)),
                *("--server", self.stage.server.url, "--serial", "SN-1"),
                *("--claim", claim["claim_code"]),
            ],
            self.folder / "enrol.log",
        )
        joining.start()
        joining.wait()

    def configure(self, poll_seconds: float) -> None:
        """Write the settings."""
        text = CONFIG.format(
            data_dir=self.folder / "store",
            poll_seconds=poll_seconds,
            broker_port=self.link.port,
            local_port=self._local,
            bus=self.folder / "bus",
        )
        devices = "".join(DEVICE.format(number=number) for number in range(1, PROBES + 1))
        self.config.write_text(text + devices)

    def stop(self) -> None:
        """Stop everything."""
        self.process.stop()
        self.link.stop()
        self._bus.stop()
        self.stage.close()

    def arrived(self) -> list[int]:
        """Values of the counting probe in the server's database: committed after P-3."""
        path = self.stage.server.data_dir / "fleet.sqlite"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT samples FROM telemetry_batches").fetchall()
        return [value for (samples,) in rows for value in _values(bytes(samples))]

    @property
    def store(self) -> Path:
        """Folder of the agent's store."""
        return self.folder / "store"


def _as_the_unit_runs_it() -> dict[str, str]:
    """Environment of the systemd unit, with bytecode cached as an installation has it."""
    unit = (Path(__file__).parents[3] / "deploy" / "edge-agent.service").read_text()
    lines = [line for line in unit.splitlines() if line.startswith("Environment=")]
    named = dict(line.removeprefix("Environment=").split("=", 1) for line in lines)
    return {**named, "PYTHONDONTWRITEBYTECODE": ""}


def _values(samples: bytes) -> list[int]:
    text = gzip.decompress(samples) if samples.startswith(b"\x1f\x8b") else samples
    return [
        round(row["value"] * TENTHS)
        for row in json.loads(text)
        if row["part"] == "part-1" and row["metric"] == "temperature_celsius"
    ]


class Ear:
    """Hears what a cabinet publishes, as the server does, and when."""

    def __init__(self, clock: Clock, host: str, port: int, user: str, password: str) -> None:
        self.heard: dict[int, float] = {}
        self.first_at: float | None = None
        self._clock = clock
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user)
        self._client.username_pw_set(user, password)
        self._client.on_connect = lambda client, *_: client.subscribe("fleet/v1/+/up/+/+", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._message
        self._client.connect(host, port)
        self._client.loop_start()
        self._ready.wait(10.0)

    def close(self) -> None:
        """Stop to listen."""
        self._client.disconnect()
        self._client.loop_stop()

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        at = self._clock.elapsed()
        is_will = b'"offline"' in message.payload  # the broker's word on a life before
        if self.first_at is None and not is_will:
            self.first_at = at
        if message.topic.endswith("/telemetry"):
            batch = json.loads(unpack(message.payload))
            for value in _values(json.dumps(batch["samples"]).encode()):
                self.heard.setdefault(value, at)
