"""The one door to the engines: improve a plan within a budget (dispatch, When, tiers 1 to 3).

With `focus` (an urgent job, an overrun) it is tier 1: one question around it. Without, tiers 2 and
3: the problem is cut into neighbourhoods, round after round. Every answer is timed anew by the
evaluator and taken only if legal and worth it (`acceptance`), part by part: one bad answer does
not cost the others. Jobs in no route are inserted first and last, so this serves without engines.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_server.dispatch.planner.acceptance import Judgement, judged
from fleet_server.dispatch.planner.building import built, relocated
from fleet_server.dispatch.planner.evaluator import Evaluation, Evaluator
from fleet_server.dispatch.planner.formulation import Part, answered, formulated
from fleet_server.dispatch.planner.problem import Plan, Problem
from fleet_server.dispatch.solvers.engines import Budget
from fleet_server.dispatch.solvers.errors import SolverError
from fleet_server.dispatch.solvers.parts import around, neighbourhoods
from fleet_server.dispatch.solvers.pool import SolverPool

ROUNDS_MAX = 6
"""After so many cuts in other directions, borders no longer matter."""
RELOCATED_MAX = 40
"""Jobs of a region in which each is tried elsewhere by itself, at some milliseconds each."""
QUESTION_SECONDS_MIN = 0.4
"""A round is only begun if each of its questions gets so much."""


@dataclass(frozen=True)
class Improvement:
    """The plan to go on with: a new one, or the given one when none was worth it.

    `judgement` compares it, or what was found instead, with the given plan.
    """

    plan: Plan
    evaluation: Evaluation
    judgement: Judgement
    failures: tuple[SolverError, ...]

    @property
    def is_new(self) -> bool:
        """Whether the plan differs from the one that was given."""
        return self.judgement.is_taken


def improve(
    problem: Problem,
    plan: Plan,
    budget: Budget,
    seed: int,
    solvers: SolverPool,
    focus: Sequence[str] = (),
) -> Improvement:
    """Improve a plan. `budget.seconds` is wall time, on as many cores as `solvers` has processes.

    `budget.iterations` counts for each question. Raises UnknownJobError for a plan or focus that
    names jobs which the problem lacks.
    """
    search = _Search(problem, plan, solvers)
    search.insert()
    if not solvers.is_empty:
        if focus:
            search.ask([around(search.evaluator, search.plan, search.seen, focus)], budget, seed)
        else:
            search.ask_all(budget, seed)
        search.insert()
    search.relocate(focus)
    return search.improvement()


class _Search:
    """The plan as it gets better."""

    def __init__(self, problem: Problem, plan: Plan, solvers: SolverPool) -> None:
        self.evaluator = Evaluator(problem)
        self.plan = self._given = plan
        self.seen = self._given_seen = self.evaluator.plan(plan)
        self._solvers = solvers
        self._failures: list[SolverError] = []

    def insert(self) -> None:
        """Give every job in no route the cheapest place that there is for it."""
        if self.seen.left_out:
            self._offer(built(self.evaluator.problem, self.plan))

    def ask_all(self, budget: Budget, seed: int) -> None:
        """Ask about all neighbourhoods, cut anew in each round."""
        first = neighbourhoods(self.evaluator, self.plan, self.seen, 0)
        waves = max(-(-len(first) // self._solvers.processes), 1)
        rounds = int(min(max(budget.seconds / (waves * QUESTION_SECONDS_MIN), 1), ROUNDS_MAX))
        if len(first) == 1:
            rounds = 1
        share = Budget(budget.seconds / (waves * rounds), budget.iterations)
        for turn in range(rounds):
            parts = neighbourhoods(self.evaluator, self.plan, self.seen, turn)
            self.ask(parts, share, seed + turn * len(first))

    def ask(self, parts: Sequence[Part], budget: Budget, seed: int) -> None:
        """Ask one question for each part; parts share neither days nor jobs."""
        asked = [part for part in parts if part.day_ids and part.job_ids]
        questions = [formulated(self.evaluator, self.plan, self.seen, part) for part in asked]
        answers = self._solvers.ask(questions, budget, seed)
        for part, question, answer in zip(asked, questions, answers, strict=True):
            self._failures += answer.failures
            for routes in answer.routes:
                self._offer(answered(question, self.plan, part, routes))

    def relocate(self, focus: Sequence[str]) -> None:
        """Try to move single jobs: those in focus, or all where there are few."""
        jobs = self.evaluator.problem.jobs
        free = focus or [job.id for job in jobs if len(jobs) <= RELOCATED_MAX]
        fixed = {job_id for day in self.evaluator.problem.days for job_id in day.fixed}
        for job_id in free:
            if job_id not in fixed:
                self._offer(relocated(self.evaluator.problem, self.plan, job_id))

    def improvement(self) -> Improvement:
        """Compare what was reached with what was given."""
        judgement = judged(self.evaluator, self._given_seen, self.seen)
        if not judgement.is_taken:
            self.plan, self.seen = self._given, self._given_seen
        return Improvement(self.plan, self.seen, judgement, tuple(self._failures))

    def _offer(self, plan: Plan) -> None:
        """Take a plan if it is worth it, compared with the one reached so far."""
        changed = {
            day_id: self.evaluator.route(day, self.evaluator.jobs_of(plan.route(day_id)))
            for day_id, day in self.evaluator.days.items()
            if plan.route(day_id) != self.plan.route(day_id)
        }
        seen = self.evaluator.summed(plan, {**self.seen.routes, **changed})
        if judged(self.evaluator, self.seen, seen).is_taken:
            self.plan, self.seen = plan, seen
