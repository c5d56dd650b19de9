"""Tier 0: the cheapest legal place over all eligible technicians, in milliseconds.

Best first: a route is looked into only if the least it can cost is below the third best so far,
each of its places gets a bound in constant time (`summaries`), and only those that could still be
among the best are walked in full: what is answered is the evaluator's word, to the second.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import inf
from typing import NamedTuple

from fleet_server.dispatch.planner.evaluator import (
    TOLERANCE_SECONDS,
    Evaluator,
    RouteEvaluation,
    lacks_parts,
)
from fleet_server.dispatch.planner.problem import Job, Plan, Problem
from fleet_server.dispatch.planner.summaries import Summary, bounds, least_cost, summarised

BEST = 3
"""Candidates that are shown and asked in turn (dispatch, When)."""


@dataclass(frozen=True)
class Candidate:
    """A place in a route: `route` is the whole route with the job in it.

    `cost_seconds` is what the plan becomes dearer by, the price of the job's absence left aside.
    `late_probability` is filled in by `risk`.
    """

    day_id: str
    technician_id: str
    position: int
    cost_seconds: float
    route: RouteEvaluation
    late_probability: float | None = None

    @property
    def arrival_seconds(self) -> float:
        """When the job is reached."""
        return self.route.stops[self.position].arrival_seconds

    @property
    def arrivals(self) -> tuple[tuple[str, float], ...]:
        """When each job of the route is reached then."""
        return tuple((stop.job_id, stop.arrival_seconds) for stop in self.route.stops)


class _Entry(NamedTuple):
    """A route not looked into yet (position -1), or one place of it; cost is the least it can be.

    No two entries are equal in their first three fields, so summaries are never compared.
    """

    cost_seconds: float
    number: int
    position: int
    summary: Summary


class StandingPlan:
    """A plan with its routes summarised; changing one route costs one walk."""

    def __init__(self, problem: Problem, plan: Plan | None = None) -> None:
        self.evaluator = Evaluator(problem)
        routes = plan or problem.previous
        self._summaries = {
            day.id: summarised(self.evaluator, day, self.evaluator.jobs_of(routes.route(day.id)))
            for day in problem.days
        }

    @property
    def plan(self) -> Plan:
        """The plan as it stands now."""
        return Plan(
            {
                day_id: tuple(job.id for job in summary.jobs)
                for day_id, summary in self._summaries.items()
            }
        )

    @property
    def routes(self) -> Mapping[str, Summary]:
        """Summaries by technician-day."""
        return self._summaries

    def candidates(self, job: Job, count: int = BEST) -> list[Candidate]:
        """Return the best place of each of the best few technicians, cheapest first.

        Equals go by arrival, then by id. The job must not stand in the plan.
        """
        queue: list[_Entry] = [
            _Entry(least_cost(self.evaluator, summary, job), number, -1, summary)
            for number, summary in enumerate(self._eligible(job))
        ]
        heapify(queue)
        best: dict[str, Candidate] = {}
        limit = inf
        while queue and queue[0].cost_seconds <= limit + TOLERANCE_SECONDS:
            entry = heappop(queue)
            if entry.position < 0:
                for bound in bounds(self.evaluator, entry.summary, job):
                    place = entry._replace(cost_seconds=bound.cost_seconds, position=bound.position)
                    heappush(queue, place)
                continue
            candidate = self._walked(entry.summary, job, entry.position)
            if candidate is None:
                continue
            known = best.get(candidate.technician_id)
            if known is None or _rank(candidate) < _rank(known):
                best[candidate.technician_id] = candidate
            if len(best) >= count:
                limit = sorted(one.cost_seconds for one in best.values())[count - 1]
        return sorted(best.values(), key=_rank)[:count]

    def cheapest(self, job: Job) -> Candidate | None:
        """Return the cheapest legal place of all."""
        return next(iter(self.candidates(job, 1)), None)

    def take(self, candidate: Candidate, job: Job) -> None:
        """Put the job where the candidate says; the plan must not have changed since."""
        summary = self._summaries[candidate.day_id]
        self._set(summary, _with(summary.jobs, job, candidate.position))

    def remove(self, job_id: str) -> None:
        """Take a job out of whatever route it is in."""
        for summary in list(self._summaries.values()):
            if any(job.id == job_id for job in summary.jobs):
                self._set(summary, [job for job in summary.jobs if job.id != job_id])

    def _set(self, summary: Summary, jobs: Sequence[Job]) -> None:
        self._summaries[summary.day.id] = summarised(self.evaluator, summary.day, jobs)

    def _eligible(self, job: Job) -> Iterable[Summary]:
        for summary in self._summaries.values():
            if self.evaluator.may_do(summary.day, job) is not None or summary.evaluation.violations:
                continue
            if job.parts and lacks_parts(summary.day, (*summary.jobs, job)):
                continue
            yield summary

    def _walked(self, summary: Summary, job: Job, position: int) -> Candidate | None:
        route = self.evaluator.route(summary.day, _with(summary.jobs, job, position))
        if route.violations:
            return None
        cost = route.cost_seconds - summary.evaluation.cost_seconds
        return Candidate(summary.day.id, summary.day.technician_id, position, cost, route)


def best_candidates(problem: Problem, job: Job, count: int = BEST) -> list[Candidate]:
    """Return the best few places for a job in the plan that stands, cheapest first."""
    return StandingPlan(problem).candidates(job, count)


def _with(jobs: Sequence[Job], job: Job, position: int) -> tuple[Job, ...]:
    return (*jobs[:position], job, *jobs[position:])


def _rank(candidate: Candidate) -> tuple[float, float, str, str, int]:
    return (
        candidate.cost_seconds,
        candidate.arrival_seconds,
        candidate.technician_id,
        candidate.day_id,
        candidate.position,
    )
