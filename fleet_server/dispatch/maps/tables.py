"""Driving times for planning: from the cache, from a map within 2 s, else by estimate, marked.

Planning never waits on a map: one time limit for all requests of one plan, and a map that failed is
left in peace for a minute. Places are rounded to about 11 m, so that the same cabinet is asked for
once, whatever digits its site has.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple, Protocol

from fleet_server.clock import Clock
from fleet_server.dispatch.maps.errors import MapAnswerError, MapError
from fleet_server.dispatch.planner.travel import Estimate, Place, TableTravel
from fleet_server.logs import get_logger

TIME_LIMIT_SECONDS = 2.0
"""Of all requests of one plan together (dispatch, Travel)."""
REST_SECONDS = 60.0
"""A map that failed is not asked again for so long: each plan would lose the time limit."""
PAIRS_MAX = 1_000_000
"""Cached pairs, about 200 MB: all ways between 1,000 sites; the longest unused goes first."""
DECIMALS = 4
"""0.0001 degrees are 11 m: less than access takes."""

Pair = tuple[Place, Place]

log = get_logger("maps")


class Map(Protocol):
    """A map server that answers tables."""

    url: str
    side_max: int

    def table(
        self, sources: Sequence[Place], targets: Sequence[Place], seconds: float
    ) -> list[list[float | None]]:
        """Driving seconds from each source to each target. Raises MapError."""
        ...


class _Block(NamedTuple):
    """Places of one request."""

    sources: list[Place]
    targets: list[Place]


class TravelTables:
    """Makes travel for the places of a plan; may be used by several threads."""

    def __init__(self, server: Map | None, clock: Clock, pairs_max: int = PAIRS_MAX) -> None:
        self._server = server
        self._clock = clock
        self._pairs_max = pairs_max
        self._lock = threading.Lock()
        self._known: OrderedDict[Pair, float | None] = OrderedDict()
        self._asleep_until = float("-inf")

    def travel(self, places: Iterable[Place], estimate: Estimate) -> TableTravel:
        """Return travel between all these places; pairs not known in time are estimated."""
        wanted = list(dict.fromkeys(places))
        if self._server is None:
            return TableTravel({}, estimate, len(wanted) * (len(wanted) - 1))
        rounded = {place: _rounded(place) for place in wanted}
        spots = list(dict.fromkeys(rounded.values()))
        self._fill(self._server, spots)
        with self._lock:
            driving = {
                (one, other): known
                for one in wanted
                for other in wanted
                if (known := self._recalled((rounded[one], rounded[other]))) is not None
            }
        return TableTravel(driving, estimate, len(wanted) ** 2 - len(driving))

    def _recalled(self, pair: Pair) -> float | None:
        if pair[0] == pair[1]:
            return 0.0
        known = self._known.get(pair)
        if known is not None:
            self._known.move_to_end(pair)
        return known

    def _fill(self, server: Map, spots: Sequence[Place]) -> None:
        """Ask for what is not known, block by block, until the time is up or the map fails."""
        begun = self._clock.elapsed()
        if begun < self._asleep_until:
            return
        for block in _blocks(spots, server.side_max):
            if self._knows(block):
                continue
            left = begun + TIME_LIMIT_SECONDS - self._clock.elapsed()
            if left <= 0:
                return
            try:
                self._learn(block, _checked(server, block, left))
            except MapError as error:
                self._asleep_until = self._clock.elapsed() + REST_SECONDS
                log.warning("map.failed", url=error.url, reason=error.reason)
                return

    def _knows(self, block: _Block) -> bool:
        with self._lock:
            return all(
                one == other or (one, other) in self._known
                for one in block.sources
                for other in block.targets
            )

    def _learn(self, block: _Block, table: Sequence[Sequence[float | None]]) -> None:
        with self._lock:
            for one, row in zip(block.sources, table, strict=True):
                for other, seconds in zip(block.targets, row, strict=True):
                    self._known[one, other] = seconds  # None: no way, not asked for again
            while len(self._known) > self._pairs_max:
                self._known.popitem(last=False)


def _checked(server: Map, block: _Block, seconds: float) -> list[list[float | None]]:
    """Refuse a table that is not one of these places: it would become a plan."""
    table = server.table(block.sources, block.targets, seconds)
    if len(table) != len(block.sources) or any(len(row) != len(block.targets) for row in table):
        raise MapAnswerError(server.url, "the table has other places than were asked for")
    if any(known is not None and not _is_driving(known) for row in table for known in row):
        raise MapAnswerError(server.url, "the table has times that are none")
    return table


def _is_driving(seconds: float) -> bool:
    return isfinite(seconds) and seconds >= 0


def _blocks(spots: Sequence[Place], side: int) -> Iterable[_Block]:
    cuts = [list(spots[start : start + side]) for start in range(0, len(spots), side)]
    return (_Block(sources, targets) for sources in cuts for targets in cuts)


def _rounded(place: Place) -> Place:
    return Place(round(place.latitude, DECIMALS), round(place.longitude, DECIMALS))
