"""Breach risk: 200 draws of a route, with chance passed in."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.dispatch.planner.insertion import best_candidates
from fleet_server.dispatch.planner.problem import Job, Plan, Problem, TechnicianDay, sigma_of
from fleet_server.dispatch.planner.risk import route_risk, with_risk
from fleet_server.dispatch.planner.travel import Place
from fleet_server.seed import Chance

SITE = Place(31.2, 121.5)
DAY = TechnicianDay("d", "ann", Place(31.25, 121.5), 0.0, 8 * 3600.0)
JOBS = tuple(Job(f"j{number}", SITE, 1800.0) for number in range(4))
PROBLEM = Problem(JOBS, (DAY,), previous=Plan({"d": tuple(job.id for job in JOBS)}))


def late(due: float, seed: int = 1) -> float:
    last = replace(JOBS[-1], latest_start_seconds=due)
    return route_risk(PROBLEM, DAY, (*JOBS[:-1], last), Chance.from_seed(seed))[-1].late_probability


def test_the_same_seed_draws_the_same_risk() -> None:
    one, other = (route_risk(PROBLEM, DAY, JOBS, Chance.from_seed(7)) for _ in range(2))
    assert one == other


def test_more_time_is_less_risk_from_certain_to_none() -> None:
    risks = [late(due) for due in (0.0, 6000.0, 7500.0, 9000.0, 40_000.0)]
    assert risks == sorted(risks, reverse=True)
    assert (risks[0], risks[-1]) == (1.0, 0.0)
    assert 0.05 < risks[2] < 0.95


def test_risk_grows_along_a_route_and_its_quantile_lies_after_the_middle() -> None:
    risks = route_risk(PROBLEM, DAY, JOBS, Chance.from_seed(3))
    arrivals = [one.arrival_p80_seconds for one in risks]
    assert arrivals == sorted(arrivals)
    assert all(one.late_probability == 0.0 for one in risks)


def test_work_that_never_varies_on_ways_that_do_is_late_as_often_as_the_way_is() -> None:
    steady = Job("s", Place(31.4, 121.5), 1800.0, service_sigma=0.0)
    way = PROBLEM.travel.seconds(DAY.start, steady.place)
    due = replace(steady, latest_start_seconds=way)
    (risk,) = route_risk(PROBLEM, DAY, (due,), Chance.from_seed(1), draws=2000)
    assert risk.late_probability == pytest.approx(0.46, abs=0.05)  # a mean above the median


def test_candidates_are_told_how_likely_they_are_late() -> None:
    new = Job("new", SITE, 1800.0, latest_start_seconds=9000.0)
    found = best_candidates(PROBLEM, new)
    (filled,) = with_risk(PROBLEM, found, (*JOBS, new), Chance.from_seed(1))
    assert found[0].late_probability is None
    assert filled.late_probability is not None
    assert 0.0 <= filled.late_probability <= 1.0


@given(st.floats(60.0, 20_000.0), st.floats(0.01, 0.8))
def test_a_spread_is_found_again_from_its_quantile(expected: float, sigma: float) -> None:
    job = Job("j", SITE, expected, service_sigma=sigma)
    assert sigma_of(expected, job.service_p80_seconds) == pytest.approx(sigma, abs=1e-6)


def test_the_resolution_clock_keeps_the_work_free_that_four_of_five_need() -> None:
    job = Job("j", SITE, 3000.0, service_sigma=0.4, resolve_by_seconds=10_000.0)
    assert job.service_p80_seconds > job.service_seconds
    assert job.due_seconds == 10_000.0 - job.service_p80_seconds
    assert replace(job, latest_start_seconds=100.0).due_seconds == 100.0
