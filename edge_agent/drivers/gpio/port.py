"""A chip of digital inputs as a port of bytes: edges and levels as records (`frames.py`).

The lines are requested when the driver asks for the first time, and again after each opening. The
kernel debounces where it can; else it is done here. The chip is given as a function, so that tests
and simulators need no kernel; the package gpiod is imported only when a real chip is opened.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from edge_agent.clock import Clock, SystemClock
from edge_agent.drivers.errors import PortGoneError
from edge_agent.drivers.gpio.debounce import Change, Debouncer
from edge_agent.drivers.gpio.frames import Level, Watch, decode_request, encode_level
from edge_agent.drivers.line import AnswerCounts

NANOSECONDS = 1_000_000_000
MICROSECOND_NS = 1_000
EDGES_MAX = 1_024  # all that the kernel keeps: 16 a line (libgpiod's default), 64 lines a request

_DEAD = (OSError, ValueError)  # a chip that is gone, or a line that it does not have


class Lines(Protocol):
    """Lines requested from a chip; edges are told both ways. Raise OSError when it is gone."""

    def wait(self, timeout_seconds: float) -> bool:
        """Wait at most so long for an edge; say whether there is one."""
        ...

    def edges(self, most: int) -> Sequence[Change]:
        """Edges that wait, oldest first."""
        ...

    def levels(self) -> Mapping[int, bool]:
        """Level of each line now."""
        ...

    def release(self) -> None:
        """Give the lines back."""
        ...


class Chip(Protocol):
    """An opened chip. Raises OSError."""

    def request(self, watches: Sequence[Watch], *, debounced: bool) -> Lines:
        """Request lines; with `debounced` by the kernel, which it may refuse."""
        ...

    def close(self) -> None:
        """Close the chip."""
        ...


class GpioPort:
    """One chip, opened for the inputs of one device. Not for several threads."""

    def __init__(self, path: str, open_chip: Callable[[str], Chip], clock: Clock) -> None:
        self.counts = AnswerCounts()
        self._path = path
        self._open_chip = open_chip
        self._clock = clock
        self._chip: Chip | None = None
        self._lines: Lines | None = None
        self._watches: tuple[Watch, ...] = ()
        self._debouncer: Debouncer | None = None
        self._to_read = bytearray()
        self._idle = threading.Event()  # never set: only to wait on

    @property
    def name(self) -> str:
        """The chip's path."""
        return self._path

    def open(self) -> None:
        """Open the chip if it is closed. Raises PortGoneError, also without package gpiod."""
        if self._chip is not None:
            return
        try:
            self._chip = self._open_chip(self._path)
        except ImportError as error:
            reason = "the package gpiod is not installed (extra `gpio`)"
            raise PortGoneError(reason, port=self._path) from error
        except _DEAD as error:
            raise PortGoneError(f"cannot open: {error}", port=self._path) from error

    def close(self) -> None:
        """Give the lines back and close the chip; one that is gone closes too."""
        chip, lines = self._chip, self._lines
        self._chip = self._lines = self._debouncer = None
        self._watches = ()
        self._to_read.clear()
        try:
            if lines is not None:
                lines.release()
            if chip is not None:
                chip.close()
        except _DEAD:
            # The chip vanished first: the kernel has freed what we wanted to give back.
            return

    def set_baud_rate(self, baud_rate: int) -> None:
        """Digital lines have no rate."""

    def write(self, data: bytes) -> None:
        """Watch the lines of a request; their levels follow by `read`. Raises PortGoneError."""
        watches = decode_request(data)
        try:
            lines = self._lines if watches == self._watches else None
            lines = lines or self._request(watches)
            self._take_edges(lines)
            levels = self._debouncer.levels if self._debouncer else lines.levels()
        except _DEAD as error:
            raise PortGoneError(f"cannot watch: {error}", port=self._path) from error
        at_ns = self._now_ns()
        for line, active in levels.items():
            self._to_read += encode_level(Level(line, active, at_ns, is_edge=False))

    def read(self, timeout_seconds: float) -> bytes:
        """Return records as soon as there are any; b"" after the time. Raises PortGoneError."""
        if self._chip is None:
            raise PortGoneError("the chip is closed", port=self._path)
        if self._lines is None:
            self._idle.wait(timeout_seconds)  # no line was asked for: nothing can be heard
            return b""
        deadline = self._clock.elapsed() + timeout_seconds
        while not self._to_read and (left := deadline - self._clock.elapsed()) > 0:
            try:
                self._wait(self._lines, left)
            except _DEAD as error:
                raise PortGoneError(f"cannot read: {error}", port=self._path) from error
        data = bytes(self._to_read)
        self._to_read.clear()
        return data

    def _request(self, watches: tuple[Watch, ...]) -> Lines:
        if self._chip is None:
            raise PortGoneError("the chip is closed", port=self._path)
        if self._lines is not None:
            self._lines.release()
        self._lines, self._debouncer, self._watches = None, None, ()
        try:
            lines = self._chip.request(watches, debounced=True)
        except OSError:
            # Some chips' drivers refuse a debounce period instead of leaving it to the kernel.
            lines = self._chip.request(watches, debounced=False)
            period_us = max(watch.debounce_us for watch in watches)
            self._debouncer = Debouncer(period_us * MICROSECOND_NS, lines.levels())
        self._lines, self._watches = lines, watches
        return lines

    def _wait(self, lines: Lines, seconds: float) -> None:
        """Wait for edges, no longer than until a debounced line is due."""
        due_at_ns = self._debouncer.due_at_ns if self._debouncer else None
        if due_at_ns is not None:
            seconds = min(seconds, max(0.0, (due_at_ns - self._now_ns()) / NANOSECONDS))
        lines.wait(seconds)
        self._take_edges(lines)

    def _take_edges(self, lines: Lines) -> None:
        changes: list[Change] = []
        for edge in lines.edges(EDGES_MAX) if lines.wait(0.0) else ():
            if self._debouncer is None:
                changes.append(edge)
            else:
                changes += self._debouncer.edge(edge.line, edge.at_ns, active=edge.active)
        if self._debouncer is not None:
            changes += self._debouncer.settle(self._now_ns())
        for change in changes:
            level = Level(change.line, change.active, change.at_ns, is_edge=True)
            self._to_read += encode_level(level)

    def _now_ns(self) -> int:
        return int(self._clock.elapsed() * NANOSECONDS)


def open_gpio(path: str, _: int) -> GpioPort:
    """Port of a real chip; the kernel stamps edges by the clock that SystemClock reads."""
    return GpioPort(path, _open_gpiod, SystemClock())


def _open_gpiod(path: str) -> Chip:
    from edge_agent.drivers.gpio.gpiod_chip import GpiodChip

    return GpiodChip(path)
