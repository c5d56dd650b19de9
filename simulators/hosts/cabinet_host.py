"""One cabinet: simulated hardware on pseudo-terminals and a real `edge-agent` process."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.clock import SystemClock
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.store import Store
from simulators.devices.bus import SimulatedBus
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.xy_md02 import SimulatedXyMd02
from simulators.errors import SimulatorError
from simulators.hosts.link import CuttableLink
from simulators.hosts.process import HostedProcess
from simulators.people.http import Person

COMMAND_SECONDS_MAX = 60.0
PROBE_NOISE_CELSIUS = 0.2
"""A probe whose value never moves counts as frozen (TEMP_SENSOR), as it should."""
COLD_CELSIUS = 3.0

CONFIG = """\
data_dir = "{data_dir}"
perishable = true
clock_trusted = true
poll_seconds = 0.25
proof_seconds = 5.0
brokers = ["mqtt://127.0.0.1:{broker_port}"]
reconnect_spread_seconds = 1.0
receipt_timeout_seconds = 2.0

[local_api]
port = {local_port}
payment = "fake"

[[buses]]
port = "{lock_port}"
[[buses.devices]]
name = "locks"
kind = "cu16"
address = 0
doors = {{ {doors} }}

[[buses]]
port = "{probe_port}"
[[buses.devices]]
name = "probe"
kind = "xy-md02"
address = 1
part = "cabinet"
"""


@dataclass(frozen=True)
class CabinetPorts:
    """TCP ports of one cabinet: its local API and its end of the link."""

    local: int
    link: int


class CabinetHost:
    """A cabinet of `slots` doors behind a link that can be cut."""

    def __init__(
        self,
        cabinet_id: str,
        folder: Path,
        slots: int,
        broker_port: int,
        ports: CabinetPorts,
        link: Callable[[int, int], CuttableLink] = CuttableLink,
    ) -> None:
        """`link` makes the link of a local port to the broker's."""
        self.cabinet_id = cabinet_id
        self.serial_number = f"SN-{cabinet_id}"
        self.ports = ports
        self.slots = [f"A{number}" for number in range(1, slots + 1)]
        self.folder = folder / cabinet_id
        self.folder.mkdir(parents=True, exist_ok=True)
        chance = Chance.from_seed(sum(cabinet_id.encode()))
        self.locks = SimulatedCu16(chance)
        self.probe = SimulatedXyMd02(
            chance, temperature_celsius=COLD_CELSIUS, noise_celsius=PROBE_NOISE_CELSIUS
        )
        clock = SystemClock()
        self._buses = [
            SimulatedBus([self.locks], clock, link=self.folder / "locks"),
            SimulatedBus([self.probe], clock, link=self.folder / "probe"),
        ]
        self.link = link(ports.link, broker_port)
        self.config = self.folder / "agent.toml"
        self._write_config(ports)
        self.agent = HostedProcess(
            [sys.executable, "-m", "edge_agent", "run", "--config", str(self.config)],
            self.folder / "agent.log",
        )
        self.screen = Person(f"http://127.0.0.1:{ports.local}", prefix="/v1")

    def plug_in(self) -> None:
        """Start the hardware and the link; the agent is started on its own."""
        for bus in self._buses:
            bus.start()
        self.link.start()

    def enrol(self, server_url: str, claim_code: str) -> None:
        """Join the fleet as a technician would at the bench."""
        arguments = ("--server", server_url, "--claim", claim_code, "--serial", self.serial_number)
        self._command("enrol", *arguments)

    def lock_of(self, slot: str) -> int:
        """Lock number of a slot."""
        return self.slots.index(slot) + 1

    def state(self) -> dict[str, Any]:
        """What the screen shows."""
        state: dict[str, Any] = self.screen.get("/state")
        return state

    def journal(self) -> list[dict[str, Any]]:
        """Journal as kept in the cabinet's store: epoch, seq, type, sha256 of the body, body."""
        return [json.loads(line) for line in self._command("export-journal").splitlines()]

    def forget_acknowledged(self) -> None:
        """Delete what the server has, as after seven days or for space (P-7); the agent is dead."""
        clock = SystemClock()
        store = Store.open(self.folder / "store", SCHEMA_STEPS, now=clock.wall())
        try:
            time = Timekeeper(store, clock, trusted=True)
            outbox = Outbox(store, time, Chance.from_seed(0), "forgetting")
            while outbox.tidy(short_of_space=True):
                pass
        finally:
            store.close()

    def unplug(self) -> None:
        """Stop agent, link and hardware."""
        self.screen.close()
        self.agent.stop()
        self.link.stop()
        for bus in self._buses:
            bus.stop()

    def _command(self, verb: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "edge_agent", verb, "--config", str(self.config), *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise SimulatorError(f"edge-agent {verb}: {done.stderr[-500:]}")
        return done.stdout

    def _write_config(self, ports: CabinetPorts) -> None:
        doors = ", ".join(f"{slot} = {self.lock_of(slot)}" for slot in self.slots)
        self.config.write_text(
            CONFIG.format(
                data_dir=self.folder / "store",
                broker_port=ports.link,
                local_port=ports.local,
                lock_port=self.folder / "locks",
                probe_port=self.folder / "probe",
                doors=doors,
            )
        )
