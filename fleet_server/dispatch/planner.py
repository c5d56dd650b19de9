"""Pure: cheapest legal insertion of one visit into the routes of those who could take it.

Plain numbers: seconds from the instant of planning, degrees WGS-84. What already stands first in a
route (`pinned`) is never moved. Cost is in seconds: travel added, lateness added (times
LATE_WEIGHT), and the wait until arrival by urgency - without the last, an urgent visit would be
handed to whoever passes by in the evening.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_METRES = 6_371_000.0
DETOUR = 1.3
TOWN_METRES_PER_SECOND = 35_000 / 3600
ACCESS_SECONDS = 180.0
"""Travel estimate of the design (dispatch, Travel): great-circle x 1.3, 35 km/h, 3 min access."""

LATE_WEIGHT = 10.0
"""A second late costs as much as ten seconds of travel: lateness decides unless it is tiny."""
BEST = 3
"""Candidates that are shown and asked in turn."""


@dataclass(frozen=True)
class Point:
    """A place in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Stop:
    """One visit of a route; `due_seconds` is the latest arrival that is on time."""

    visit_id: str
    place: Point
    service_seconds: float
    due_seconds: float | None = None


@dataclass(frozen=True)
class Job:
    """The visit to place; `wait_weight` is what a second of waiting costs."""

    stop: Stop
    wait_weight: float


@dataclass(frozen=True)
class Route:
    """What one technician has to do from `free_seconds` at `start` until `until_seconds`."""

    technician_id: str
    start: Point
    free_seconds: float
    until_seconds: float
    stops: tuple[Stop, ...] = ()
    pinned: int = 0


@dataclass(frozen=True)
class Candidate:
    """A place in a route: `arrivals` are those of the whole route with the job in it."""

    technician_id: str
    position: int
    cost_seconds: float
    arrival_seconds: float
    arrivals: tuple[tuple[str, float], ...]


def distance_metres(one: Point, other: Point) -> float:
    """Great-circle distance (haversine)."""
    latitude = radians(other.latitude - one.latitude) / 2
    longitude = radians(other.longitude - one.longitude) / 2
    chord = (
        sin(latitude) ** 2
        + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(longitude) ** 2
    )
    return 2 * EARTH_RADIUS_METRES * asin(sqrt(min(chord, 1.0)))


def travel_seconds(one: Point, other: Point) -> float:
    """Estimate of the way from one place to the other, access included."""
    return distance_metres(one, other) * DETOUR / TOWN_METRES_PER_SECOND + ACCESS_SECONDS


def arrivals(route: Route, stops: Sequence[Stop]) -> list[float]:
    """When each of `stops` is reached, in this order."""
    times, place, free = [], route.start, route.free_seconds
    for stop in stops:
        reached = free + travel_seconds(place, stop.place)
        times.append(reached)
        place, free = stop.place, reached + stop.service_seconds
    return times


def place_cost(route: Route, job: Job, position: int) -> Candidate | None:
    """Cost of the job at this place of the route; None when the shift ends before it is done."""
    stops = (*route.stops[:position], job.stop, *route.stops[position:])
    times = arrivals(route, stops)
    if times[-1] + stops[-1].service_seconds > route.until_seconds:
        return None
    before = arrivals(route, route.stops)
    added = _travel(route, stops) - _travel(route, route.stops)
    late = _lateness(stops, times) - _lateness(route.stops, before)
    cost = added + LATE_WEIGHT * late + job.wait_weight * times[position]
    named = tuple((stop.visit_id, time) for stop, time in zip(stops, times, strict=True))
    return Candidate(route.technician_id, position, cost, times[position], named)


def cheapest(route: Route, job: Job) -> Candidate | None:
    """Return the cheapest legal place in this route; the earlier one of two equals."""
    places = range(route.pinned, len(route.stops) + 1)
    found = [place_cost(route, job, position) for position in places]
    return min(
        (candidate for candidate in found if candidate is not None),
        key=lambda candidate: (candidate.cost_seconds, candidate.position),
        default=None,
    )


def best_candidates(routes: Iterable[Route], job: Job, count: int = BEST) -> list[Candidate]:
    """Return the best few over all routes, cheapest first; equals by arrival, then by id."""
    found = [candidate for route in routes if (candidate := cheapest(route, job)) is not None]
    found.sort(key=lambda one: (one.cost_seconds, one.arrival_seconds, one.technician_id))
    return found[:count]


def _travel(route: Route, stops: Sequence[Stop]) -> float:
    places = [route.start, *(stop.place for stop in stops)]
    return sum(travel_seconds(one, other) for one, other in pairwise(places))


def _lateness(stops: Sequence[Stop], times: Sequence[float]) -> float:
    return sum(
        max(0.0, time - stop.due_seconds)
        for stop, time in zip(stops, times, strict=True)
        if stop.due_seconds is not None
    )
