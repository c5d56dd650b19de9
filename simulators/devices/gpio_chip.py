"""A chip of digital inputs that a GpioPort can be given in place of the kernel's.

People and wires move its lines: reeds bounce and chatter, a brown-out makes all inputs flicker and
resets the chip. `kernel_debounces` is off for chips whose driver refuses a debounce period. On a
ManualClock waiting moves the time; on any other clock it really waits.
"""

import threading
from collections.abc import Mapping, Sequence

from edge_agent.clock import Clock, ManualClock
from edge_agent.drivers.gpio.debounce import Change, Debouncer
from edge_agent.drivers.gpio.frames import Watch

NANOSECONDS = 1_000_000_000
MICROSECOND_NS = 1_000
LINES = 32
TURN_SECONDS = 0.01  # how late a planned move may be on a real clock


class SimulatedGpioChip:
    """The chip; `open` is what a GpioPort is given. Safe for bus and people's threads."""

    def __init__(self, clock: Clock, *, kernel_debounces: bool = True) -> None:
        self.plugged = True
        self.openings = 0
        self._clock = clock
        self._kernel_debounces = kernel_debounces
        self._moved = threading.Condition()
        self._high: dict[int, bool] = {}
        self._plan: list[tuple[float, int, bool]] = []
        self._lines: SimulatedLines | None = None

    def open(self, path: str) -> "SimulatedGpioChip":
        """Open it, as gpiod.Chip does."""
        if not self.plugged:
            raise FileNotFoundError(path)
        self.openings += 1
        return self

    def close(self) -> None:
        """Close it."""

    def request(self, watches: Sequence[Watch], *, debounced: bool) -> "SimulatedLines":
        """Request lines. Raises OSError as the kernel does."""
        if debounced and not self._kernel_debounces:
            raise OSError("debounce period is not supported")
        if any(watch.line >= LINES for watch in watches):
            raise OSError("no such line")
        with self._moved:
            self._lines = SimulatedLines(self, watches, debounced=debounced)
            return self._lines

    def move(self, line: int, *, high: bool, after_seconds: float = 0.0) -> None:
        """Set a line's voltage, now or later."""
        with self._moved:
            self._plan.append((self._clock.elapsed() + after_seconds, line, high))
            self._plan.sort(key=lambda move: move[0])
            self._moved.notify_all()

    def bounce(self, line: int, *, high: bool, times: int = 4, gap_seconds: float = 0.002) -> None:
        """Move a line as a contact does: it comes and goes some times before it stays."""
        for index in range(2 * times + 1):
            at = index * gap_seconds
            self.move(line, high=high if index % 2 == 0 else not high, after_seconds=at)

    def chatter(self, line: int, *, seconds: float, gap_seconds: float = 0.01) -> None:
        """Let a line go up and down without end for a while; it ends low."""
        for index in range(int(seconds / gap_seconds)):
            self.move(line, high=index % 2 == 0, after_seconds=index * gap_seconds)
        self.move(line, high=False, after_seconds=seconds)

    def brown_out(self) -> None:
        """Let the supply dip: all inputs fall, and who holds lines of the chip has lost them."""
        with self._moved:
            self._high.clear()
            self._plan.clear()
            if self._lines is not None:
                self._lines.gone = True
            self._moved.notify_all()

    def is_high(self, line: int) -> bool:
        """Voltage of a line; pulled up until somebody moved it."""
        return self._high.get(line, True)

    def let_time_pass(self, until: float) -> bool:
        """Carry out the next planned move if it is due by then; say whether there was one."""
        with self._moved:
            if self._plan and self._plan[0][0] <= until:
                at, line, high = self._plan.pop(0)
                self._advance_to(at)
                changed = self.is_high(line) != high
                self._high[line] = high
                if changed and self._lines is not None:
                    self._lines.note(line, max(at, 0.0), high=high)
                return True
            if isinstance(self._clock, ManualClock):
                self._advance_to(until)
            else:
                self._moved.wait(min(TURN_SECONDS, max(0.0, until - self._clock.elapsed())))
            return False

    def now(self) -> float:
        """Elapsed seconds of its clock."""
        return self._clock.elapsed()

    def _advance_to(self, at: float) -> None:
        if isinstance(self._clock, ManualClock):
            self._clock.advance(max(0.0, at - self._clock.elapsed()))


class SimulatedLines:
    """Lines requested from the chip, with the kernel's debouncing if it has one."""

    def __init__(
        self, chip: SimulatedGpioChip, watches: Sequence[Watch], *, debounced: bool
    ) -> None:
        self.gone = False
        self._chip = chip
        self._watches = {watch.line: watch for watch in watches}
        self._waiting: list[Change] = []
        period_us = max((watch.debounce_us for watch in watches), default=0) if debounced else 0
        levels = {line: self._active(line, high=chip.is_high(line)) for line in self._watches}
        self._debouncer = Debouncer(period_us * MICROSECOND_NS, levels)

    def note(self, line: int, at: float, *, high: bool) -> None:
        """A line moved."""
        if line in self._watches:
            at_ns, active = int(at * NANOSECONDS), self._active(line, high=high)
            self._waiting += self._debouncer.edge(line, at_ns, active=active)
            self._settle(at)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for an edge. Raises OSError."""
        until = self._chip.now() + timeout_seconds
        while True:
            self._check()
            self._settle(self._chip.now())
            if self._waiting:
                return True
            moved = self._chip.let_time_pass(min(until, self._due(until)))
            if not moved and self._chip.now() >= until:
                self._settle(self._chip.now())
                return bool(self._waiting)

    def edges(self, most: int) -> Sequence[Change]:
        """Edges that wait. Raises OSError."""
        self._check()
        taken, self._waiting = self._waiting[:most], self._waiting[most:]
        return taken

    def levels(self) -> Mapping[int, bool]:
        """Levels as debounced as the edges. Raises OSError."""
        self._check()
        return self._debouncer.levels

    def release(self) -> None:
        """Give the lines back. Raises OSError."""
        self._check()

    def _due(self, until: float) -> float:
        due_at_ns = self._debouncer.due_at_ns
        return until if due_at_ns is None else min(until, (due_at_ns + 1) / NANOSECONDS)

    def _settle(self, now: float) -> None:
        self._waiting += self._debouncer.settle(int(now * NANOSECONDS))

    def _active(self, line: int, *, high: bool) -> bool:
        return high != self._watches[line].active_low

    def _check(self) -> None:
        if self.gone or not self._chip.plugged:
            raise OSError("no such device")
