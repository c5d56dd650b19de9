"""The evaluator agrees with a naive re-timing, and names what is wrong with a plan."""

from dataclasses import replace

import pytest
from hypothesis import given

from fleet_server.dispatch.planner.errors import UnknownJobError
from fleet_server.dispatch.planner.evaluator import Evaluator, ViolationCode
from fleet_server.dispatch.planner.prices import (
    late_price,
    left_out_price,
    move_price,
    tight_price,
)
from fleet_server.dispatch.planner.problem import Break, Commitment, Job, Plan, Problem
from fleet_server.dispatch.planner.problem import TechnicianDay as Day
from fleet_server.dispatch.planner.travel import Estimate, Place
from fleet_server.service_levels.rules import Priority
from tests.fleet_server.dispatch.planner.drawn import problems, unhurried

HOME = Place(31.2, 121.5)
HOUR = 3600.0


def job(name: str = "j", **wanted: object) -> Job:
    return replace(Job(name, HOME, 1800.0), **wanted)  # type: ignore[arg-type]  # fields by name


def day(name: str = "d", person: str = "ann", **wanted: object) -> Day:
    return replace(Day(name, person, HOME, 0.0, 8 * HOUR), **wanted)  # type: ignore[arg-type]


def codes(problem: Problem, **routes: tuple[str, ...]) -> set[ViolationCode]:
    return {one.code for one in Evaluator(problem).plan(Plan(routes)).violations}


@unhurried
@given(problems())
def test_times_are_those_of_somebody_who_walks_the_route_with_a_watch(problem: Problem) -> None:
    """Independent of `walk`: without breaks, each step is the one before plus way and work."""
    bare = replace(problem, days=tuple(replace(one, breaks=()) for one in problem.days))
    seen = Evaluator(bare).plan(bare.previous)
    known = {one.id: one for one in bare.jobs}
    for own in bare.days:
        time, place = own.start_seconds, own.start
        for stop in seen.routes[own.id].stops:
            at = known[stop.job_id]
            time += bare.travel.seconds(place, at.place)
            assert stop.arrival_seconds == pytest.approx(time)
            time = max(time, at.release_seconds)
            assert stop.start_seconds == pytest.approx(time)
            assert stop.late_seconds == pytest.approx(max(time - at.due_seconds, 0.0))
            time, place = time + at.service_seconds, at.place
        way = bare.travel.seconds(place, own.end) if own.end and seen.routes[own.id].stops else 0.0
        if seen.routes[own.id].stops:
            assert seen.routes[own.id].finish_seconds == pytest.approx(time + way)


@unhurried
@given(problems())
def test_the_price_is_travel_lateness_waiting_moves_and_what_is_left_out(problem: Problem) -> None:
    evaluator = Evaluator(problem)
    seen = evaluator.plan(problem.previous)
    expected = seen.travel_seconds
    for technician_id, stop in seen.stops.values():
        one = evaluator.jobs[stop.job_id]
        expected += late_price(one, stop.late_seconds) + one.wait_weight * stop.start_seconds
        expected += tight_price(one, one.due_seconds - stop.start_seconds, evaluator.margin(one))
        assert not evaluator.is_moved(one, technician_id)
    expected += sum(left_out_price(evaluator.jobs[job_id]) for job_id in seen.left_out)
    assert seen.cost_seconds == pytest.approx(expected)


@unhurried
@given(problems())
def test_every_break_is_taken_whole_and_beside_the_work(problem: Problem) -> None:
    seen = Evaluator(problem).plan(problem.previous)
    for own in problem.days:
        route = seen.routes[own.id]
        known = {one.id: one for one in problem.jobs}
        work = [(stop.start_seconds, stop.finish_seconds) for stop in route.stops]
        for begin, end in route.breaks:
            assert all(end <= start + 1e-6 or begin >= finish - 1e-6 for start, finish in work)
        taken = list(zip(own.breaks, route.breaks, strict=False))
        assert all(end - begin == pytest.approx(one.seconds) for one, (begin, end) in taken)
        late = [begin > one.latest_seconds for one, (begin, _) in taken]
        assert any(late) == any(v.code is ViolationCode.BREAK for v in route.violations)
        if route.stops and len(route.breaks) < len(own.breaks):
            last = route.stops[-1]
            waiting = own.breaks[len(route.breaks)]
            assert last.start_seconds + known[last.job_id].service_seconds <= waiting.latest_seconds


def test_lunch_lies_in_a_wait_that_holds_it_and_costs_nothing() -> None:
    problem = Problem(
        (job(release_seconds=5 * HOUR, latest_start_seconds=5 * HOUR),),
        (day(breaks=(Break(3 * HOUR, 6 * HOUR, 1800.0),)),),
    )
    seen = Evaluator(problem).plan(Plan({"d": ("j",)}))
    assert seen.is_legal
    assert seen.late == ()
    assert seen.routes["d"].breaks == ((3 * HOUR, 3 * HOUR + 1800.0),)


def test_lunch_comes_before_the_job_after_which_it_would_be_too_late() -> None:
    problem = Problem(
        (job("a", service_seconds=3.5 * HOUR), job("b", service_seconds=2 * HOUR)),
        (day(breaks=(Break(3 * HOUR, 5 * HOUR, 1800.0),)),),
    )
    route = Evaluator(problem).plan(Plan({"d": ("a", "b")})).routes["d"]
    first, second = route.stops
    assert first.finish_seconds <= route.breaks[0][0] <= 5 * HOUR
    assert second.start_seconds == route.breaks[0][1]


def test_a_break_that_no_place_is_left_for_makes_the_route_illegal() -> None:
    lunch = (Break(2 * HOUR, 3 * HOUR, 1800.0),)
    problem = Problem((job(),), (day(start_seconds=4 * HOUR, breaks=lunch),))
    assert codes(problem, d=("j",)) == {ViolationCode.BREAK}


@pytest.mark.parametrize(
    ("asked", "has", "code"),
    [
        (job(skills=frozenset({"cooling"})), day(), ViolationCode.SKILL),
        (job(level=2), day(level=1), ViolationCode.LEVEL),
        (job(refused=frozenset({"ann"})), day(), ViolationCode.REFUSED),
        (job(pinned_to="bob"), day(), ViolationCode.PINNED_ELSEWHERE),
        (job(parts={"fan": 2}), day(stock={"fan": 1}), ViolationCode.PARTS),
        (job(service_seconds=9 * HOUR), day(), ViolationCode.SHIFT_END),
        (
            job(service_seconds=5 * HOUR),
            day(max_duration_seconds=4 * HOUR),
            ViolationCode.SHIFT_END,
        ),
        (job(), day(fixed=("other",)), ViolationCode.FIXED_ORDER),
    ],
)
def test_what_cannot_be_carried_out_is_named(asked: Job, has: Day, code: ViolationCode) -> None:
    assert codes(Problem((asked,), (has,)), d=("j",)) == {code}


def test_the_way_home_counts_into_the_shift() -> None:
    far = Place(31.2, 122.5)
    open_end = day(end_seconds=HOUR)
    assert codes(Problem((job(),), (open_end,)), d=("j",)) == set()
    assert codes(Problem((job(),), (replace(open_end, end=far),)), d=("j",)) == {
        ViolationCode.SHIFT_END
    }


def test_a_job_in_two_routes_and_a_day_that_is_not_there_are_named() -> None:
    problem = Problem((job(),), (day(), day("e", "bob")))
    assert codes(problem, d=("j",), e=("j",)) == {ViolationCode.TWICE}
    assert codes(problem, d=("j",), gone=("j",)) == {ViolationCode.TWICE, ViolationCode.UNKNOWN_DAY}


def test_leaving_out_is_a_price_but_illegal_for_what_is_pinned() -> None:
    assert codes(Problem((job(),), (day(),))) == set()
    assert codes(Problem((job(pinned_to="ann"),), (day(),))) == {ViolationCode.PINNED_LEFT_OUT}


def test_two_jobs_of_one_route_share_what_the_van_holds() -> None:
    both = (job("a", parts={"fan": 1}), job("b", parts={"fan": 1}))
    assert codes(Problem(both, (day(stock={"fan": 2}),)), d=("a", "b")) == set()
    assert codes(Problem(both, (day(stock={"fan": 1}),)), d=("a", "b")) == {ViolationCode.PARTS}


def test_moving_an_accepted_job_costs_ten_minutes_and_thirty_if_the_site_was_told() -> None:
    days = (day(), day("e", "bob"))
    for told, price in ((False, 600.0), (True, 1800.0)):
        accepted = job(commitment=Commitment.ACCEPTED, site_told=told)
        evaluator = Evaluator(Problem((accepted,), days, previous=Plan({"d": ("j",)})))
        stays, goes = (evaluator.plan(Plan({one: ("j",)})) for one in ("d", "e"))
        assert goes.cost_seconds - stays.cost_seconds == price == move_price(accepted)


def test_a_job_the_problem_lacks_is_refused() -> None:
    with pytest.raises(UnknownJobError, match="ghost"):
        Evaluator(Problem((), (day(),))).plan(Plan({"d": ("ghost",)}))


def test_late_is_cheaper_than_left_out_and_the_more_urgent_costs_more() -> None:
    """Prizes are ordered: 8 : 3 : 1, and no lateness of one equals its absence."""
    prices = [left_out_price(job(priority=one)) for one in Priority]
    assert [price / prices[-1] for price in prices] == [8, 3, 1]
    one = job()
    lateness = [late_price(one, late) for late in (0, 1, HOUR, 4 * HOUR, 100 * HOUR)]
    assert lateness == sorted(lateness)
    assert 0 == lateness[0] < lateness[1]
    assert lateness[-1] < left_out_price(one)


def test_a_job_with_less_than_its_margin_to_spare_costs_more_the_tighter_it_is() -> None:
    """Access takes 180 s; the margin is 20 min, or a quarter of what is left until it is due."""
    costs = []
    for spare in (2000.0, 1300.0, 1100.0, 400.0, 0.0, -1.0):
        one = job(latest_start_seconds=180.0 + spare)
        problem = Problem((one,), (day(),), now_seconds=-10 * HOUR, margin_seconds=1200.0)
        costs.append(Evaluator(problem).plan(Plan({"d": ("j",)})).cost_seconds - 180.0)
    assert costs[:2] == [0.0, 0.0]
    assert costs == sorted(costs)
    assert 0 < costs[2] < costs[3] < costs[4] < costs[5]
    soon = Problem((job(latest_start_seconds=400.0),), (day(),), margin_seconds=1200.0)
    assert Evaluator(soon).margin(soon.jobs[0]) == 100.0
    assert Evaluator(soon).plan(Plan({"d": ("j",)})).cost_seconds == 180.0


def test_a_factor_of_the_territory_lengthens_ways_but_not_access() -> None:
    there = Place(31.3, 121.5)
    plain, slow = Estimate(), Estimate(factor=2.0)
    driving = plain.seconds(HOME, there) - plain.access_seconds
    assert slow.seconds(HOME, there) == pytest.approx(2 * driving + plain.access_seconds)
