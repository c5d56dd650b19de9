"""An FA FB controller driven by a real `Bus` over a line whose time the test moves."""

from datetime import UTC, datetime

from edge_agent.clock import ManualClock
from edge_agent.drivers.bus import Bus
from edge_agent.drivers.errors import PortGoneError
from edge_agent.drivers.line import ListenedPort
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import DispenseEnded, MachinePart, PulseFailed, Reading
from edge_agent.drivers.spiral_board.fa_fb.driver import FaFbController
from edge_agent.drivers.spiral_board.fa_fb.machine import MachineNames
from edge_agent.drivers.spiral_board.fa_fb.vend_command import VendCommand
from edge_agent.seed import Chance
from simulators.devices.fa_fb_board import SimulatedFaFbBoard
from tests.edge_agent.drivers.fake_line import FakeLine

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SLOTS = {"A1": 1, "A2": 2, "B1": 300}
Outcome = DispenseEnded | PulseFailed


class FaFbBench:
    """A machine of three selections with five products each, and the agent's bus on it."""

    def __init__(self, *, seed: int = 1, vend: VendCommand | None = None) -> None:
        self.clock = ManualClock(START, elapsed=100.0)
        self.board = SimulatedFaFbBoard(Chance.from_seed(seed), dict.fromkeys(SLOTS.values(), 5))
        self.line = FakeLine([self.board], self.clock)
        self.readings = ReadingQueue(capacity=10_000)
        names = MachineNames(
            "machine",
            {number: slot for slot, number in SLOTS.items()},
            "cabinet",
            frozenset(MachinePart),
        )
        port = ListenedPort(self.line)
        self.driver = FaFbController(port, self.clock, names, SLOTS, vend or VendCommand())
        self.bus = Bus(port, [self.driver], self.readings, self.clock)

    def run(self, seconds: float) -> list[Reading]:
        """Let the bus thread's turns pass for so long; return what was told."""
        end = self.clock.elapsed() + seconds
        while self.clock.elapsed() < end:
            said = self.board.tick(self.clock.elapsed())
            if self.line.is_open and self.line.plugged:
                self.line.put(said)
            self.bus.listen(self.bus.step())
            self.clock.advance(0.01)
        return self.readings.take(10_000)

    def outcomes(self, seconds: float) -> list[Outcome]:
        """Run, and return only how orders ended."""
        return [row for row in self.run(seconds) if isinstance(row, DispenseEnded | PulseFailed)]

    def gone_while_writing(self, times: int) -> None:
        """Let the port go just after the next `times` writes reached the board."""
        write, left = self.line.write, [times]

        def write_and_go(data: bytes) -> None:
            write(data)
            if left[0] > 0:
                left[0] -= 1
                raise PortGoneError("gone", port=self.line.name)

        self.line.write = write_and_go  # type: ignore[method-assign]  # the cable is pulled here
