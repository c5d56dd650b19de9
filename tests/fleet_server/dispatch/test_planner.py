"""Insertion: the cheapest legal place, always, and never before what is pinned."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.dispatch.planner import (
    ACCESS_SECONDS,
    BEST,
    Job,
    Point,
    Route,
    Stop,
    arrivals,
    best_candidates,
    cheapest,
    distance_metres,
    place_cost,
    travel_seconds,
)

points = st.builds(Point, st.floats(31.0, 31.4), st.floats(121.2, 121.8))


@st.composite
def stops(draw: st.DrawFn, name: str) -> Stop:
    due = draw(st.none() | st.floats(0, 40_000))
    return Stop(name, draw(points), draw(st.floats(300, 5000)), due)


@st.composite
def routes(draw: st.DrawFn, name: str = "t") -> Route:
    count = draw(st.integers(0, 4))
    return Route(
        name,
        draw(points),
        draw(st.floats(0, 4000)),
        draw(st.floats(3600, 60_000)),
        tuple(draw(stops(f"v{number}")) for number in range(count)),
        draw(st.integers(0, count)),
    )


jobs = st.builds(Job, stops("new"), st.sampled_from([1.0, 0.375, 0.125, 0.0]))


@given(routes(), jobs)
def test_the_place_found_costs_no_more_than_any_legal_place(route: Route, job: Job) -> None:
    found = cheapest(route, job)
    places = [place_cost(route, job, at) for at in range(route.pinned, len(route.stops) + 1)]
    costs = [place.cost_seconds for place in places if place is not None]
    if found is None:
        assert costs == []
    else:
        assert found.cost_seconds == min(costs)


@given(routes(), jobs)
def test_what_is_pinned_keeps_its_place_and_its_time(route: Route, job: Job) -> None:
    found = cheapest(route, job)
    if found is not None:
        before = arrivals(route, route.stops)[: route.pinned]
        assert [time for _, time in found.arrivals[: route.pinned]] == before


@given(routes(), jobs)
def test_nobody_works_past_the_end_of_the_shift(route: Route, job: Job) -> None:
    found = cheapest(route, job)
    if found is not None:
        order = [visit_id for visit_id, _ in found.arrivals]
        by_id = {stop.visit_id: stop for stop in (*route.stops, job.stop)}
        assert sorted(order) == sorted(by_id)
        last, reached = found.arrivals[-1]
        assert reached + by_id[last].service_seconds <= route.until_seconds


@given(routes(), jobs)
def test_arrivals_leave_time_for_work_and_way(route: Route, job: Job) -> None:
    found = cheapest(route, job)
    if found is None:
        return
    by_id = {stop.visit_id: stop for stop in (*route.stops, job.stop)}
    for (one, left), (other, reached) in pairwise(found.arrivals):
        way = travel_seconds(by_id[one].place, by_id[other].place)
        assert reached >= left + by_id[one].service_seconds + way - 1e-6


@given(
    st.lists(st.integers(0, 9), unique=True, max_size=6).flatmap(
        lambda names: st.tuples(*(routes(f"t{name}") for name in names))
    ),
    jobs,
)
def test_the_best_few_are_the_cheapest_in_order(routes: tuple[Route, ...], job: Job) -> None:
    found = best_candidates(routes, job)
    every = sorted(one.cost_seconds for route in routes if (one := cheapest(route, job)))
    assert [one.cost_seconds for one in found] == every[:BEST]


@given(points, points)
def test_travel_is_symmetric_and_never_less_than_access(one: Point, other: Point) -> None:
    assert travel_seconds(one, other) == pytest.approx(travel_seconds(other, one))
    assert travel_seconds(one, other) >= ACCESS_SECONDS


def test_ten_kilometres_in_town_take_about_twenty_five_minutes() -> None:
    here, there = Point(31.0, 121.0), Point(31.0 + 10_000 / 111_195, 121.0)
    assert distance_metres(here, there) == pytest.approx(10_000, rel=0.001)
    assert travel_seconds(here, there) == pytest.approx(13_000 / (35 / 3.6) + 180, rel=0.001)


def test_an_urgent_job_goes_to_who_is_free_and_a_calm_one_to_who_passes_by() -> None:
    site = Point(31.2, 121.5)
    work = Stop("long", site, 4 * 3600)
    passing = Route("passing", site, 0, 90_000, (work,), 1)
    free = Route("free", Point(31.25, 121.5), 0, 90_000)
    job = Stop("new", site, 1800)
    assert best_candidates([passing, free], Job(job, 1.0))[0].technician_id == "free"
    assert best_candidates([passing, free], Job(job, 0.0))[0].technician_id == "passing"
