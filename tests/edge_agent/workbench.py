"""A whole agent on a bench: manual clock, doors that behave, a model server."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec

from edge_agent.agent import Agent, World, build
from edge_agent.clock import ManualClock
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DoorReading, PulseFailed, PulseSent, TemperatureReading
from edge_agent.seed import Chance
from edge_agent.selling.gate import Lot
from edge_agent.selling.vend_book import VendAnswer, VendOrder
from edge_agent.settings import BusSettings, DeviceSettings, LocalApiSettings, Settings
from edge_agent.store import STORE_FILE, Moment, Witness
from protocol.desired import PlannedSlot
from protocol.events import StockMoved
from protocol.intervals import Uplink
from tests.edge_agent.model_server import GTIN_A, START, FakeLink, ModelServer

DOORS = ("A1", "A2")
MACHINE_BOOT = "machine-1"
EXPIRY = date(2030, 1, 1)
"""Goods of the bench are perishable and so carry a date, later than any test runs."""


class FakeDoors:
    """Locks that open when pulsed, unless stuck; `pulses` counts what reached them."""

    def __init__(self, doors: Sequence[str] = DOORS) -> None:
        self.state = dict.fromkeys(doors, DoorState.CLOSED)
        self.pulses: list[tuple[str, str]] = []
        self.stuck = False
        self.refusing = False
        self.outcomes: list[tuple[str, str, bool]] = []
        self.units_told: list[tuple[str, int]] = []

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def check(self) -> None:
        pass

    def poll_soon(self, device: str) -> None:
        pass

    def set_units(self, slot: str, units: int) -> None:
        self.units_told.append((slot, units))

    def pulse(self, door: str, order: str) -> None:
        self.outcomes.append((door, order, not self.refusing))
        if self.refusing:
            return
        self.pulses.append((door, order))
        if not self.stuck:
            self.state[door] = DoorState.OPEN


class Bench:
    """One cabinet. `step` lets time pass and has the devices polled."""

    def __init__(
        self,
        directory: Path,
        server: ModelServer | None = None,
        *,
        seed: int = 1,
        after_commit: Callable[[], None] | None = None,
        witness: Witness | None = None,
        clock: ManualClock | None = None,
        doors: FakeDoors | None = None,
        serving: bool = False,
        machine_boot: str = MACHINE_BOOT,
        storage_life: Callable[[], int | None] = lambda: None,
        uplink: Uplink = Uplink.WIRED,
        link_kind: type[FakeLink] = FakeLink,
        **settings: object,
    ) -> None:
        self.server = server or ModelServer()
        self.link = link_kind(self.server)
        self.doors = doors or FakeDoors()
        self.clock = clock or ManualClock(START)
        # The server knows the time, whatever the wall clock of the cabinet says.
        self.server.now = lambda: START + timedelta(seconds=self.clock.elapsed())
        self.celsius: float | None = 3.0
        self.stepping: threading.Lock | None = None
        """Held by whoever touches the agent while a thread steps it.

        A look at the store beside the thread that writes it freezes the whole process: the one
        waits for Python with SQLite's lock in its hand (`row_seal`), the other the other way round.
        """
        self.directory = directory
        self.settings = msgspec.structs.replace(_settings(directory), **settings)
        self.chance = Chance.from_seed(seed)
        world = World(
            clock=self.clock,
            chance=self.chance,
            machine_boot=machine_boot,
            storage_life=storage_life,
            link=self.link,
            devices=self.doors,
            witness=witness or _after_commits(after_commit),
        )
        self.agent: Agent = build(self.settings, self.server.identity(uplink=uplink), world)
        if serving:
            self.agent.start()
        else:
            self.agent._announce()  # a thread that serves nobody would only slow the tests

    def step(self, seconds: float = 1.0) -> None:
        self.clock.advance(seconds)
        self.poll()
        self.agent.step()

    def steps(self, count: int, seconds: float = 1.0) -> None:
        for _ in range(count):
            self.step(seconds)

    def poll(self) -> None:
        at = self.clock.elapsed()
        for door, order, sent in self.doors.outcomes:
            if sent:
                self.agent.readings.put(PulseSent("locks", door, order, at))
            else:
                self.agent.readings.put(PulseFailed("locks", door, order, "NoAnswer", "dead", at))
        self.doors.outcomes.clear()
        for door, state in self.doors.state.items():
            self.agent.readings.put(DoorReading("locks", door, state, at))
        if self.celsius is not None:
            self.agent.readings.put(TemperatureReading("probe", "cabinet", self.celsius, 50.0, at))

    def close_doors(self) -> None:
        self.doors.state = dict.fromkeys(DOORS, DoorState.CLOSED)

    def stop(self) -> None:
        self.agent.stop()

    def crash(self) -> None:
        """End as SIGKILL does: nothing more is written."""
        self.agent._server.stop()
        self.agent.cabinet.parts.store.close()

    def vend(self, reference: str, slot: str = "A1", **more: str) -> VendAnswer:
        answer = self.agent.cabinet.vend(VendOrder(reference, slot, **more))
        self.steps(2)
        vend = self.agent.cabinet.parts.vends.find(reference)
        return answer if vend is None else vend.answer

    def load(self, slot: str = "A1", lot: str | None = "L1", quantity: int = 5) -> None:
        moved = StockMoved(slot, GTIN_A, lot, quantity, "tester", expiry=EXPIRY)
        self.agent.cabinet.load(moved)

    def lots(self, slot: str = "A1") -> tuple[Lot, ...]:
        return self.agent.cabinet.parts.stock.lots(slot)

    def units(self, slot: str = "A1") -> int:
        return sum(lot.quantity for lot in self.lots(slot))

    def journal(self) -> list[tuple[str, object]]:
        assert self.stepping is None or self.stepping.locked(), "ask the screen: it locks"
        events = self.agent.outbox.events(0, 10_000)
        return [(event.type, msgspec.json.decode(event.body)) for event in events]

    def types(self) -> list[str]:
        return [kind for kind, _ in self.journal()]

    def bodies(self, kind: str) -> list[dict[str, object]]:
        return [body for found, body in self.journal() if found == kind and isinstance(body, dict)]


def ready(bench: Bench, **desired: object) -> Bench:
    """Connect, and give the cabinet rules, planogram and goods: it sells."""
    bench.server.rules_version = 1
    bench.steps(3)
    bench.link.send_rules(bench.server.rules(1, []))
    planogram = [planned("A1"), planned("A2")]
    bench.link.send_desired(bench.server.desired(1, planogram, **desired))
    bench.steps(3)
    bench.load()
    bench.steps(2)
    return bench


def planned(slot: str, gtin: str = GTIN_A, **changes: object) -> PlannedSlot:
    row = PlannedSlot(slot, gtin, 1250, "三明治", "Sandwich", perishable=True, chilled=True)
    return msgspec.structs.replace(row, **changes)


def copied_store(directory: Path) -> Path:
    """Copy of the store as a power cut would leave it, in a directory of its own."""
    target = Path(tempfile.mkdtemp(dir=directory.parent))
    for path in directory.glob(f"{STORE_FILE}*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, target / path.name)
    for path in directory.glob("*.born"):
        shutil.copy(path, target / path.name)
    return target


def _after_commits(call: Callable[[], None] | None) -> Witness:
    def witness(moment: Moment) -> None:
        if call is not None and moment is Moment.AFTER_COMMIT:
            call()

    return witness


def _settings(directory: Path) -> Settings:
    doors = {door: number for number, door in enumerate(DOORS, start=1)}
    bus = BusSettings("nowhere", [DeviceSettings("locks", "cu16", 0, doors)])
    return Settings(
        data_dir=str(directory),
        buses=[bus],
        clock_trusted=True,
        local_api=LocalApiSettings(port=0),
        telemetry_commit_seconds=5.0,
    )
