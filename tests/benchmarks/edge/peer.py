"""`thingsboard-gateway` (PyPI) under test: Mosquitto, and a stand-in for ThingsBoard's own answers.

It is installed into a folder of its own under `build/`, configured as its documentation says, with
its durable storage (SQLite). It publishes nothing before its call `getSessionLimits` was answered,
and the broker's access list keeps its own calls from coming back to it as orders.
"""

import getpass
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.clock import Clock
from simulators.devices.bus import SimulatedBus
from simulators.hosts.link import CuttableLink
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until
from tests.benchmarks.edge.counting_probe import CountingProbe

VERSION = "3.8.5"
REQUIREMENTS = (
    f"thingsboard-gateway=={VERSION}",
    "pymodbus==3.9.2",
    "pyserial==3.5",
    "pyserial-asyncio==0.6",
)
"""It installs the last three by itself at its first start; here they are there before it starts."""
INSTALL_SECONDS_MAX = 300.0
CONNECT_SECONDS_MAX = 20.0
PROBES = 4
MILLISECONDS = 1_000
GATEWAY, SERVER = "gateway-token", "server"
LIMITS = {
    "maxPayloadSize": 65_536,
    "maxInflightMessages": 100,
    "rateLimits": {"messages": "", "telemetryMessages": "", "telemetryDataPoints": ""},
    "gatewayRateLimits": {"messages": "", "telemetryMessages": "", "telemetryDataPoints": ""},
}
BROKER = """\
user {user}
listener {port} 127.0.0.1
allow_anonymous true
acl_file {acl}
persistence false
max_queued_messages 0
max_inflight_messages 0
"""
ACCESS = f"""\
user {SERVER}
topic readwrite v1/#

user {GATEWAY}
topic write v1/gateway/#
topic write v1/devices/me/telemetry
topic write v1/devices/me/attributes
topic write v1/devices/me/attributes/request/+
topic write v1/devices/me/rpc/request/+
topic read v1/devices/me/rpc/response/+
topic read v1/devices/me/attributes/response/+
topic read v1/gateway/attributes/response
"""


def installed(folder: Path) -> Path:
    """Python of the peer's own environment, made once."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS],
            check=True,
            timeout=INSTALL_SECONDS_MAX,
            stderr=subprocess.DEVNULL,
        )
        (folder / "ready").touch()
    return python


class Peer:
    """One gateway with the same probes as ours."""

    name = f"thingsboard-gateway {VERSION}"

    def __init__(self, folder: Path, clock: Clock, python: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.probe = CountingProbe(clock, 1, counts=True)
        others = [CountingProbe(clock, number, counts=False) for number in range(2, PROBES + 1)]
        self._bus = SimulatedBus([self.probe, *others], clock, link=folder / "bus")
        broker, link = free_ports(2)
        self._port = broker
        self.link = CuttableLink(link, broker)
        self._broker = HostedProcess(
            ["mosquitto", "-c", str(folder / "mosquitto.conf")], folder / "mosquitto.log"
        )
        (folder / "logs").mkdir()
        environment = {"TB_GW_CONFIG_DIR": str(folder)}
        launch = f"import os; os.chdir({str(folder)!r}); "
        launch += "from thingsboard_gateway.tb_gateway import daemon; daemon()"
        self.process = HostedProcess(
            [str(python), "-c", launch], folder / "gateway.log", environment
        )
        self.server = ThingsBoardStandIn(clock, broker)

    def start(self, poll_seconds: float) -> None:
        """Start broker, stand-in and hardware; the gateway itself is started by the phases."""
        acl = self.folder / "acl"
        acl.write_text(ACCESS)
        (self.folder / "mosquitto.conf").write_text(
            BROKER.format(user=getpass.getuser(), port=self._port, acl=acl)
        )
        self._broker.start()
        self.server.start()
        self._bus.start()
        self.link.start()
        self.configure(poll_seconds)

    def configure(self, poll_seconds: float) -> None:
        """Write the settings."""
        (self.folder / "tb_gateway.json").write_text(json.dumps(self._gateway()))
        slaves = [self._slave(number, poll_seconds) for number in range(1, PROBES + 1)]
        (self.folder / "modbus.json").write_text(json.dumps({"master": {"slaves": slaves}}))
        (self.folder / "logs.json").write_text(json.dumps(_LOGS))

    def stop(self) -> None:
        """Stop everything."""
        self.process.kill()
        self.link.stop()
        self._bus.stop()
        self.server.stop()
        self._broker.stop()

    def arrived(self) -> list[int]:
        """Values of the counting probe that reached the server."""
        return self.server.values()

    def _gateway(self) -> dict[str, Any]:
        return {
            "thingsboard": {
                "host": "127.0.0.1",
                "port": self.link.port,
                "remoteShell": False,
                "remoteConfiguration": False,
                "statistics": {"enable": False},
                "deviceFiltering": {"enable": False},
                "maxPayloadSizeBytes": 8196,
                "minPackSendDelayMS": 50,
                "minPackSizeToSend": 500,
                "checkConnectorsConfigurationInSeconds": 60,
                "handleDeviceRenaming": False,
                "security": {"type": "accessToken", "accessToken": GATEWAY},
                "qos": 1,
                "reportStrategy": {"type": "ON_RECEIVED"},
                "checkingDeviceActivity": {"checkDeviceInactivity": False},
            },
            "storage": {
                "type": "sqlite",
                "data_file_path": f"{self.folder}/data/",
                "messages_ttl_check_in_hours": 1,
                "messages_ttl_in_days": 7,
                "max_read_records_count": 1000,
                "read_records_count": 100,
                "writing_batch_size": 1,
            },
            "grpc": {"enabled": False},
            "connectors": [
                {
                    "type": "modbus",
                    "name": "Bench",
                    "configuration": "modbus.json",
                    "logLevel": "WARNING",
                }
            ],
        }

    def _slave(self, number: int, poll_seconds: float) -> dict[str, Any]:
        rows = (("temperature", 1), ("humidity", 2))
        return {
            "type": "serial",
            "method": "rtu",
            "port": str(self.folder / "bus"),
            "baudrate": 9600,
            "timeout": 1,
            "stopbits": 1,
            "bytesize": 8,
            "parity": "N",
            "byteOrder": "BIG",
            "wordOrder": "BIG",
            "retries": True,
            "retryOnEmpty": True,
            "retryOnInvalid": True,
            "pollPeriod": round(poll_seconds * MILLISECONDS),
            "unitId": number,
            "deviceName": f"part-{number}",
            "sendDataOnlyOnChange": False,
            "connectAttemptTimeMs": 500,
            "connectAttemptCount": 5,
            "waitAfterFailedAttemptsMs": 1_000,
            "attributes": [],
            "timeseries": [
                {
                    "tag": tag,
                    "type": "16uint",
                    "functionCode": 4,
                    "objectsCount": 1,
                    "address": address,
                }
                for tag, address in rows
            ],
            "attributeUpdates": [],
            "rpc": [],
        }


_LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "WARNING"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
    "loggers": {},
}


class ThingsBoardStandIn:
    """Answers what the gateway asks of ThingsBoard, and keeps what it reports."""

    def __init__(self, clock: Clock, port: int) -> None:
        self.heard: dict[int, float] = {}
        self._values: list[int] = []
        self._clock = clock
        self._port = port
        self._lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=SERVER)
        self._client.username_pw_set(SERVER)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_: self._ready.set()

    def start(self) -> None:
        """Connect, and again whenever the broker comes back. Raises NotProvenError."""
        wait_until("the peer's broker listens", self._connects, CONNECT_SECONDS_MAX)
        self._client.loop_start()
        wait_until("the stand-in listens", self._ready.is_set, CONNECT_SECONDS_MAX)

    def stop(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()

    def first_after(self, began: float) -> float | None:
        """When the first value after this moment was heard."""
        with self._lock:
            return min((at for at in self.heard.values() if at >= began), default=None)

    def values(self) -> list[int]:
        """Every value that came, in order."""
        with self._lock:
            return list(self._values)

    def _connects(self) -> bool:
        try:
            self._client.connect("127.0.0.1", self._port)
        except OSError:
            return False
        return True

    def _connected(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe([("v1/gateway/#", 1), ("v1/devices/me/rpc/request/+", 1)])

    def _message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic.startswith("v1/devices/me/rpc/request/"):
            number = message.topic.rsplit("/", 1)[1]
            if json.loads(message.payload).get("method") == "getSessionLimits":
                answer = json.dumps(LIMITS)
                client.publish(f"v1/devices/me/rpc/response/{number}", answer, 1)
        elif message.topic == "v1/gateway/telemetry":
            self._keep(json.loads(message.payload))

    def _keep(self, reported: dict[str, Any]) -> None:
        at = self._clock.elapsed()
        with self._lock:
            for row in reported.get("part-1", []):
                value = row.get("values", row).get("temperature")
                if value is not None:
                    self._values.append(int(value))
                    self.heard.setdefault(int(value), at)
