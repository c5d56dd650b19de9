"""Insertion: always the cheapest legal place, at the evaluator's price, never an illegal one."""

from dataclasses import replace

import pytest
from hypothesis import given

from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.insertion import BEST, StandingPlan, best_candidates
from fleet_server.dispatch.planner.problem import Job, Plan, Problem, TechnicianDay
from fleet_server.dispatch.planner.travel import Place
from fleet_server.service_levels.rules import Priority
from tests.fleet_server.dispatch.planner.drawn import jobs, problems, unhurried

SITE = Place(31.2, 121.5)


def legal_costs(problem: Problem, job: Job) -> dict[str, float]:
    """Cheapest legal place of each technician, by trying every place of every route in full."""
    evaluator = Evaluator(replace(problem, jobs=(*problem.jobs, job)))
    best: dict[str, float] = {}
    for day in problem.days:
        route = problem.previous.route(day.id)
        before = evaluator.route(day, evaluator.jobs_of(route))
        if before.violations:
            continue
        for at in range(len(route) + 1):
            ids = (*route[:at], job.id, *route[at:])
            after = evaluator.route(day, evaluator.jobs_of(ids))
            if not after.violations:
                cost = after.cost_seconds - before.cost_seconds
                best[day.technician_id] = min(best.get(day.technician_id, cost), cost)
    return best


@unhurried
@given(problems(), jobs("new"))
def test_the_best_few_are_the_cheapest_legal_places_there_are(problem: Problem, job: Job) -> None:
    found = best_candidates(problem, job)
    expected = sorted(legal_costs(problem, job).values())[:BEST]
    assert [one.cost_seconds for one in found] == pytest.approx(expected, abs=1e-6)
    assert len({one.technician_id for one in found}) == len(found)


@unhurried
@given(problems(), jobs("new"))
def test_what_insertion_says_a_place_costs_is_what_the_plan_becomes_dearer_by(
    problem: Problem, job: Job
) -> None:
    whole = Evaluator(replace(problem, jobs=(*problem.jobs, job)))
    before = Evaluator(problem).plan(problem.previous)
    for one in best_candidates(problem, job):
        route = tuple(stop.job_id for stop in one.route.stops)
        seen = whole.plan(problem.previous.with_routes({one.day_id: route}))
        dearer = seen.cost_seconds - before.cost_seconds
        assert one.cost_seconds == pytest.approx(dearer, abs=1e-5)
        assert seen.routes[one.day_id].violations == ()
        assert route[one.position] == job.id


@unhurried
@given(problems(jobs_max=5), jobs("new"))
def test_what_is_fixed_keeps_its_place_and_its_time(problem: Problem, job: Job) -> None:
    fixed = tuple(replace(day, fixed=problem.previous.route(day.id)[:2]) for day in problem.days)
    problem = replace(problem, days=fixed)
    before = Evaluator(problem).plan(problem.previous)
    for one in best_candidates(problem, job):
        front = len(next(day for day in fixed if day.id == one.day_id).fixed)
        assert one.route.stops[:front] == before.routes[one.day_id].stops[:front]
        assert one.position >= front


@unhurried
@given(problems(jobs_max=5), jobs("new"))
def test_a_plan_that_took_a_job_and_lost_it_again_is_the_plan_it_was(
    problem: Problem, job: Job
) -> None:
    standing = StandingPlan(problem)
    before = dict(standing.routes)
    found = standing.cheapest(job)
    if found is not None:
        standing.take(found, job)
        assert standing.routes[found.day_id].evaluation == found.route
        standing.remove(job.id)
    assert standing.routes == before
    assert standing.plan == problem.previous


@unhurried
@given(problems())
def test_a_built_plan_adds_nothing_illegal_and_keeps_what_stands(problem: Problem) -> None:
    broken = set(Evaluator(problem).plan(problem.previous).violations)
    plan = built(problem, problem.previous)
    assert problem.previous.placed <= plan.placed
    assert set(Evaluator(problem).plan(plan).violations) <= broken


def test_an_urgent_job_goes_to_who_is_free_and_a_calm_one_to_who_passes_by() -> None:
    work = Job("long", SITE, 4 * 3600.0)
    problem = Problem(
        (work,),
        (
            TechnicianDay("p", "passing", SITE, 0.0, 90_000.0, fixed=("long",)),
            TechnicianDay("f", "free", Place(31.25, 121.5), 0.0, 90_000.0),
        ),
        previous=Plan({"p": ("long",)}),
    )
    for weight, chosen in ((1.0, "free"), (0.0, "passing")):
        job = Job("new", SITE, 1800.0, wait_weight=weight)
        assert best_candidates(problem, job)[0].technician_id == chosen


def test_without_anybody_able_there_is_no_candidate() -> None:
    day = TechnicianDay("d", "ann", SITE, 0.0, 3600.0)
    assert best_candidates(Problem((), (day,)), Job("new", SITE, 7200.0)) == []
    assert best_candidates(Problem((), ()), Job("new", SITE, 60.0)) == []


def test_where_not_all_fit_the_most_urgent_are_planned() -> None:
    day = TechnicianDay("d", "ann", SITE, 0.0, 4000.0)
    made = tuple(
        Job(priority.value, SITE, 1500.0, priority=priority) for priority in reversed(Priority)
    )
    assert built(Problem(made, (day,))).placed == {"P1", "P2"}
