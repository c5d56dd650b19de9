"""Debouncing of edges, pure: what the kernel does where it can, for chips whose driver cannot.

As the kernel's own (gpiolib-cdev, "support setting debounce"): a level counts once it has rested
for the whole period. Beyond it, a line that never rests changes now and then, because a reed that
chatters without end is a fault that detection can only see by its changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CHATTER_PERIODS = 20
"""Far longer than any bounce; with 50 ms a chattering line still changes up to once a second, more
than the 20 a minute that DOOR_SENSOR asks for (hardware reference 6.2)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A line that came to another level at `at_ns`, where its rest began."""

    line: int
    active: bool
    at_ns: int


@dataclass(slots=True)
class _Line:
    """What is believed of a line, and what it shows."""

    believed: bool
    shown: bool
    edge_at_ns: int = 0
    restless_since_ns: int | None = None


class Debouncer:
    """Lines whose edges come with stamps that never go back."""

    def __init__(self, period_ns: int, levels: Mapping[int, bool]) -> None:
        self._period_ns = period_ns
        self._lines = {line: _Line(level, level) for line, level in levels.items()}

    @property
    def levels(self) -> dict[int, bool]:
        """What is believed of each line."""
        return {number: line.believed for number, line in self._lines.items()}

    @property
    def due_at_ns(self) -> int | None:
        """When `settle` will have something to decide; None while all lines rest."""
        edges = [
            line.edge_at_ns for line in self._lines.values() if line.restless_since_ns is not None
        ]
        return min(edges) + self._period_ns if edges else None

    def edge(self, number: int, at_ns: int, *, active: bool) -> list[Change]:
        """Take an edge; return what had come to rest before it."""
        line = self._lines[number]
        changes = self._settled(number, line, at_ns)
        if active == line.shown:
            return changes  # the kernel dropped the edge between: it is at rest still
        line.shown, line.edge_at_ns = active, at_ns
        if line.restless_since_ns is None:
            line.restless_since_ns = at_ns
        restless_ns = at_ns - line.restless_since_ns
        if restless_ns >= CHATTER_PERIODS * self._period_ns and active != line.believed:
            line.restless_since_ns = at_ns
            changes += self._believe(number, line)
        return changes

    def settle(self, now_ns: int) -> list[Change]:
        """Return the lines that have come to rest on another level."""
        return [
            change
            for number, line in self._lines.items()
            for change in self._settled(number, line, now_ns)
        ]

    def _settled(self, number: int, line: _Line, now_ns: int) -> list[Change]:
        if line.restless_since_ns is None or now_ns - line.edge_at_ns < self._period_ns:
            return []
        line.restless_since_ns = None
        return self._believe(number, line)

    def _believe(self, number: int, line: _Line) -> list[Change]:
        if line.shown == line.believed:
            return []
        line.believed = line.shown
        return [Change(number, line.shown, line.edge_at_ns)]
