"""The contract that every engine keeps: their APIs change names each minor version."""

import pytest

from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.formulation import answered
from fleet_server.dispatch.planner.problem import Break, Commitment, Job, Plan, Problem
from fleet_server.dispatch.planner.problem import TechnicianDay as Day
from fleet_server.dispatch.planner.travel import Place
from fleet_server.dispatch.solvers.engines import Budget, Engine, Routes, installed, solve_of
from fleet_server.service_levels.rules import Priority
from tests.fleet_server.dispatch.solvers.days import HOUR, day, question_of, standing

HERE = Place(31.2, 121.5)
AMPLE = 20.0
"""Seconds that no question here needs: iterations end each run, so that it repeats itself."""


@pytest.fixture(params=list(Engine), ids=str)
def engine(request: pytest.FixtureRequest) -> Engine:
    assert request.param in installed(), "the dev extra installs every engine"
    found: Engine = request.param
    return found


def budget(engine: Engine) -> Budget:
    return Budget(AMPLE, 300 if engine is Engine.PYVRP else 1)


def solved(engine: Engine, problem: Problem, seed: int = 1) -> tuple[Evaluator, Plan]:
    evaluator, question, part = question_of(problem)
    routes = solve_of(engine)(question, budget(engine), seed)
    return evaluator, answered(question, problem.previous, part, routes)


def placed(engine: Engine, problem: Problem) -> dict[str, str]:
    evaluator, plan = solved(engine, problem)
    seen = evaluator.plan(plan)
    assert not [one for one in seen.violations if one.job_id not in seen.left_out]
    return {job_id: technician_id for job_id, (technician_id, _) in seen.stops.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_answer_violates_skills_levels_parts_refusals_or_shifts(
    engine: Engine, seed: int
) -> None:
    evaluator, plan = solved(engine, day(seed, technicians=4, jobs=24), seed)
    seen = evaluator.plan(plan)
    assert seen.violations == ()
    assert plan.placed


def test_every_answer_has_a_route_for_each_vehicle_and_each_task_at_most_once(
    engine: Engine,
) -> None:
    _, question, _ = question_of(day(4, technicians=4, jobs=24))
    routes = solve_of(engine)(question, budget(engine), 1)
    assert len(routes) == len(question.vehicles)
    tasks = [task for route in routes for task in route]
    assert len(tasks) == len(set(tasks))
    assert set(tasks) <= set(range(len(question.tasks)))


def test_the_same_seed_and_iterations_give_the_same_routes_bit_for_bit(engine: Engine) -> None:
    _, question, _ = question_of(standing(day(5, technicians=4, jobs=30)))
    one, other = (solve_of(engine)(question, budget(engine), 7) for _ in range(2))
    assert [list(route) for route in one] == [list(route) for route in other]


def test_pinned_and_fixed_jobs_stay_whatever_it_costs(engine: Engine) -> None:
    """Bob lives beside the job that is pinned to Ann, and beside the one Ann begins with."""
    far = Place(31.2, 121.8)
    people = (
        Day("a", "ann", HERE, 0.0, 9 * HOUR, fixed=("f",)),
        Day("b", "bob", far, 0.0, 9 * HOUR),
    )
    made = (
        Job("f", far, 1800.0),
        Job("p", far, 1800.0, latest_start_seconds=60.0, pinned_to="ann"),
    )
    problem = Problem(made, people, previous=Plan({"a": ("f", "p")}))
    assert placed(engine, problem) == {"f": "ann", "p": "ann"}


def test_an_accepted_job_moves_only_for_more_than_its_price(engine: Engine) -> None:
    """The way from Ann's to the job is about 5 min longer, or 30 min, than from Bob's."""
    for longitude, mover in ((121.5205, "ann"), (121.65, "bob")):
        people = (
            Day("a", "ann", HERE, 0.0, 9 * HOUR),
            Day("b", "bob", Place(31.2, longitude), 0.0, 9 * HOUR),
        )
        job = Job("j", Place(31.2, longitude), 1800.0, commitment=Commitment.ACCEPTED)
        problem = Problem((job,), people, previous=Plan({"a": ("j",)}))
        assert placed(engine, problem) == {"j": mover}


def test_where_not_all_fit_the_prizes_decide(engine: Engine) -> None:
    people = (Day("a", "ann", HERE, 0.0, 4200.0),)
    made = tuple(Job(one.value, HERE, 1500.0, priority=one) for one in reversed(Priority))
    assert placed(engine, Problem(made, people)).keys() == {"P1", "P2"}


def test_what_cannot_be_punctual_comes_late_rather_than_never(engine: Engine) -> None:
    people = (Day("a", "ann", HERE, 0.0, 9 * HOUR),)
    made = tuple(Job(f"j{n}", HERE, 1800.0, latest_start_seconds=HOUR) for n in range(4))
    evaluator, plan = solved(engine, Problem(made, people))
    seen = evaluator.plan(plan)
    assert plan.placed == {"j0", "j1", "j2", "j3"}
    assert len(seen.late) == 2


def test_breaks_leave_every_job_punctual_after_our_re_timing(engine: Engine) -> None:
    lunch = (Break(2 * HOUR, 3 * HOUR, 1800.0),)
    people = (Day("a", "ann", HERE, 0.0, 9 * HOUR, breaks=lunch),)
    made = tuple(
        Job(f"j{n}", HERE, 3000.0, latest_start_seconds=n * HOUR + 2700.0) for n in range(5)
    )
    evaluator, plan = solved(engine, Problem(made, people))
    seen = evaluator.plan(plan)
    assert (seen.violations, seen.late, seen.left_out) == ((), (), ())
    assert len(seen.routes["a"].breaks) == 1


def test_two_days_of_one_technician_are_two_vehicles(engine: Engine) -> None:
    tomorrow = 24 * HOUR
    people = (
        Day("today", "ann", HERE, 0.0, 2400.0),
        Day("tomorrow", "ann", HERE, tomorrow, tomorrow + 9 * HOUR),
    )
    made = (
        Job("now", HERE, 1800.0, latest_start_seconds=HOUR),
        Job("later", HERE, 1800.0, latest_start_seconds=tomorrow + HOUR),
    )
    _, plan = solved(engine, Problem(made, people))
    assert plan.routes == {"today": ("now",), "tomorrow": ("later",)}


def test_nothing_to_do_and_nobody_to_do_it_are_no_trouble(engine: Engine) -> None:
    ann = Day("a", "ann", HERE, 0.0, 9 * HOUR)
    overrun = Day("b", "bob", HERE, 0.0, HOUR, fixed=("f",))
    for problem in (
        Problem((), (ann,)),
        Problem((Job("j", HERE, 60.0),), ()),
        Problem(
            (Job("f", HERE, 2 * HOUR), Job("j", HERE, 60.0)),
            (overrun,),
            previous=Plan({"b": ("f",)}),
        ),
    ):
        _, plan = solved(engine, problem)
        assert "j" not in plan.placed


def test_a_standing_plan_is_a_warm_start_that_is_never_made_worse_by_pyvrp() -> None:
    problem = standing(day(6, technicians=4, jobs=30))
    evaluator, plan = solved(Engine.PYVRP, problem)
    before = evaluator.plan(problem.previous).cost_seconds
    assert evaluator.plan(plan).cost_seconds <= before


def test_a_budget_of_seconds_ends_a_run() -> None:
    """A bound on waiting: without it this run would take minutes."""
    _, question, _ = question_of(day(7, technicians=4, jobs=30))
    routes: Routes = solve_of(Engine.PYVRP)(question, Budget(0.05), 1)
    assert any(routes)


def test_a_plan_that_is_late_already_is_a_warm_start_for_pyvrp() -> None:
    """Late stops of the warm start take the late step they fall into."""
    late = Job("j", HERE, 1800.0, latest_start_seconds=0.0)
    people = (Day("a", "ann", HERE, 0.0, 9 * HOUR),)
    problem = Problem((late,), people, previous=Plan({"a": ("j",)}))
    assert placed(Engine.PYVRP, problem) == {"j": "ann"}
