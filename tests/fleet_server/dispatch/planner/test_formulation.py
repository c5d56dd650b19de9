"""How a question is written: hard ends of windows, late steps for few, everything against us."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given

from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.formulation import (
    LATE_STEPS_SECONDS,
    Part,
    Question,
    answered,
    formulated,
    windows_of,
)
from fleet_server.dispatch.planner.problem import Break, Commitment, Job, Plan, Problem
from fleet_server.dispatch.planner.problem import TechnicianDay as Day
from fleet_server.dispatch.planner.travel import Place
from fleet_server.service_levels.rules import Priority
from tests.fleet_server.dispatch.planner.drawn import problems, unhurried

HERE, THERE = Place(31.2, 121.5), Place(31.2, 121.6)
HOUR = 3600.0
EPOCH = 1_764_000_000.0
"""Real seconds: a question counts from its own first shift."""


def question(problem: Problem, part: Part | None = None) -> Question:
    evaluator = Evaluator(problem)
    whole = Part(tuple(d.id for d in problem.days), tuple(j.id for j in problem.jobs))
    seen = evaluator.plan(problem.previous)
    return formulated(evaluator, problem.previous, seen, part or whole)


def day(name: str = "a", person: str = "ann", **wanted: object) -> Day:
    return replace(Day(name, person, HERE, EPOCH, EPOCH + 9 * HOUR), **wanted)  # type: ignore[arg-type]


def job(name: str = "j", due: float = 5 * HOUR, **wanted: object) -> Job:
    made = Job(name, THERE, 1800.0, latest_start_seconds=EPOCH + due)
    return replace(made, **wanted)  # type: ignore[arg-type]  # fields by name


def test_a_job_that_stands_punctual_has_one_window_that_ends_when_it_is_due() -> None:
    problem = Problem((job(),), (day(),), previous=Plan({"a": ("j",)}))
    (task,) = question(problem).tasks
    assert [window.latest for window in task.windows] == [5 * HOUR]
    assert (task.release, task.service) == (0, 1800)


@pytest.mark.parametrize(
    ("due", "routes", "steps"),
    [
        (5 * HOUR, {}, 5),  # left out
        (60.0, {"a": ("j",)}, 5),  # late
        (1960.0, {"a": ("j",)}, 5),  # within 15 min of the limit: the way takes 1,457 s
        (5 * HOUR, {"a": ("j",)}, 1),
    ],
)
def test_only_jobs_in_danger_get_late_steps(
    due: float, routes: dict[str, tuple[str, ...]], steps: int
) -> None:
    (task,) = question(Problem((job(due=due),), (day(),), previous=Plan(routes))).tasks
    assert len(task.windows) == steps


def test_late_steps_lie_after_each_other_and_are_worth_less_and_less() -> None:
    for priority in Priority:
        steps = windows_of(job(priority=priority), with_late_steps=True)
        latest, prizes = zip(*steps, strict=True)
        assert [one - latest[0] for one in latest] == [0, *LATE_STEPS_SECONDS]
        assert list(prizes) == sorted(prizes, reverse=True)
        assert len(set(prizes)) == len(prizes)
        assert prizes[-1] > 0


def test_with_a_margin_the_first_window_ends_before_the_job_is_due() -> None:
    for routes, steps in (({"a": ("j",)}, 1), ({}, 6)):
        problem = Problem((job(),), (day(),), previous=Plan(routes), now_seconds=EPOCH)
        (task,) = question(replace(problem, margin_seconds=1200.0)).tasks
        assert task.windows[0].latest == 5 * HOUR - 1200
        assert len(task.windows) == steps
        prizes = [window.prize for window in task.windows]
        assert prizes == sorted(prizes, reverse=True)


def test_prizes_are_ordered_by_priority_and_above_what_one_job_can_save_in_travel() -> None:
    made = tuple(job(one.value, priority=one) for one in Priority)
    asked = question(Problem(made, (day(),), previous=Plan({"a": ("P1", "P2", "P3")})))
    prizes = [task.windows[0].prize for task in asked.tasks]
    assert prizes == sorted(prizes, reverse=True)
    assert prizes[-1] > 2 * max(max(row) for row in asked.durations)


def test_a_job_without_a_due_instant_has_one_window_to_the_horizon() -> None:
    (task,) = question(Problem((job(latest_start_seconds=inf),), (day(),))).tasks
    assert [window.latest for window in task.windows] == [24 * HOUR]


def test_what_was_due_before_the_day_began_keeps_only_late_steps() -> None:
    (task,) = question(Problem((job(due=-HOUR),), (day(),))).tasks
    assert [window.latest for window in task.windows] == [1800, 7200, 24 * HOUR]


def test_a_fixed_front_becomes_start_place_and_start_time() -> None:
    front = job("f", parts={"fan": 1})
    breaks = (Break(EPOCH, EPOCH + 600.0, 900.0), Break(EPOCH + 4 * HOUR, EPOCH + 5 * HOUR, 900.0))
    own = day(fixed=("f",), stock={"fan": 3}, breaks=breaks)
    problem = Problem((front, job("g", parts={"fan": 1})), (own,), previous=Plan({"a": ("f", "g")}))
    asked = question(problem)
    (vehicle,) = asked.vehicles
    seen = Evaluator(problem).route(own, (front,))
    assert vehicle.earliest == pytest.approx(seen.finish_seconds - EPOCH, abs=1.0)
    assert asked.durations[vehicle.start][asked.tasks[0].location] == 180
    assert vehicle.stock == (2,)
    assert vehicle.breaks == ((4 * HOUR, 5 * HOUR, 900),)
    assert [task.job_id for task in asked.tasks] == ["g"]


def test_two_cabinets_of_one_site_are_still_an_access_apart() -> None:
    asked = question(Problem((job("x"), job("y")), (day(),)))
    one, other = (task.location for task in asked.tasks)
    assert asked.durations[one][other] == 180
    assert asked.durations[one][one] == 0


def test_who_must_not_and_who_costs_extra_stand_with_the_technician() -> None:
    made = (
        job("skilled", skills=frozenset({"cooling"})),
        job("refused", refused=frozenset({"bob"})),
        job("pinned", pinned_to="ann"),
        job("told", commitment=Commitment.ACCEPTED, site_told=True),
        job("moved", commitment=Commitment.ACCEPTED, moves_today=2),
    )
    people = (day(skills=frozenset({"cooling"})), day("b", "bob"))
    problem = Problem(made, people, previous=Plan({"a": tuple(one.id for one in made)}))
    ann, bob = question(problem).technicians
    assert (ann.forbidden, ann.prices) == (frozenset(), ())
    assert bob.forbidden == {0, 1, 2, 4}
    assert bob.prices == ((3, 1800),)


def test_a_certificate_that_lapses_overnight_makes_two_of_one_technician() -> None:
    tomorrow = EPOCH + 24 * HOUR
    able = day(skills=frozenset({"cooling"}))
    lapsed = day("b", start_seconds=tomorrow, end_seconds=tomorrow + 9 * HOUR)
    asked = question(Problem((job(skills=frozenset({"cooling"})),), (able, lapsed)))
    assert [asked.technicians[one.technician].forbidden for one in asked.vehicles] == [
        frozenset(),
        {0},
    ]


@unhurried
@given(problems())
def test_what_a_solver_calls_punctual_is_punctual(problem: Problem) -> None:
    """Rounded against us: timed in a question's whole seconds, nothing is earlier than true."""
    bare = replace(problem, days=tuple(replace(one, breaks=()) for one in problem.days))
    asked = question(bare)
    evaluator = Evaluator(bare)
    origin = int(min(one.start_seconds for one in bare.days))
    for vehicle, route in zip(asked.vehicles, asked.standing, strict=True):
        own = evaluator.days[vehicle.day_id]
        jobs = evaluator.jobs_of(asked.tasks[index].job_id for index in route)
        time, place = vehicle.earliest, vehicle.start
        for index, stop in zip(route, evaluator.route(own, jobs).stops, strict=True):
            task = asked.tasks[index]
            time = max(time + asked.durations[place][task.location], task.release)
            assert time >= min(stop.start_seconds - origin, asked.horizon) - 1e-6
            if time <= task.windows[0].latest < asked.horizon and len(task.windows) > 4:
                assert stop.late_seconds == 0
            time, place = time + task.service, task.location


@unhurried
@given(problems())
def test_an_answer_that_changes_nothing_is_the_plan_it_was(problem: Problem) -> None:
    days = tuple(replace(one, fixed=problem.previous.route(one.id)[:1]) for one in problem.days)
    problem = replace(problem, days=days)
    part = Part(tuple(d.id for d in days), tuple(j.id for j in problem.jobs))
    asked = question(problem, part)
    assert answered(asked, problem.previous, part, asked.standing) == problem.previous
