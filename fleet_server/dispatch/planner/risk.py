"""How likely a stop is late: 200 draws of a route (dispatch, Breach risk).

Work is log-normal by the job's spread, each way by `TRAVEL_SIGMA`; a route is drawn as a whole,
so that an overrun in the morning is late in the evening, too. Chance is passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp
from statistics import NormalDist
from typing import Protocol

from fleet_server.dispatch.planner.insertion import Candidate
from fleet_server.dispatch.planner.problem import QUANTILE, Job, Problem, TechnicianDay
from fleet_server.dispatch.planner.timing import legs_of, walk

DRAWS = 200
TRAVEL_SIGMA = 0.2
"""Log-normal spread of one way: the same way takes 20 % more or less, most days."""

_STANDARD = NormalDist()
_EDGE = 1e-9
"""Keeps draws off 0 and 1, where a normal distribution has no quantile."""


class Chance(Protocol):
    """A source of random numbers (`fleet_server.seed.Chance` is one)."""

    def uniform(self, low: float, high: float) -> float:
        """Draw a number from `low` to `high`."""
        ...


@dataclass(frozen=True)
class StopRisk:
    """What the draws say of one stop."""

    job_id: str
    late_probability: float
    arrival_p80_seconds: float


def route_risk(
    problem: Problem,
    day: TechnicianDay,
    jobs: Sequence[Job],
    chance: Chance,
    draws: int = DRAWS,
) -> tuple[StopRisk, ...]:
    """Return the risk of each stop of a route, in its order."""
    legs = legs_of(day, jobs, problem.travel)
    late = [0] * len(jobs)
    arrivals: list[list[float]] = [[] for _ in jobs]
    for _ in range(draws):
        drawn = [leg * _noise(chance, TRAVEL_SIGMA) for leg in legs]
        services = [job.service_seconds * _noise(chance, job.service_sigma) for job in jobs]
        for index, stop in enumerate(walk(day, jobs, drawn, services).stops):
            arrivals[index].append(stop.arrival_seconds)
            late[index] += stop.start_seconds > jobs[index].due_seconds
    at = ceil(QUANTILE * draws) - 1
    return tuple(
        StopRisk(job.id, late[index] / draws, sorted(arrivals[index])[at])
        for index, job in enumerate(jobs)
    )


def with_risk(
    problem: Problem,
    candidates: Sequence[Candidate],
    jobs: Sequence[Job],
    chance: Chance,
    draws: int = DRAWS,
) -> list[Candidate]:
    """Fill in how likely the placed job is late; `jobs` holds all that their routes name."""
    known = {job.id: job for job in jobs}
    days = {day.id: day for day in problem.days}
    filled = []
    for one in candidates:
        route = [known[stop.job_id] for stop in one.route.stops]
        risks = route_risk(problem, days[one.day_id], route, chance, draws)
        filled.append(replace(one, late_probability=risks[one.position].late_probability))
    return filled


def _noise(chance: Chance, sigma: float) -> float:
    """Draw a factor with mean 1."""
    if sigma <= 0:
        return 1.0
    drawn = _STANDARD.inv_cdf(min(max(chance.uniform(0.0, 1.0), _EDGE), 1 - _EDGE))
    return exp(sigma * drawn - sigma * sigma / 2)
