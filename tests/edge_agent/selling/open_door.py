"""An open-door cabinet on the bench: one door, two shelves on scales, goods with weights."""

from collections.abc import Callable
from datetime import date

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DeviceFailure, WeightReading
from edge_agent.selling.session_book import SessionAnswer, SessionOrder
from edge_agent.settings import BusSettings, DeviceSettings
from protocol.events import StockMoved
from tests.edge_agent.model_server import GTIN_A, GTIN_B
from tests.edge_agent.workbench import EXPIRY, Bench, planned

DOOR = "front"
GRAMS = {"S1": 520.0, "S2": 180.0}
GTINS = {"S1": GTIN_A, "S2": GTIN_B}
PRICES = {"S1": 250, "S2": 1_280}
SHELVES = {"S1": "top", "S2": "bottom"}
UNITS = {"S1": 8, "S2": 5}
BUSES = [
    BusSettings("nowhere", [DeviceSettings("locks", "cu16", 0, {DOOR: 1})]),
    BusSettings(
        "scales",
        [DeviceSettings("scales", "eagle-ei", 1, shelves={"top": 1, "bottom": 2})],
    ),
]


class OpenDoor:
    """The bench with scales: `take` and `put` change what they show."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.grams = {SHELVES[slot]: UNITS[slot] * GRAMS[slot] for slot in UNITS}
        self.swinging: set[str] = set()
        self.silent = False

    def ready(self) -> "OpenDoor":
        """Give it rules, plan and goods."""
        self.bench.server.rules_version = 1
        self.steps(3)
        self.bench.link.send_rules(self.bench.server.rules(1, []))
        self.plan(1)
        self.steps(3)
        for slot, units in UNITS.items():
            self.load(slot, units)
        self.steps(4)
        return self

    def plan(self, version: int, **changes: object) -> None:
        """Send the planogram."""
        rows = [
            planned(
                slot,
                GTINS[slot],
                price_minor=PRICES[slot],
                unit_grams=GRAMS[slot],
                returnable=slot != "S2",
            )
            for slot in UNITS
        ]
        self.bench.link.send_desired(self.bench.server.desired(version, rows, **changes))

    def load(self, slot: str, units: int, lot: str | None = "L1", expiry: date = EXPIRY) -> None:
        """Load by lot; the scales do not change, as the goods stand there already."""
        moved = StockMoved(slot, GTINS[slot], lot, units, "tester", expiry=expiry)
        self.bench.agent.cabinet.load(moved)

    def steps(self, count: int, seconds: float = 1.0) -> None:
        """Let time pass; every device is polled each time."""
        for _ in range(count):
            self.bench.clock.advance(seconds)
            self.weigh()
            self.bench.poll()
            self.bench.agent.step()

    def weigh(self) -> None:
        """Have the scales read once."""
        at = self.bench.clock.elapsed()
        if self.silent:
            shelves = tuple(self.grams)
            failure = DeviceFailure("scales", "scale", "NoAnswerError", "", 1, shelves, at)
            self.bench.agent.readings.put(failure)
            return
        for shelf, grams in self.grams.items():
            swing = 60.0 * (int(at) % 2) if shelf in self.swinging else 0.0
            self.bench.agent.readings.put(
                WeightReading(
                    "scales",
                    shelf,
                    grams + swing,
                    None,
                    over_capacity=False,
                    at_rail=False,
                    at_elapsed=at,
                )
            )

    def take(self, slot: str, pieces: int = 1) -> None:
        """Take pieces out."""
        self.grams[SHELVES[slot]] -= pieces * GRAMS[slot]

    def open(self, reference: str = "pay-1", **more: str) -> SessionAnswer:
        """Pay, and have the door opened."""
        answer = self.bench.agent.cabinet.open_session(SessionOrder(reference, **more))
        self.steps(2)
        return answer

    def shut(self) -> None:
        """Close the door and let the scales come to rest."""
        self.bench.doors.state[DOOR] = DoorState.CLOSED
        self.steps(6)

    def answer(self, reference: str = "pay-1") -> SessionAnswer:
        """What the screen is told now."""
        session = self.bench.agent.cabinet.parts.sessions.find(reference)
        assert session is not None
        return session.answer

    def crash(self, make_bench: Callable[..., Bench], seed: int = 77) -> None:
        """Pull the plug, and start anew on the same store; doors and goods stay as they are."""
        old = self.bench
        old.crash()
        self.bench = make_bench(
            server=old.server, clock=old.clock, doors=old.doors, seed=seed, **SETTINGS
        )


SETTINGS: dict[str, object] = {"buses": BUSES, "slot_shelves": SHELVES}


def open_door(make_bench: Callable[..., Bench]) -> OpenDoor:
    """A cabinet that sells by session."""
    bench = make_bench(**SETTINGS)
    bench.doors.state = {DOOR: DoorState.CLOSED}
    return OpenDoor(bench).ready()
