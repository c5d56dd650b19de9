"""Figures of the engine alone: candidates, an urgent re-plan, repeatability. No command line.

`make bench-dispatch` prints them beside the simulated days.
"""

import random  # noqa: TID251  # figures are drawn from a seed
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fleet_server.clock import Clock
from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.planner.evaluator import Evaluator, Stop
from fleet_server.dispatch.planner.insertion import StandingPlan
from fleet_server.dispatch.planner.problem import (
    Commitment,
    Job,
    Plan,
    Problem,
    TechnicianDay,
)
from fleet_server.dispatch.planner.risk import with_risk
from fleet_server.dispatch.planner.travel import Place
from fleet_server.dispatch.solvers.engines import Budget
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.rolling import improve
from fleet_server.seed import Chance
from fleet_server.service_levels.rules import Priority

HOUR = 3600.0
SHIFT_HOURS = 9
PINNED_WITHIN_SECONDS = 3600.0
SKILLS = ("cooling", "payment", "locks")
DEGREES_PER_TECHNICIAN = 0.006
"""Keeps the density of a town: 50 technicians in about 33 by 33 km."""


@dataclass(frozen=True)
class Urgent:
    """Figures of urgent tickets that come into a full day."""

    replan_p95_seconds: float
    accepted_moved_mean: float
    pinned_moved: int
    on_time: int
    asked: int


def drawn_day(seed: int, technicians: int, jobs: int) -> Problem:
    """A day of a territory with three skills and clocks of one to nine hours."""
    chance = random.Random(seed)
    side = (DEGREES_PER_TECHNICIAN * technicians) ** 0.5 * 0.55
    people = tuple(
        TechnicianDay(
            f"d{number}",
            f"t{number}",
            _place(chance, side),
            0.0,
            SHIFT_HOURS * HOUR,
            skills=frozenset(chance.sample(SKILLS, 2)),
        )
        for number in range(technicians)
    )
    return Problem(tuple(_job(chance, f"j{number}", side) for number in range(jobs)), people)


def candidates_p95_ms(
    technicians: int, jobs: int, seed: int, clock: Clock, asked: int = 200
) -> float:
    """95 % of tickets have their best three with arrival and risk within so many milliseconds."""
    problem = drawn_day(seed, technicians, jobs)
    standing = StandingPlan(problem, built(problem))
    chance, draws = random.Random(seed + 1), Chance.from_seed(seed)
    side = (DEGREES_PER_TECHNICIAN * technicians) ** 0.5 * 0.55
    known = {job.id: job for job in problem.jobs}
    taken = []
    for number in range(asked):
        job = replace(_job(chance, f"new{number}", side), wait_weight=1.0)
        begun = clock.elapsed()
        found = standing.candidates(job)
        with_risk(problem, found, [*known.values(), job], draws)
        taken.append((clock.elapsed() - begun) * 1000)
    return p95(taken)


def urgent_replans(seed: int, solvers: SolverPool, clock: Clock, asked: int = 20) -> Urgent:
    """Bring urgent tickets into a day of 50 x 400 that people have accepted most of."""
    told = _accepted(drawn_day(seed, 50, 400), solvers, seed)
    chance, side = random.Random(seed + 1), (DEGREES_PER_TECHNICIAN * 50) ** 0.5 * 0.55
    seconds, moved, pinned, on_time = [], [], 0, 0
    for number in range(asked):
        due = chance.uniform(1, 2) * HOUR
        urgent = Job("urgent", _place(chance, side), 1800.0, latest_start_seconds=due)
        urgent = replace(urgent, priority=Priority.P1)
        problem = replace(told, jobs=(*told.jobs, urgent))
        begun = clock.elapsed()
        found = improve(problem, told.previous, Budget(0.6), seed + number, solvers, ["urgent"])
        seconds.append(clock.elapsed() - begun)
        moved.append(found.judgement.accepted_moved)
        pinned += sum(
            problem.jobs[int(move.job_id[1:])].pinned_to is not None
            for move in found.judgement.moves
            if move.job_id != "urgent"
        )
        on_time += "urgent" not in {*found.evaluation.late, *found.evaluation.left_out}
    return Urgent(p95(seconds), sum(moved) / len(moved), pinned, on_time, asked)


def is_repeatable(seed: int, pool: Callable[[], SolverPool], iterations: int = 200) -> bool:
    """Whether the same seed and iterations give the same plan twice, in fresh processes."""
    problem = drawn_day(seed, 20, 120)
    plan = built(problem)
    found = []
    for _ in range(2):
        solvers = pool()
        try:
            budget = Budget(600.0, iterations)
            found.append(improve(problem, plan, budget, seed, solvers, ["j0"]).plan)
        finally:
            solvers.close()
    return found[0] == found[1]


def p95(numbers: Sequence[float]) -> float:
    """The number that 95 % do not exceed."""
    return sorted(numbers)[max(-(-len(numbers) * 95 // 100) - 1, 0)]


def _accepted(problem: Problem, solvers: SolverPool, seed: int) -> Problem:
    """Plan the day, let three of four be accepted, and pin what begins within the hour."""
    plan = improve(problem, built(problem), Budget(4.0), seed, solvers).plan
    chance = random.Random(seed + 2)
    stops = Evaluator(problem).plan(plan).stops
    jobs = [
        _told(job, *stops[job.id], chance) if job.id in stops and chance.random() < 0.75 else job
        for job in problem.jobs
    ]
    return replace(problem, jobs=tuple(jobs), days=_fronts(problem, plan, jobs), previous=plan)


def _told(job: Job, technician_id: str, stop: Stop, chance: random.Random) -> Job:
    return replace(
        job,
        commitment=Commitment.ACCEPTED,
        site_told=chance.random() < 0.3,
        pinned_to=technician_id if stop.start_seconds <= PINNED_WITHIN_SECONDS else None,
    )


def _fronts(problem: Problem, plan: Plan, jobs: Sequence[Job]) -> tuple[TechnicianDay, ...]:
    """What is pinned stands first in its route, and stays there."""
    pinned = {job.id for job in jobs if job.pinned_to is not None}
    days = []
    for day in problem.days:
        route = plan.route(day.id)
        ends = [place + 1 for place, job_id in enumerate(route) if job_id in pinned]
        days.append(replace(day, fixed=route[: max(ends, default=0)]))
    return tuple(days)


def _job(chance: random.Random, name: str, side: float) -> Job:
    return Job(
        name,
        _place(chance, side),
        chance.choice([1200.0, 1800.0, 2400.0]),
        latest_start_seconds=chance.uniform(1, SHIFT_HOURS) * HOUR,
        priority=chance.choice([Priority.P1, Priority.P2, Priority.P2, Priority.P3, Priority.P3]),
        skills=frozenset(chance.choice([(), (), ("cooling",), ("payment",)])),
    )


def _place(chance: random.Random, side: float) -> Place:
    return Place(31.0 + chance.random() * side, 121.2 + chance.random() * side * 1.17)
