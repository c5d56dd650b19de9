"""The simulated region: repeatable, honest, and no policy can break its rules."""

import itertools

import pytest

from fleet_server.dispatch.solvers.engines import Engine
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.service_levels.rules import Priority
from simulators.dispatch.figures import Share, counted, figures_of
from simulators.dispatch.hindsight import in_hindsight
from simulators.dispatch.play import Played, Policy, Said, play
from simulators.dispatch.policies import Planned, earliest_due, first_come, nearest
from simulators.dispatch.scenario import DAY_SECONDS, Outcome, Scenario, drawn
from simulators.dispatch.warnings import warned

PEOPLE, LOAD = 5, 0.8
MAKERS = [first_come, nearest, earliest_due, lambda: Planned("insertion")]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return drawn(PEOPLE, LOAD, seed=3)


@pytest.mark.parametrize("make", MAKERS)
def test_nobody_does_what_they_cannot_or_would_not(make: type[Policy], scenario: Scenario) -> None:
    people = {person.id: person for person in scenario.people}
    played = play(scenario, make())
    assert played.arrivals
    for one in played.arrivals:
        assert one.case.kind in people[one.person_id].skills
        assert not scenario.declines(one.case.id, one.person_id)


@pytest.mark.parametrize("make", MAKERS)
def test_nobody_is_in_two_places_and_nothing_begins_before_it_is_known(
    make: type[Policy], scenario: Scenario
) -> None:
    played = play(scenario, make())
    for person in scenario.people:
        mine = [one for one in played.arrivals if one.person_id == person.id]
        mine.sort(key=lambda one: one.left_seconds)
        for one, following in itertools.pairwise(mine):
            done = one.arrived_seconds + one.case.true_seconds
            assert following.left_seconds >= done - 1e-6
        for one in mine:
            assert one.left_seconds >= one.case.opened_seconds
            assert person.begins <= one.left_seconds % DAY_SECONDS < person.ends


@pytest.mark.parametrize("make", MAKERS)
def test_every_fault_is_reached_once_or_counted_as_unserved(
    make: type[Policy], scenario: Scenario
) -> None:
    played = play(scenario, make())
    reached = [one.case.id for one in played.arrivals]
    assert len(reached) == len(set(reached))
    first = {one for one in reached if not one.endswith("+")}
    left = {one.id for one in played.unserved if not one.id.endswith("+")}
    assert first | left == {case.id for case in scenario.cases}
    assert not first & left


def test_a_visit_that_could_not_end_the_work_is_followed_by_another(scenario: Scenario) -> None:
    played = play(scenario, nearest())
    unfinished = {one.case.id for one in played.arrivals if one.case.outcome is not Outcome.DONE}
    again = {one.case.id for one in played.arrivals} | {one.id for one in played.unserved}
    early = {
        one.case.id
        for one in played.arrivals
        if one.case.id in unfinished and one.arrived_seconds < 0.6 * DAY_SECONDS
    }
    assert {f"{key}+" for key in early} <= again


def test_the_same_seed_and_iterations_give_the_same_day() -> None:
    found = []
    for _ in range(2):
        solvers = SolverPool([Engine.PYVRP], processes=1)
        try:
            found.append(play(drawn(4, 0.7, seed=5), Planned("pyvrp", solvers)).arrivals)
        finally:
            solvers.close()
    assert found[0] == found[1]


def test_every_policy_meets_the_same_world() -> None:
    one, other = drawn(PEOPLE, LOAD, seed=3), drawn(PEOPLE, LOAD, seed=3)
    assert one == other
    assert drawn(PEOPLE, LOAD, seed=4) != one


def test_hindsight_begins_nothing_before_it_was_opened(scenario: Scenario) -> None:
    played = in_hindsight(scenario, 0.5, SolverPool(()))
    for one in played.arrivals:
        assert one.arrived_seconds >= one.case.opened_seconds


def test_a_fault_nobody_reached_counts_as_late_until_the_end(scenario: Scenario) -> None:
    nothing = Played("idle", scenario, (), scenario.cases, 0)
    figures = figures_of([nothing])
    assert figures.all_on_time.percent == 0
    assert figures.all_on_time.of == len(list(counted(nothing)))
    assert figures.weighted_late_hours > 0
    assert set(figures.on_time) == set(Priority)


def test_an_interval_holds_its_share_and_narrows_with_numbers() -> None:
    few, many = Share(9, 10), Share(900, 1000)
    assert few.interval[0] < few.percent < few.interval[1]
    assert many.interval[1] - many.interval[0] < few.interval[1] - few.interval[0]


def test_warnings_are_judged_by_what_came_of_them(scenario: Scenario) -> None:
    late, punctual = scenario.cases[:2]
    whole = play(scenario, nearest())
    reached = [one for one in whole.arrivals if one.is_on_time]
    said = (Said(late.id + "?", 0.9, by_rule=False), Said(reached[0].case.id, 0.1, by_rule=True))
    found = warned([Played("x", scenario, whole.arrivals, (), 0, said)])
    assert punctual.id != late.id
    assert (found.recall, found.precision) == (1.0, 1.0)
    assert (found.rule_recall, found.rule_precision) == (0.0, 0.0)
    assert found.brier == pytest.approx(0.01)
