"""What is remembered of a standing route, so that a place in it is judged in constant time.

For each place: where and when one leaves before it, and how much later the rest may be reached
until somebody becomes late (`free`) or the day overruns (`hard`). Waits swallow delay; a stop that
is late already has no free delay. Breaks move when a route changes, so a route with breaks is only
bounded here and always walked anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from fleet_server.dispatch.planner.evaluator import TOLERANCE_SECONDS, Evaluator, RouteEvaluation
from fleet_server.dispatch.planner.prices import late_price, move_price
from fleet_server.dispatch.planner.problem import Job, TechnicianDay
from fleet_server.dispatch.planner.timing import legs_of
from fleet_server.dispatch.planner.travel import Place


@dataclass(frozen=True)
class Summary:
    """A route of n jobs.

    `places` and `leaves` have n + 1 entries, the start of the day first; `legs`, `free` and `hard`
    too, its end last.
    """

    day: TechnicianDay
    jobs: tuple[Job, ...]
    evaluation: RouteEvaluation
    places: tuple[Place, ...]
    leaves: tuple[float, ...]
    legs: tuple[float, ...]
    free: tuple[float, ...]
    hard: tuple[float, ...]


def summarised(evaluator: Evaluator, day: TechnicianDay, jobs: Sequence[Job]) -> Summary:
    """Walk a route once and remember what insertion asks of it."""
    evaluation = evaluator.route(day, jobs)
    legs = legs_of(day, jobs, evaluator.problem.travel)
    finish = evaluation.finish_seconds if jobs else day.start_seconds
    free, hard = [inf], [day.latest_end_seconds - finish]
    for job, stop in zip(reversed(jobs), reversed(evaluation.stops), strict=True):
        wait = stop.start_seconds - stop.arrival_seconds
        to_due = 0.0 if stop.late_seconds else job.due_seconds - stop.start_seconds
        if job.wait_weight:
            to_due = 0.0
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
    )


@dataclass(frozen=True)
class Bound:
    """The least a place can cost; `is_exact` where it is the cost itself."""

    cost_seconds: float
    position: int
    is_exact: bool


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
        found.append(Bound(cost, position, exact and delay <= summary.free[position]))
    return found
