"""Travel by estimate, by table, and the factor that arrivals teach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.dispatch.planner.travel import (
    ACCESS_SECONDS,
    ARRIVALS_MIN,
    FACTOR_MAX,
    Estimate,
    Place,
    TableTravel,
    Way,
    distance_metres,
    learnt_factor,
)
from tests.fleet_server.dispatch.planner.drawn import places, unhurried

HERE = Place(31.0, 121.0)
METRES_PER_DEGREE = 111_195


def north(metres: float) -> Place:
    return Place(31.0 + metres / METRES_PER_DEGREE, 121.0)


@given(places, places)
def test_travel_is_symmetric_and_never_less_than_access(one: Place, other: Place) -> None:
    there, back = (Estimate().seconds(*pair) for pair in ((one, other), (other, one)))
    assert there == pytest.approx(back)
    assert there >= ACCESS_SECONDS


@given(places, places, places)
def test_a_stop_on_the_way_never_makes_a_way_shorter(one: Place, other: Place, by: Place) -> None:
    way = Estimate().seconds
    assert way(one, by) + way(by, other) >= way(one, other) - 1e-6


def test_ten_kilometres_in_town_take_about_twenty_five_minutes() -> None:
    there = north(10_000)
    assert distance_metres(HERE, there) == pytest.approx(10_000, rel=0.001)
    assert Estimate().seconds(HERE, there) == pytest.approx(13_000 / (35 / 3.6) + 180, rel=0.001)


def test_beyond_fifteen_kilometres_of_road_one_is_outside_the_town() -> None:
    near, far = Estimate().seconds(HERE, north(20_000)), Estimate().seconds(HERE, north(30_000))
    assert far - near == pytest.approx(13_000 / (70 / 3.6), rel=0.001)


def test_what_a_table_lacks_is_estimated_and_marked() -> None:
    there = north(10_000)
    table = TableTravel({(HERE, there): 600.0}, estimated_pairs=1)
    assert table.is_estimate
    assert table.seconds(HERE, there) == 600.0 + ACCESS_SECONDS
    assert table.seconds(there, HERE) == Estimate().seconds(there, HERE)
    assert not TableTravel({(HERE, there): 600.0}).is_estimate


def ways(count: int, slower: float) -> list[Way]:
    driving = Estimate(access_seconds=0.0).seconds(HERE, north(9_000))
    return [Way(HERE, north(9_000), driving * slower + ACCESS_SECONDS)] * count


def test_a_factor_is_believed_only_after_twenty_arrivals() -> None:
    assert learnt_factor(ways(ARRIVALS_MIN - 1, 2.0)) == 1.0
    assert 1.0 < learnt_factor(ways(ARRIVALS_MIN, 2.0)) < 2.0
    assert learnt_factor(ways(2000, 2.0)) == pytest.approx(2.0, rel=0.01)


def test_one_lunch_on_the_way_does_not_move_the_factor() -> None:
    lunch = Way(HERE, north(9_000), 3 * 3600.0)
    assert learnt_factor([*ways(60, 1.0), lunch]) == pytest.approx(1.0)


@unhurried
@given(st.floats(0.01, 50.0))
def test_a_factor_stays_within_what_traffic_can_do(slower: float) -> None:
    assert 0.5 <= learnt_factor(ways(1000, slower)) <= FACTOR_MAX


def test_short_ways_teach_nothing() -> None:
    assert learnt_factor([Way(HERE, north(500), 3600.0)] * 50) == 1.0
