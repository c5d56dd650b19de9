"""Every lock board behind the one interface: its driver, its line and the board at the far end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from edge_agent.clock import ManualClock
from edge_agent.drivers.lock_board.cu16.driver import Cu16Board
from edge_agent.drivers.lock_board.cu48.driver import Cu48Board
from edge_agent.drivers.lock_board.eight_a.driver import EightABoard
from edge_agent.drivers.lock_board.interface import LockBoard
from edge_agent.drivers.lock_board.winnsen.driver import WinnsenBoard
from edge_agent.drivers.lock_board.wkly.driver import WklyBoard
from edge_agent.seed import Chance
from edge_agent.settings import DeviceSettings
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.cu48 import SimulatedCu48
from simulators.devices.eight_a import SimulatedEightA
from simulators.devices.lock_bank import SimulatedLocks
from simulators.devices.winnsen import SimulatedWinnsen
from simulators.devices.wkly import SimulatedWkly
from tests.edge_agent.drivers.fake_line import FakeLine

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

Drive = Callable[[FakeLine, ManualClock], LockBoard]


def cu16(line: FakeLine, clock: ManualClock) -> LockBoard:
    return Cu16Board(line, clock, name="locks", board=2)


def wkly(line: FakeLine, clock: ManualClock) -> LockBoard:
    return WklyBoard(line, clock, name="locks", board=2)


def eight_a(line: FakeLine, clock: ManualClock) -> LockBoard:
    return EightABoard(line, clock, name="locks", board=2)


def cu48(line: FakeLine, clock: ManualClock) -> LockBoard:
    return Cu48Board(line, clock, name="locks", board=2)


def winnsen(line: FakeLine, clock: ManualClock) -> LockBoard:
    return WinnsenBoard(line, clock, name="locks", station=2)


@dataclass(frozen=True)
class BoardCase:
    """A kind of board; the simulated one and its neighbour on the bus have numbers 2 and 1."""

    drive: Drive
    simulate: Callable[[int], SimulatedLocks]
    locks: int
    says_when_it_fails: bool = False
    has_check: bool = True
    settings: DeviceSettings = field(
        default_factory=lambda: DeviceSettings("locks", "", 2, doors={"A": 1, "B": 2})
    )


def settings(kind: str) -> DeviceSettings:
    return DeviceSettings("locks", kind, 2, doors={"A": 1, "B": 2})


def chance() -> Chance:
    return Chance.from_seed(1)


CASES = {
    "cu16": BoardCase(
        cu16, lambda board: SimulatedCu16(chance(), board=board), 16, settings=settings("cu16")
    ),
    "wkly": BoardCase(
        wkly, lambda board: SimulatedWkly(chance(), board=board), 24, settings=settings("wkly")
    ),
    "8a": BoardCase(
        eight_a, lambda board: SimulatedEightA(chance(), board=board), 24, settings=settings("8a")
    ),
    "cu48": BoardCase(
        cu48, lambda board: SimulatedCu48(chance(), board=board), 48, settings=settings("cu48")
    ),
    "winnsen": BoardCase(
        winnsen,
        lambda board: SimulatedWinnsen(chance(), station=board),
        16,
        says_when_it_fails=True,
        has_check=False,
        settings=settings("winnsen"),
    ),
}


class LockBench:
    """One board of a kind with a neighbour of its kind on the same line."""

    def __init__(self, case: BoardCase, *, echo: bool = False) -> None:
        self.clock = ManualClock(START, elapsed=100.0)
        self.neighbour = case.simulate(1)
        self.simulated = case.simulate(2)
        self.line = FakeLine([self.neighbour, self.simulated], self.clock, echo=echo)
        self.driver = case.drive(self.line, self.clock)
