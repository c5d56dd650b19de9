"""Travel for a plan: cached, bounded, marked where it is an estimate, never waited for long."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from fleet_server.clock import ManualClock
from fleet_server.dispatch.maps.errors import MapUnreachableError
from fleet_server.dispatch.maps.osrm import Osrm
from fleet_server.dispatch.maps.tables import REST_SECONDS, TIME_LIMIT_SECONDS, TravelTables
from fleet_server.dispatch.planner.travel import Estimate, Place
from tests.fleet_server.dispatch.maps.stand_in import osrm, said, serving

ESTIMATE = Estimate()


def places(count: int) -> list[Place]:
    return [Place(31.0 + number / 1000, 121.0) for number in range(count)]


class CountingMap:
    """A map that drives 100 s between any two places, and takes its time to say so."""

    url = "http://counting"
    side_max = 2

    def __init__(self, clock: ManualClock, takes_seconds: float = 0.0) -> None:
        self.tables = 0
        self.driving: float | None = 100.0
        self.is_down = False
        self._clock = clock
        self._takes_seconds = takes_seconds

    def table(
        self, sources: Sequence[Place], targets: Sequence[Place], seconds: float
    ) -> list[list[float | None]]:
        self.tables += 1
        self._clock.advance(min(self._takes_seconds, seconds))
        if self.is_down or self._takes_seconds > seconds:
            raise MapUnreachableError(self.url, "is down")
        return [[self.driving for _ in targets] for _ in sources]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 25, tzinfo=UTC))


def test_what_is_known_is_not_asked_for_again(clock: ManualClock) -> None:
    server = CountingMap(clock)
    tables = TravelTables(server, clock)
    first = tables.travel(places(4), ESTIMATE)
    assert server.tables == 4
    assert not first.is_estimate
    assert first.seconds(*places(2)) == 100.0 + ESTIMATE.access_seconds
    assert tables.travel(places(3), ESTIMATE).driving.items() <= first.driving.items()
    assert server.tables == 4


def test_places_eleven_metres_apart_are_one_for_the_map(clock: ManualClock) -> None:
    server = CountingMap(clock)
    near = [Place(31.00001, 121.0), Place(31.00002, 121.0)]
    travel = TravelTables(server, clock).travel(near, ESTIMATE)
    assert server.tables == 0
    assert travel.seconds(*near) == ESTIMATE.access_seconds


def test_the_time_limit_is_one_for_all_requests_and_the_rest_is_estimated(
    clock: ManualClock,
) -> None:
    server = CountingMap(clock, takes_seconds=TIME_LIMIT_SECONDS / 2)
    travel = TravelTables(server, clock).travel(places(8), ESTIMATE)
    assert server.tables == 2
    assert clock.elapsed() <= TIME_LIMIT_SECONDS
    assert travel.is_estimate
    far = places(8)
    assert travel.seconds(far[6], far[7]) == ESTIMATE.seconds(far[6], far[7])


def test_a_map_that_failed_is_left_in_peace_for_a_minute(clock: ManualClock) -> None:
    server = CountingMap(clock)
    server.is_down = True
    tables = TravelTables(server, clock)
    assert tables.travel(places(2), ESTIMATE).is_estimate
    server.is_down = False
    assert tables.travel(places(2), ESTIMATE).is_estimate
    assert server.tables == 1
    clock.advance(REST_SECONDS)
    assert not tables.travel(places(2), ESTIMATE).is_estimate


def test_the_cache_forgets_what_was_longest_unused(clock: ManualClock) -> None:
    server = CountingMap(clock)
    tables = TravelTables(server, clock, pairs_max=4)
    old, new = places(4)[:2], places(4)[2:]
    tables.travel(old, ESTIMATE)
    tables.travel(new, ESTIMATE)
    tables.travel(new, ESTIMATE)
    assert server.tables == 2
    tables.travel(old, ESTIMATE)
    assert server.tables == 3


def test_no_way_is_an_answer_that_is_estimated_and_not_asked_for_again(clock: ManualClock) -> None:
    server = CountingMap(clock)
    server.driving = None
    tables = TravelTables(server, clock)
    assert tables.travel(places(2), ESTIMATE).estimated_pairs == 2
    assert tables.travel(places(2), ESTIMATE).estimated_pairs == 2
    assert server.tables == 1


@pytest.mark.parametrize("driving", [-1.0, float("nan"), float("inf")])
def test_times_that_are_none_are_refused(clock: ManualClock, driving: float) -> None:
    server = CountingMap(clock)
    server.driving = driving
    assert TravelTables(server, clock).travel(places(2), ESTIMATE).is_estimate


def test_without_a_map_everything_is_an_estimate(clock: ManualClock) -> None:
    travel = TravelTables(None, clock).travel(places(3), ESTIMATE)
    assert travel.estimated_pairs == 6
    assert travel.seconds(*places(2)) == ESTIMATE.seconds(*places(2))


def test_a_real_server_answers_tables_larger_than_it_takes_at_once(clock: ManualClock) -> None:
    with serving(osrm) as stand_in:
        server = Osrm(stand_in.url, clock)
        travel = TravelTables(server, clock).travel(places(60), ESTIMATE)
        server.close()
    assert len(stand_in.asked) == 4
    assert not travel.is_estimate
    first, *_, last = places(60)
    assert travel.seconds(first, last) == pytest.approx(0.059 * 111_000 / 10 + 180, abs=0.1)


def test_a_table_of_other_places_becomes_an_estimate(clock: ManualClock) -> None:
    with serving(said(b'{"code":"Ok","durations":[[0,1,2]]}')) as stand_in:
        server = Osrm(stand_in.url, clock)
        travel = TravelTables(server, clock).travel(places(2), ESTIMATE)
        server.close()
    assert travel.estimated_pairs == 2
