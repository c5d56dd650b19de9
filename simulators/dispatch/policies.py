"""Who is sent: the ways of free desks (first come, nearest, earliest due), and ours.

The simple ones decide when somebody is free. The planned ones keep a route for everybody: a fault
is inserted when it comes, and engines improve the plan as tiers 1 and 2 say.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.planner.problem import (
    MARGIN_SECONDS,
    Commitment,
    Job,
    Plan,
    Problem,
    TechnicianDay,
)
from fleet_server.dispatch.planner.repair import repaired
from fleet_server.dispatch.planner.risk import route_risk
from fleet_server.dispatch.rules import WAIT_WEIGHTS
from fleet_server.dispatch.solvers.engines import Budget
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.rolling import improve
from fleet_server.seed import Chance
from fleet_server.service_levels.rules import Priority
from simulators.dispatch.play import TICK_SECONDS, Desk, Said, Worker
from simulators.dispatch.scenario import Case

Rank = Callable[[Desk, Worker, Case], tuple[float, str]]
URGENT, ROUND = Budget(30.0, 150), Budget(60.0, 300)
"""Iterations of an engine, not seconds: the same on every machine, whatever else it does. They take
about 0.1 and 0.3 s here, a fraction of what the product allows, for a benchmark has 20 minutes."""
WARN_SECONDS, RULE_SECONDS = 3600.0, 4 * 3600.0
ROUND_EVERY_SECONDS = 900.0
"""Three times as far apart as in the product, for the same reason."""


class Greedy:
    """Whoever is free takes the first of what they may do, by a rank."""

    def __init__(self, name: str, rank: Rank) -> None:
        self.name = name
        self._rank = rank

    def opened(self, desk: Desk, case: Case) -> None:
        """Nothing: somebody will be free."""

    def tick(self, desk: Desk) -> None:
        """Nothing."""

    def gone(self, desk: Desk, worker: Worker) -> None:
        """Nothing."""

    def next_for(self, desk: Desk, worker: Worker) -> str | None:
        """First by the rank that is done before the shift ends."""
        fits = [case for case in desk.waiting.values() if _fits(desk, worker, case)]
        best = min(fits, key=lambda case: self._rank(desk, worker, case), default=None)
        return None if best is None else best.id


def _fits(desk: Desk, worker: Worker, case: Case) -> bool:
    way = desk.scenario.estimate.seconds(worker.place, case.place)
    done = desk.now + way + case.planned_seconds
    return done <= worker.ends_at(desk.now) and desk.may_do(worker, case)


def first_come() -> Greedy:
    """First come, first served."""
    return Greedy("fifo", lambda _desk, _worker, case: (case.opened_seconds, case.id))


def earliest_due() -> Greedy:
    """Earliest due first."""
    return Greedy("earliest_due", lambda _desk, _worker, case: (case.due_seconds, case.id))


def nearest() -> Greedy:
    """Nearest first."""
    return Greedy(
        "nearest",
        lambda desk, worker, case: (
            desk.scenario.estimate.seconds(worker.place, case.place),
            case.id,
        ),
    )


class Planned:
    """A route for everybody; without engines, insertion alone."""

    def __init__(self, name: str, solvers: SolverPool | None = None) -> None:
        self.name = name
        self._solvers = solvers
        self._chance = Chance.from_seed(1)
        self._routes: dict[str, list[str]] = {}
        self._told: dict[str, str] = {}
        self._moved: dict[str, int] = {}
        self._improved_at = 0.0
        self._rounds = 0

    def opened(self, desk: Desk, case: Case) -> None:
        """Insert it; an urgent one has its neighbourhood planned anew."""
        focus = [case.id] if case.priority is Priority.P1 else []
        self._plan(desk, focus=focus)

    def tick(self, desk: Desk) -> None:
        """Plan the region anew, now and then; say what will be late in an hour."""
        self._say(desk)
        due = desk.now >= self._improved_at + ROUND_EVERY_SECONDS
        self._plan(desk, whole=due and bool(desk.waiting))
        if due:
            self._improved_at = desk.now

    def gone(self, desk: Desk, worker: Worker) -> None:
        """Give their jobs away."""
        for case_id in self._routes.pop(worker.person.id, []):
            self._told.pop(case_id, None)
        self._plan(desk, whole=True)

    def next_for(self, desk: Desk, worker: Worker) -> str | None:
        """First of their route."""
        route = self._routes.get(worker.person.id, [])
        while route and route[0] not in desk.waiting:
            route.pop(0)
        if not route or not _fits(desk, worker, desk.waiting[route[0]]):
            return None
        chosen = route.pop(0)
        self._told.pop(chosen, None)
        return chosen

    def _plan(self, desk: Desk, focus: Sequence[str] = (), *, whole: bool = False) -> None:
        problem = self.problem(desk)
        plan = built(problem, repaired(problem, problem.previous))
        if self._solvers is not None and problem.days and (focus or whole):
            self._rounds += 1
            budget, about = (ROUND, ()) if whole else (URGENT, focus)
            found = improve(problem, plan, budget, self._rounds, self._solvers, about)
            plan = found.plan
        self._take(desk, problem, plan)

    def problem(self, desk: Desk) -> Problem:
        """Return what the desk sees as a problem of the planner."""
        jobs = tuple(self._job(desk, case) for case in desk.waiting.values())
        known = {job.id for job in jobs}
        days = tuple(_day(desk, worker) for worker in desk.workers.values() if worker.is_here)
        routes = {
            day.id: tuple(one for one in self._routes.get(day.id, []) if one in known)
            for day in days
        }
        estimate = desk.scenario.estimate
        return Problem(jobs, days, estimate, Plan(routes), desk.now, MARGIN_SECONDS)

    def _say(self, desk: Desk) -> None:
        due = [case for case in desk.waiting.values() if _is_due_in_an_hour(desk, case)]
        if not due or self._solvers is None:
            return
        problem = self.problem(desk)
        # Risk is about the true due instant, not about what a plan keeps free before it.
        jobs = {
            job.id: replace(job, latest_start_seconds=desk.waiting[job.id].due_seconds)
            for job in problem.jobs
        }
        known: dict[str, float] = {}
        for day in problem.days:
            route = [jobs[key] for key in problem.previous.route(day.id)]
            for risk in route_risk(problem, day, route, self._chance):
                known[risk.job_id] = risk.late_probability
        for case in due:
            is_old = case.opened_seconds <= desk.now - RULE_SECONDS
            rule = is_old or case.id not in self._told
            desk.said.append(Said(case.id, known.get(case.id, 1.0), rule))

    def _job(self, desk: Desk, case: Case) -> Job:
        scenario = desk.scenario
        refused = frozenset(
            person.id for person in scenario.people if scenario.declines(case.id, person.id)
        )
        taken = case.id in self._told
        return Job(
            case.id,
            case.place,
            case.planned_seconds,
            latest_start_seconds=case.due_seconds,
            wait_weight=WAIT_WEIGHTS[case.priority],
            priority=case.priority,
            skills=frozenset({case.kind}),
            refused=refused,
            commitment=Commitment.ACCEPTED if taken else Commitment.OPEN,
            moves_today=self._moved.get(case.id, 0),
        )

    def _take(self, desk: Desk, problem: Problem, plan: Plan) -> None:
        self._routes = {day.id: list(plan.route(day.id)) for day in problem.days}
        for person_id, route in self._routes.items():
            for case_id in route:
                before = self._told.get(case_id)
                if before is not None and before != person_id:
                    desk.moves += 1
                    self._moved[case_id] = self._moved.get(case_id, 0) + 1
                self._told[case_id] = person_id


def _is_due_in_an_hour(desk: Desk, case: Case) -> bool:
    left = case.due_seconds - desk.now
    return WARN_SECONDS - TICK_SECONDS < left <= WARN_SECONDS


def _day(desk: Desk, worker: Worker) -> TechnicianDay:
    return TechnicianDay(
        id=worker.person.id,
        technician_id=worker.person.id,
        start=worker.place,
        start_seconds=min(desk.expected_free(worker), worker.ends_at(desk.now)),
        end_seconds=worker.ends_at(desk.now),
        skills=worker.person.skills,
    )
