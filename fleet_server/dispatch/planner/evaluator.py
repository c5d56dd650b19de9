"""The only truth about a plan: times, lateness, breaks, skills, parts, price, legal or not.

Solvers answer with an order of jobs; what that order means is said here and nowhere else. Being
late or left out is a price (`prices`), everything in `ViolationCode` makes a plan illegal.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from fleet_server.dispatch.planner.errors import UnknownJobError
from fleet_server.dispatch.planner.prices import (
    late_price,
    left_out_price,
    margin_of,
    move_price,
    tight_price,
)
from fleet_server.dispatch.planner.problem import Job, Plan, Problem, TechnicianDay
from fleet_server.dispatch.planner.timing import legs_of, walk

TOLERANCE_SECONDS = 1e-6
"""Sums of floats in another order differ by less; nobody's shift does."""


class ViolationCode(StrEnum):
    """Why a plan cannot be carried out."""

    SKILL = "skill"
    LEVEL = "level"
    PARTS = "parts"
    REFUSED = "refused"
    PINNED_ELSEWHERE = "pinned_elsewhere"
    PINNED_LEFT_OUT = "pinned_left_out"
    FIXED_ORDER = "fixed_order"
    SHIFT_END = "shift_end"
    BREAK = "break"
    TWICE = "twice"
    UNKNOWN_DAY = "unknown_day"


class Violation(NamedTuple):
    """One reason why a plan is illegal; `job_id` is empty where it is about a whole route."""

    code: ViolationCode
    day_id: str
    job_id: str = ""


class Stop(NamedTuple):
    """One job of a route in time; `late_seconds` is 0 when it starts by its due instant."""

    job_id: str
    arrival_seconds: float
    start_seconds: float
    finish_seconds: float
    late_seconds: float


@dataclass(frozen=True)
class RouteEvaluation:
    """What a route means. `cost_seconds` is 0 for a day without jobs."""

    day_id: str
    technician_id: str
    stops: tuple[Stop, ...] = ()
    breaks: tuple[tuple[float, float], ...] = ()
    travel_seconds: float = 0.0
    waiting_seconds: float = 0.0
    finish_seconds: float = 0.0
    cost_seconds: float = 0.0
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """What a plan means. `late` and `left_out` are the expected breaches."""

    routes: dict[str, RouteEvaluation]
    left_out: tuple[str, ...]
    late: tuple[str, ...]
    cost_seconds: float
    violations: tuple[Violation, ...]

    @property
    def is_legal(self) -> bool:
        """Whether the plan can be carried out."""
        return not self.violations

    @property
    def travel_seconds(self) -> float:
        """Travel of all routes."""
        return sum(route.travel_seconds for route in self.routes.values())

    @property
    def stops(self) -> dict[str, tuple[str, Stop]]:
        """Technician and times of every job that is in a route."""
        return {
            stop.job_id: (route.technician_id, stop)
            for route in self.routes.values()
            for stop in route.stops
        }


class Evaluator:
    """Evaluates routes and plans of one problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.jobs = {job.id: job for job in problem.jobs}
        self.days = {day.id: day for day in problem.days}
        self._told = technicians_of(problem, problem.previous)

    def jobs_of(self, ids: Iterable[str]) -> list[Job]:
        """Return the jobs of these ids. Raises UnknownJobError."""
        try:
            return [self.jobs[job_id] for job_id in ids]
        except KeyError as error:
            raise UnknownJobError(str(error.args[0])) from None

    def route(self, day: TechnicianDay, jobs: Sequence[Job]) -> RouteEvaluation:
        """Evaluate the jobs in this order on this day."""
        if not jobs:
            missing = (Violation(ViolationCode.FIXED_ORDER, day.id),) if day.fixed else ()
            return RouteEvaluation(day.id, day.technician_id, violations=missing)
        legs = legs_of(day, jobs, self.problem.travel)
        times = walk(day, jobs, legs)
        cost = travel = sum(legs)
        waiting, stops = 0.0, []
        for job, (arrival, start, finish) in zip(jobs, times.stops, strict=True):
            late = max(start - job.due_seconds, 0.0)
            cost += self._price(day, job, start, late)
            waiting += start - arrival
            stops.append(Stop(job.id, arrival, start, finish, late))
        waiting -= sum(end - begin for begin, end in times.breaks)
        broken: tuple[Violation, ...] = tuple(self._violations(day, jobs))
        if times.late_breaks:
            broken += (Violation(ViolationCode.BREAK, day.id),)
        if times.finish_seconds > day.latest_end_seconds + TOLERANCE_SECONDS:
            broken += (Violation(ViolationCode.SHIFT_END, day.id),)
        return RouteEvaluation(
            day.id,
            day.technician_id,
            tuple(stops),
            tuple(times.breaks),
            travel,
            max(waiting, 0.0),
            times.finish_seconds,
            cost,
            broken,
        )

    def plan(self, plan: Plan) -> Evaluation:
        """Evaluate every route, and what is in none. Raises UnknownJobError."""
        routes = {
            day_id: self.route(day, self.jobs_of(plan.route(day_id)))
            for day_id, day in self.days.items()
        }
        return self.summed(plan, routes)

    def summed(self, plan: Plan, routes: dict[str, RouteEvaluation]) -> Evaluation:
        """Sum up evaluated routes: for callers that changed few of many."""
        placed = plan.placed
        left_out = tuple(job_id for job_id in self.jobs if job_id not in placed)
        late = tuple(
            stop.job_id for route in routes.values() for stop in route.stops if stop.late_seconds
        )
        broken = [one for route in routes.values() for one in route.violations]
        broken += self._plan_violations(plan, left_out)
        cost = sum(route.cost_seconds for route in routes.values())
        cost += sum(left_out_price(self.jobs[job_id]) for job_id in left_out)
        return Evaluation(routes, left_out, late, cost, tuple(broken))

    def may_do(self, day: TechnicianDay, job: Job) -> ViolationCode | None:
        """Why this technician may not do this job on this day at all, van stock apart."""
        if not job.skills <= day.skills:
            return ViolationCode.SKILL
        if job.level > day.level:
            return ViolationCode.LEVEL
        if day.technician_id in job.refused:
            return ViolationCode.REFUSED
        if job.pinned_to not in {None, day.technician_id}:
            return ViolationCode.PINNED_ELSEWHERE
        return None

    def margin(self, job: Job) -> float:
        """Spare seconds that the job should have before it is due."""
        return margin_of(job, self.problem.margin_seconds, self.problem.now_seconds)

    def is_moved(self, job: Job, technician_id: str) -> bool:
        """Whether people were told that somebody else does this job."""
        told = self._told.get(job.id)
        return told is not None and told != technician_id

    def told_technician(self, job_id: str) -> str | None:
        """Return who does the job by the plan that people were told."""
        return self._told.get(job_id)

    def _price(self, day: TechnicianDay, job: Job, start: float, late: float) -> float:
        price = late_price(job, late)
        if self.problem.margin_seconds and not late:
            price += tight_price(job, job.due_seconds - start, self.margin(job))
        if job.wait_weight:
            price += job.wait_weight * (start - self.problem.now_seconds)
        if self.is_moved(job, day.technician_id):
            price += move_price(job)
        return price

    def _violations(self, day: TechnicianDay, jobs: Sequence[Job]) -> Iterable[Violation]:
        for job in jobs:
            code = self.may_do(day, job)
            if code is not None:
                yield Violation(code, day.id, job.id)
        if tuple(job.id for job in jobs[: len(day.fixed)]) != day.fixed:
            yield Violation(ViolationCode.FIXED_ORDER, day.id)
        if lacks_parts(day, jobs):
            yield Violation(ViolationCode.PARTS, day.id)

    def _plan_violations(self, plan: Plan, left_out: Sequence[str]) -> Iterable[Violation]:
        for day_id, route in plan.routes.items():
            if route and day_id not in self.days:
                yield Violation(ViolationCode.UNKNOWN_DAY, day_id)
        counts = Counter(job_id for route in plan.routes.values() for job_id in route)
        for job_id, count in counts.items():
            if count > 1:
                yield Violation(ViolationCode.TWICE, "", job_id)
        for job_id in left_out:
            if self.jobs[job_id].pinned_to is not None:
                yield Violation(ViolationCode.PINNED_LEFT_OUT, "", job_id)


def technicians_of(problem: Problem, plan: Plan) -> dict[str, str]:
    """Return who does each job by this plan."""
    people = {day.id: day.technician_id for day in problem.days}
    return {
        job_id: people[day_id]
        for day_id, route in plan.routes.items()
        if day_id in people
        for job_id in route
    }


def lacks_parts(day: TechnicianDay, jobs: Iterable[Job]) -> bool:
    """Whether the jobs need more of a part than the van holds."""
    needed: dict[str, int] = {}
    for job in jobs:
        for part, count in job.parts.items():
            needed[part] = needed.get(part, 0) + count
    return any(count > day.stock.get(part, 0) for part, count in needed.items())
