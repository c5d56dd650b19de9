"""The place of a run: a cabinet with its agent, true time beside its clock, an oracle at its locks.

The true time never jumps; the cabinet's clock does. Every move of a lock asks the oracle first.
"""

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from edge_agent.clock import ManualClock
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import WeightReading
from edge_agent.mqtt_link import LinkEvent, LinkMessage
from edge_agent.settings import BusSettings, DeviceSettings
from protocol.events import BODIES, SaleCompleted
from protocol.journal import Receipt
from protocol.presence import PresenceState
from protocol.topics import DownKind
from protocol.wire import decode
from tests.edge_agent.forbidden_sales.oracle import Oracle
from tests.edge_agent.model_server import START, FakeLink, ModelServer
from tests.edge_agent.workbench import Bench, FakeDoors, planned

FAST = Path("/dev/shm")  # noqa: S108  # nothing here outlives its run
"""Files in memory: nothing is synced for thousands of runs that never lose power for real."""
SLOTS = {False: ("A1", "A2"), True: ("S1", "S2")}
GTINS = ("06901234567892", "06909876543212")
GRAMS = {"S1": 520.0, "S2": 180.0}
SHELVES = {"S1": "top", "S2": "bottom"}
DOOR = "front"
LOCKS = BusSettings("nowhere", [DeviceSettings("locks", "cu16", 0, {"A1": 1, "A2": 2})])
FRONT = [
    BusSettings("nowhere", [DeviceSettings("locks", "cu16", 0, {DOOR: 1})]),
    BusSettings(
        "scales", [DeviceSettings("scales", "eagle-ei", 1, shelves={"top": 1, "bottom": 2})]
    ),
]


class ForbiddenSaleError(AssertionError):
    """Something left the cabinet that must not."""


class GuardedDoors(FakeDoors):
    """Locks that ask the oracle before they move."""

    def __init__(self, doors: tuple[str, ...], place: "CabinetPlace") -> None:
        super().__init__(doors)
        self._place = place

    def pulse(self, door: str, order: str) -> None:
        self._place.ask(door)
        super().pulse(door, order)


class TellingLink(FakeLink):
    """A link that notes which rules version the agent was told of."""

    oracle: Oracle

    def take(self, maximum: int) -> list[LinkEvent]:
        taken = super().take(maximum)
        for event in taken:
            if isinstance(event, LinkMessage) and event.topic.endswith(DownKind.RECEIPT):
                self.oracle.named = decode(event.payload, Receipt).rules_version
        return taken


class CabinetPlace:
    """One cabinet. `close` leaves nothing behind."""

    def __init__(self, seed: int, *, open_door: bool, trusted: bool) -> None:
        self.seed = seed
        self.open_door = open_door
        self.trusted = trusted
        self.slots = SLOTS[open_door]
        self.oracle = Oracle(open_door)
        self.server = ModelServer()
        self.rules = b""
        self.desired = b""
        self.true_now: datetime = START
        self.celsius = 3.0
        self.perishable = dict.fromkeys(self.slots, True)
        self.moves = 0
        self.lives = 0
        self._events_seen = 0
        self._folder = Path(tempfile.mkdtemp(dir=FAST if FAST.is_dir() else None))
        self.doors = GuardedDoors((DOOR,) if open_door else self.slots, self)
        self.grams = dict.fromkeys(SHELVES.values(), 100000.0) if open_door else {}
        self.clock = ManualClock(START)
        self.bench = self._born()

    def close(self) -> None:
        self.bench.crash()
        shutil.rmtree(self._folder)

    def step(self, count: int = 1, seconds: float = 1.0) -> None:
        """Let true time and the cabinet's clock pass; devices are polled, the server serves."""
        for _ in range(count):
            self.true_now += timedelta(seconds=seconds)
            self.clock.advance(seconds)
            at = self.clock.elapsed()
            for shelf, grams in self.grams.items():
                self.bench.agent.readings.put(
                    WeightReading(
                        "scales",
                        shelf,
                        grams,
                        None,
                        over_capacity=False,
                        at_rail=False,
                        at_elapsed=at,
                    )
                )
            self.bench.celsius = self.celsius
            self.bench.poll()
            self.bench.agent.step()
            self._serve()
            self._look()

    def reboot(self, *, power: bool, wall: datetime | None = None) -> None:
        """End the agent as a kill does; with the power, elapsed time begins anew."""
        self.bench.crash()
        if power:
            self.clock = ManualClock(wall or self.clock.wall(), elapsed=5.0)
        self.bench = self._born()
        self.step(2)

    def lose_store(self) -> None:
        """The disk is empty after the next start."""
        self.bench.crash()
        for path in self._folder.glob("agent.sqlite*"):
            path.unlink()
        self._events_seen = 0
        self.oracle.held, self.oracle.warm = 0, True
        self.oracle.book.clear()
        self.bench = self._born()
        self.step(2)

    def ask(self, door: str) -> None:
        """The lock is about to move. Raises ForbiddenSaleError."""
        self.moves += 1
        slots = list(self.slots) if self.open_door else [door]
        why = self.oracle.why_not(slots, self.true_now)
        if why:
            raise ForbiddenSaleError(f"{door} moves at {self.true_now}: {why}")

    def shut(self) -> None:
        self.doors.state = dict.fromkeys(self.doors.state, DoorState.CLOSED)

    def plan(self, version: int) -> None:
        """The server wants this planogram."""
        rows = [
            planned(
                slot,
                gtin,
                perishable=self.perishable[slot],
                chilled=self.perishable[slot],
                unit_grams=GRAMS.get(slot, 0.0),
            )
            for slot, gtin in zip(self.slots, GTINS, strict=True)
        ]
        self.server.desired_version = version
        self.desired = self.server.desired(version, rows)
        self.bench.link.send_desired(self.desired)

    def gtin(self, slot: str) -> str:
        return GTINS[self.slots.index(slot)]

    def _born(self) -> Bench:
        self.lives += 1
        bench = Bench(
            self._folder,
            self.server,
            seed=self.seed * 100 + self.lives,
            clock=self.clock,
            doors=self.doors,
            link_kind=TellingLink,
            machine_boot=f"machine-{self.lives}",
            clock_trusted=self.trusted,
            reconnect_spread_seconds=2.0,
            buses=FRONT if self.open_door else [LOCKS],
            slot_shelves=SHELVES if self.open_door else {},
        )
        link = bench.link
        assert isinstance(link, TellingLink)
        link.oracle = self.oracle
        self.server.now = lambda: self.true_now
        self._births_seen = len(self.server.presences)
        return bench

    def _serve(self) -> None:
        """Send again what the cabinet does not hold, as each birth shows it."""
        births = self.server.presences[self._births_seen :]
        self._births_seen += len(births)
        for birth in births:
            if birth.state is PresenceState.ONLINE and self.server.answers:
                if birth.rules_version < self.server.rules_version:
                    self.bench.link.send_rules(self.rules)
                if birth.desired_version < self.server.desired_version:
                    self.bench.link.send_desired(self.desired)

    def _look(self) -> None:
        """Follow what the cabinet says of itself: versions and sales."""
        held = self.bench.agent.cabinet.parts.rules.version
        if held < self.oracle.held:
            raise AssertionError(f"rules version fell from {self.oracle.held} to {held}")
        self.oracle.held = held
        for event in self.bench.agent.outbox.events(self._events_seen, 1_000):
            self._events_seen = event.seq
            if event.type == "sale.completed":
                self._sold(msgspec.json.decode(event.body, type=BODIES[event.type]))

    def _sold(self, sale: object) -> None:
        assert isinstance(sale, SaleCompleted)
        for line in sale.lines:
            units = self.oracle.book.get(line.slot, [])[: line.quantity]
            known = [(unit.gtin, unit.lot, unit.expiry) for unit in units]
            if line.lot is not None or line.expiry is not None:
                assert set(known) == {(line.gtin, line.lot, line.expiry)}, (known, line)
            self.oracle.sell(line.slot, line.quantity)
