"""What is remembered of a standing route, so that a place in it is judged in constant time.

For each place: where and when one leaves before it, and how much later the rest may be reached
until one more stop becomes late (`free`) or the day overruns (`hard`). Waits swallow delay. Breaks
move when a route changes, so of a route with breaks only the way is known here. Bounds are never
above the true cost: whoever asks walks the few places that matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, inf, radians

from fleet_server.dispatch.planner.evaluator import TOLERANCE_SECONDS, Evaluator, RouteEvaluation
from fleet_server.dispatch.planner.prices import BREACH_SECONDS_MIN, late_price, move_price
from fleet_server.dispatch.planner.problem import Job, TechnicianDay
from fleet_server.dispatch.planner.timing import legs_of
from fleet_server.dispatch.planner.travel import EARTH_RADIUS_METRES, Place

METRES_PER_DEGREE = radians(EARTH_RADIUS_METRES)
SAFE_SHARE = 0.99
"""Flat distances exceed great-circle ones by far less, within any territory."""


@dataclass(frozen=True)
class Summary:
    """A route of n jobs.

    `places` and `leaves` have n + 1 entries, the start of the day first; `legs`, `free` and `hard`
    too, its end last. `box` bounds all its places: south, north, west, east in degrees.
    """

    day: TechnicianDay
    jobs: tuple[Job, ...]
    evaluation: RouteEvaluation
    places: tuple[Place, ...]
    leaves: tuple[float, ...]
    legs: tuple[float, ...]
    free: tuple[float, ...]
    hard: tuple[float, ...]
    box: tuple[float, float, float, float]
    longest_leg: float


def summarised(evaluator: Evaluator, day: TechnicianDay, jobs: Sequence[Job]) -> Summary:
    """Walk a route once and remember what insertion asks of it."""
    evaluation = evaluator.route(day, jobs)
    legs = legs_of(day, jobs, evaluator.problem.travel)
    finish = evaluation.finish_seconds if jobs else day.start_seconds
    free, hard = [inf], [day.latest_end_seconds - finish]
    for job, stop in zip(reversed(jobs), reversed(evaluation.stops), strict=True):
        wait = stop.start_seconds - stop.arrival_seconds
        to_due = inf if stop.late_seconds else job.due_seconds - stop.start_seconds
        free.append(wait + min(to_due, free[-1]))
        hard.append(wait + hard[-1])
    return Summary(
        day,
        tuple(jobs),
        evaluation,
        (day.start, *(job.place for job in jobs)),
        (day.start_seconds, *(stop.finish_seconds for stop in evaluation.stops)),
        tuple(legs),
        tuple(reversed(free)),
        tuple(reversed(hard)),
        _box([day.start, *(job.place for job in jobs), *([day.end] if day.end else [])]),
        max(legs),
    )


def least_cost(evaluator: Evaluator, summary: Summary, job: Job) -> float:
    """Return what any place of a route costs at least, without looking at one of them."""
    day = summary.day
    way = evaluator.problem.travel.least_seconds(_metres_to(summary.box, job.place))
    added = 2 * way - summary.longest_leg
    if day.end is None:
        added = min(added, way)
    return added + job.wait_weight * (day.start_seconds + way - evaluator.problem.now_seconds)


@dataclass(frozen=True)
class Bound:
    """The least a place can cost."""

    cost_seconds: float
    position: int


def bounds(evaluator: Evaluator, summary: Summary, job: Job) -> list[Bound]:
    """Return a bound for every place behind what is fixed that is not known to be illegal."""
    day, seconds = summary.day, evaluator.problem.travel.seconds
    moved = move_price(job) if evaluator.is_moved(job, day.technician_id) else 0.0
    now, due, release = evaluator.problem.now_seconds, job.due_seconds, job.release_seconds
    last, exact = len(summary.jobs), not day.breaks
    found = []
    for position in range(len(day.fixed), last + 1):
        there = seconds(summary.places[position], job.place)
        if position < last:
            onward = seconds(job.place, summary.places[position + 1])
        else:
            onward = 0.0 if day.end is None else seconds(job.place, day.end)
        start = max(summary.leaves[position] + there, release)
        reached = start + job.service_seconds + onward
        added = there + onward - summary.legs[position]
        delay = reached - summary.leaves[position] - summary.legs[position]
        if exact and delay > summary.hard[position] + TOLERANCE_SECONDS:
            continue
        cost = added + moved + job.wait_weight * (start - now)
        if start > due:
            cost += late_price(job, start - due)
        if exact and delay > summary.free[position] + TOLERANCE_SECONDS:
            cost += BREACH_SECONDS_MIN
        found.append(Bound(cost, position))
    return found


def _box(places: Sequence[Place]) -> tuple[float, float, float, float]:
    latitudes, longitudes = zip(*places, strict=True)
    return min(latitudes), max(latitudes), min(longitudes), max(longitudes)


def _metres_to(box: tuple[float, float, float, float], place: Place) -> float:
    """At most the distance to any place in the box."""
    south, north, west, east = box
    latitude = max(south - place.latitude, place.latitude - north, 0.0)
    longitude = max(west - place.longitude, place.longitude - east, 0.0)
    narrowest = cos(radians(max(abs(south), abs(north), abs(place.latitude))))
    return METRES_PER_DEGREE * max(latitude, longitude * narrowest) * SAFE_SHARE
