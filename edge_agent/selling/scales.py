"""The scales under the shelves: what each shows, and whether it has come to rest.

A weight counts only at rest: by the transmitter's own word where it has a status, else by several
readings that agree. What is stale, over capacity or at its rail is no weight.
"""

from collections import deque

from edge_agent.drivers.readings import DeviceFailure, WeightReading
from edge_agent.outbox.timekeeper import Timekeeper

READINGS_KEPT = 64
"""Enough to see rest at twenty polls a second; a faster one is thinned below."""
AGREEING_READINGS = 3
REST_SECONDS = 1.5
"""Goods stop swinging within a second of the door's closing; agreement must outlast that."""
SPACING_SECONDS = 0.05
REST_GRAMS = 4.0
"""Spread of readings at rest: twice the 2 g digit of the transmitters in use."""
KIND = "scale"


class Scales:
    """All shelves of the cabinet."""

    def __init__(self, time: Timekeeper, *, stale_seconds: float) -> None:
        self._time = time
        self._stale_seconds = stale_seconds
        self._kept: dict[str, deque[WeightReading]] = {}

    def observe(self, reading: WeightReading | DeviceFailure) -> None:
        """Take one reading; a silent transmitter makes its shelves unknown."""
        if isinstance(reading, WeightReading):
            kept = self._kept.setdefault(reading.part, deque(maxlen=READINGS_KEPT))
            if len(kept) > 1 and reading.at_elapsed - kept[-2].at_elapsed < SPACING_SECONDS:
                kept.pop()  # the newest always stands, those before it at their distance
            kept.append(reading)
        elif reading.kind == KIND:
            for part in reading.parts:
                self._kept.pop(part, None)

    def at_rest(self, shelf: str, *, after: float = 0.0) -> float | None:
        """Grams on a shelf at rest, from readings later than `after` (elapsed); None if not."""
        known = [row for row in self._kept.get(shelf, ()) if row.at_elapsed > after]
        if not known or self._time.elapsed() - known[-1].at_elapsed > self._stale_seconds:
            return None
        last = known[-1]
        if last.grams is None or last.over_capacity or last.at_rail or last.stable is False:
            return None
        return last.grams if last.stable else _agreed(known)


def _agreed(known: list[WeightReading]) -> float | None:
    """Mean of the newest readings that agree for long enough."""
    newest = known[-1]
    rest: list[float] = []
    for row in reversed(known):
        if row.grams is None:
            return None
        rest.append(row.grams)
        if max(rest) - min(rest) > REST_GRAMS:
            return None
        lasted = newest.at_elapsed - row.at_elapsed
        if len(rest) >= AGREEING_READINGS and lasted >= REST_SECONDS:
            return sum(rest) / len(rest)
    return None
