"""Improving a plan: better, legal, repeatable, and never at the price of what people were told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fleet_server.dispatch.planner.errors import UnknownJobError
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.problem import Commitment, Job, Plan, Problem
from fleet_server.dispatch.solvers.engines import Budget, Engine
from fleet_server.dispatch.solvers.parts import NEAREST_TECHNICIANS, around, neighbourhoods
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.rolling import improve
from tests.fleet_server.dispatch.solvers.days import HOUR, day, standing

pytestmark = pytest.mark.real_parts

ALONE = SolverPool([])
REPEATABLE = Budget(60.0, 150)


@pytest.fixture(scope="module")
def solvers() -> Iterator[SolverPool]:
    pool = SolverPool([Engine.PYVRP])
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def problem() -> Problem:
    return standing(day(11, technicians=20, jobs=110))


def test_a_territory_gets_better_and_stays_legal(problem: Problem, solvers: SolverPool) -> None:
    before = Evaluator(problem).plan(problem.previous)
    found = improve(problem, problem.previous, REPEATABLE, 1, solvers)
    assert found.is_new
    assert found.failures == ()
    assert found.evaluation == Evaluator(problem).plan(found.plan)
    assert found.evaluation.cost_seconds < before.cost_seconds
    assert found.evaluation.is_legal


def test_the_same_seed_and_iterations_give_the_same_plan_bit_for_bit(
    problem: Problem, solvers: SolverPool
) -> None:
    two = SolverPool([Engine.PYVRP], processes=2)
    try:
        one, other = (
            improve(problem, problem.previous, Budget(60.0, 40), 9, pool, ["j3"])
            for pool in (solvers, two)
        )
    finally:
        two.close()
    assert one.plan == other.plan
    assert one.evaluation == other.evaluation


def test_an_urgent_job_finds_its_place_and_pinned_ones_keep_theirs(solvers: SolverPool) -> None:
    told = standing(day(12, technicians=14, jobs=70))
    people = {one.id: one.technician_id for one in told.days}
    holders = {job: people[key] for key, route in told.previous.routes.items() for job in route}
    pinned = tuple(
        replace(job, pinned_to=holders.get(job.id), commitment=Commitment.ACCEPTED)
        if number % 3 == 0
        else job
        for number, job in enumerate(told.jobs)
    )
    urgent = Job("urgent", told.jobs[0].place, 1800.0, latest_start_seconds=HOUR)
    problem = replace(told, jobs=(*pinned, urgent))
    found = improve(problem, problem.previous, REPEATABLE, 1, solvers, ["urgent"])
    assert "urgent" in found.plan.placed
    stops = found.evaluation.stops
    for job in pinned:
        if job.pinned_to is not None:
            assert stops[job.id][0] == job.pinned_to


def test_without_an_engine_insertion_alone_serves(problem: Problem) -> None:
    found = improve(problem, Plan(), Budget(1.0), 1, ALONE)
    assert found.is_new
    assert found.evaluation.is_legal
    assert len(found.plan.placed) > 90


def test_a_plan_that_nothing_is_better_than_is_given_back(solvers: SolverPool) -> None:
    alone = day(13, technicians=1, jobs=1)
    settled = replace(alone, previous=Plan({"d0": ("j0",)}))
    job = replace(alone.jobs[0], refused=frozenset(), skills=frozenset(), level=0, parts={})
    settled = replace(settled, jobs=(job,))
    found = improve(settled, settled.previous, REPEATABLE, 1, solvers)
    assert not found.is_new
    assert found.plan == settled.previous


def test_an_engine_that_fails_costs_nothing_but_its_answer(problem: Problem) -> None:
    """A grace below zero: whatever it is asked, it is killed at once."""
    hasty = SolverPool([Engine.PYVRP], grace_seconds=-60.0)
    try:
        found = improve(problem, problem.previous, REPEATABLE, 1, hasty, ["j1"])
    finally:
        hasty.close()
    assert [error.slug for error in found.failures] == ["solver"]
    assert found.evaluation.is_legal


def test_a_focus_that_is_no_job_is_refused(problem: Problem, solvers: SolverPool) -> None:
    with pytest.raises(UnknownJobError, match="ghost"):
        improve(problem, problem.previous, REPEATABLE, 1, solvers, ["ghost"])


def test_parts_share_nothing_and_leave_nobody_out(problem: Problem) -> None:
    evaluator = Evaluator(problem)
    seen = evaluator.plan(problem.previous)
    for turn in range(4):
        parts = neighbourhoods(evaluator, problem.previous, seen, turn)
        days = [one for part in parts for one in part.day_ids]
        jobs = [one for part in parts for one in part.job_ids]
        assert sorted(days) == sorted(evaluator.days)
        assert len(jobs) == len(set(jobs)) == len(problem.jobs)
        assert len(parts) == 2
    first, second = (neighbourhoods(evaluator, problem.previous, seen, turn) for turn in (0, 1))
    assert first != second


def test_an_urgent_job_gathers_the_nearest_who_may_do_it(problem: Problem) -> None:
    evaluator = Evaluator(problem)
    seen = evaluator.plan(problem.previous)
    part = around(evaluator, problem.previous, seen, ["j0"])
    chosen = {evaluator.days[one].technician_id for one in part.day_ids}
    assert len(chosen) <= NEAREST_TECHNICIANS
    assert "j0" in part.job_ids
    job = evaluator.jobs["j0"]
    assert all(evaluator.may_do(evaluator.days[one], job) is None for one in part.day_ids)


def test_days_after_an_urgent_job_is_due_are_left_aside() -> None:
    today = day(14, technicians=3, jobs=6)
    later = tuple(
        replace(one, id=f"{one.id}+1", start_seconds=24 * HOUR, end_seconds=33 * HOUR)
        for one in today.days
    )
    new = replace(later[0], id="new", technician_id="new")
    job = Job("urgent", today.jobs[0].place, 1800.0, latest_start_seconds=2 * HOUR)
    problem = replace(today, jobs=(*today.jobs, job), days=(*today.days, *later, new))
    evaluator = Evaluator(problem)
    part = around(evaluator, Plan(), evaluator.plan(Plan()), ["urgent"])
    assert set(part.day_ids) == {"d0", "d1", "d2", "new"}
    calm = replace(problem, jobs=(*today.jobs, replace(job, latest_start_seconds=30 * HOUR)))
    evaluator = Evaluator(calm)
    assert len(around(evaluator, Plan(), evaluator.plan(Plan()), ["urgent"]).day_ids) == 7
