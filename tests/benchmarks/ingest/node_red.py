"""A peer of the ingest benchmark: Node-RED, which writes each MQTT message as one row.

As its users build it: an `mqtt in` node, wired to a function node that awaits one INSERT per
message on a `pg` pool of the default size (10). Nothing is tuned, for or against it. Node-RED
acknowledges a QoS 1 message when it hands it to the flow, before the row is written: what a kill
finds between the two is lost, and a clean session loses what comes until it is back.

Versions are exact, but not those of what they depend on: npm takes the newest allowed.
"""

import json
import subprocess
import time
from pathlib import Path

from simulators.errors import SimulatorError
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until

NODE_RED = "4.1.15"
"""Newest of 4.x, for Node 18.5 and later; 5.x asks for Node 22.9."""
PG = "8.23.1"
CACHE = Path(__file__).parents[3] / "build" / "peers" / "node-red"
INSTALL_SECONDS_MAX = 600.0
"""About 300 packages; 17 s where this was written."""
READY_SECONDS_MAX = 60.0
"""It takes 3 s on an idle machine."""
SUBSCRIBE_SECONDS = 1.0
"""It logs the connection just before it sends SUBSCRIBE, and logs no SUBACK."""
CONNECTED = "Connected to broker"

OPEN_POOL = """\
const pool = new pg.Pool({ connectionString: env.get("PEER_DSN") });
pool.on("error", (error) => node.error(error));
context.set("pool", pool);
"""
INSERT_ROW = """\
await context.get("pool").query(
    "INSERT INTO peer_rows (topic, payload) VALUES ($1, $2)", [msg.topic, msg.payload]);
return null;
"""
CLOSE_POOL = """\
context.get("pool").end();  // not awaited: code at the end of a node is not asynchronous
"""


class NodeRedPeer:
    """Node-RED in a folder of its own, from one broker into one database.

    It subscribes to `topic_filter` at QoS 1 with a clean session, as client `<user>:node-red`, and
    inserts into `peer_rows(topic text, payload text)`, which the caller makes. `dsn` is a
    `postgresql://` URL. It keeps nothing: `start` after `stop` or `kill` begins anew.
    """

    def __init__(
        self,
        folder: Path,
        address: tuple[str, int],
        user: str,
        password: str,
        topic_filter: str,
        dsn: str,
    ) -> None:
        self._folder = folder.resolve()
        self._flow = _flow(address, f"{user}:node-red", topic_filter)
        self._credentials = {"broker": {"user": user, "password": password}}
        red = CACHE / "node_modules" / "node-red" / "red.js"
        settings = self._folder / "settings.js"
        command = ["node", str(red), "--userDir", str(self._folder), "--settings", str(settings)]
        log = self._folder / "node-red.log"
        self._process = HostedProcess(command, log, {"PEER_DSN": dsn})

    @property
    def pid(self) -> int:
        """Process id: it is a single process."""
        return self._process.pid

    def start(self) -> None:
        """Install it where it is not yet, start it and wait until it is subscribed.

        Raises SimulatorError when npm or the flow fails, NotProvenError when it does not connect
        in time.
        """
        _install()
        self._write()
        self._process.log.unlink(missing_ok=True)  # an earlier run's line proves nothing
        self._process.start()
        try:
            wait_until("Node-RED is connected", self._is_connected, READY_SECONDS_MAX)
            time.sleep(SUBSCRIBE_SECONDS)
            self._check_flow()
        except BaseException:
            self._process.kill()
            raise

    def stop(self) -> None:
        """Stop it cleanly; it does not wait for rows that are still to be written."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL it."""
        self._process.kill()

    def _is_connected(self) -> bool:
        if not self._process.running:
            raise SimulatorError(f"Node-RED ended: {self._process.tail()}")
        return CONNECTED in self._process.log.read_text(errors="replace")

    def _check_flow(self) -> None:
        """A function node that cannot start leaves Node-RED running, and connected."""
        if "[error]" in self._process.log.read_text(errors="replace"):
            raise SimulatorError(f"the flow failed: {self._process.tail()}")

    def _write(self) -> None:
        modules = self._folder / "node_modules"
        modules.mkdir(parents=True, exist_ok=True)
        # Only what its package.json names may be used by a function node.
        link = modules / "pg"
        link.unlink(missing_ok=True)
        link.symlink_to(CACHE / "node_modules" / "pg")
        files = {
            "package.json": json.dumps({"name": "peer", "dependencies": {"pg": PG}}),
            "settings.js": f"module.exports = {json.dumps(_settings())};\n",
            "flows.json": json.dumps(self._flow),
            "flows_cred.json": json.dumps(self._credentials),
        }
        for name, text in files.items():
            (self._folder / name).write_text(text)


def _settings() -> dict[str, object]:
    """No editor, no HTTP API, no telemetry, nothing fetched at run time."""
    return {
        "uiHost": "127.0.0.1",
        "uiPort": free_ports(1)[0],
        "httpAdminRoot": False,
        "httpNodeRoot": False,
        "disableEditor": True,
        "telemetry": {"enabled": False, "updateNotification": False},
        "flowFile": "flows.json",
        "credentialSecret": False,
        "functionExternalModules": True,
        "externalModules": {
            "palette": {"allowInstall": False},
            "modules": {"allowInstall": False},
        },
        "logging": {"console": {"level": "info", "metrics": False, "audit": False}},
    }


def _flow(address: tuple[str, int], client_id: str, topic_filter: str) -> list[dict[str, object]]:
    host, port = address
    broker = {
        "id": "broker",
        "type": "mqtt-broker",
        "broker": host,
        "port": str(port),
        "clientid": client_id,
        "autoConnect": True,
        "usetls": False,
        "protocolVersion": "4",  # MQTT 3.1.1
        "keepalive": "60",
        "cleansession": True,
    }
    source = {
        "id": "source",
        "type": "mqtt in",
        "z": "peer",
        "topic": topic_filter,
        "qos": "1",
        "datatype": "utf8",
        "broker": "broker",
        "inputs": 0,
        "wires": [["insert"]],
    }
    insert = {
        "id": "insert",
        "type": "function",
        "z": "peer",
        "func": INSERT_ROW,
        "outputs": 0,
        "timeout": 0,
        "initialize": OPEN_POOL,
        "finalize": CLOSE_POOL,
        "libs": [{"var": "pg", "module": "pg"}],
        "wires": [],
    }
    return [{"id": "peer", "type": "tab", "label": "Peer"}, broker, source, insert]


def _install() -> None:
    """Install into the cache what is not there in these versions. Raises SimulatorError."""
    wanted = {"node-red": NODE_RED, "pg": PG}
    if all(_installed(name) == version for name, version in wanted.items()):
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "package.json").write_text(json.dumps({"name": "peers", "private": True}))
    packages = [f"{name}@{version}" for name, version in wanted.items()]
    command = ["npm", "install", "--no-audit", "--no-fund", "--omit=dev", "--save-exact", *packages]
    done = subprocess.run(
        command,
        cwd=CACHE,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise SimulatorError(f"npm install: {done.stderr[-500:]}")


def _installed(package: str) -> str:
    """Version in the cache; empty when there is none."""
    manifest = CACHE / "node_modules" / package / "package.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else ""
