"""When a shelf is at rest, at every pace of polling, and when its weight is none."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import ManualClock
from edge_agent.drivers.readings import DeviceFailure, WeightReading
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.selling.scales import REST_GRAMS, REST_SECONDS, Scales
from edge_agent.store import Store
from tests.edge_agent.model_server import START

STALE_SECONDS = 10.0


class Shelf:
    """One scale that is read at its pace."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(START, elapsed=100.0)
        store = Store.open(directory, (), now=START)
        time = Timekeeper(store, self.clock, trusted=True)
        self.scales = Scales(time, stale_seconds=STALE_SECONDS)

    def read(
        self, grams: float | None, *, every: float = 0.5, stable: bool | None = None
    ) -> float | None:
        self.clock.advance(every)
        at = self.clock.elapsed()
        full = grams is not None and grams > 9_000
        reading = WeightReading(
            "s", "top", grams, stable, over_capacity=full, at_rail=False, at_elapsed=at
        )
        self.scales.observe(reading)
        return self.scales.at_rest("top")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.mark.parametrize("every", [0.01, 0.05, 0.2, 0.25, 1.0, 3.0])
def test_a_shelf_that_stands_still_comes_to_rest_at_any_pace_of_polling(
    shelf: Shelf, every: float
) -> None:
    polls = int(REST_SECONDS / every) + 4
    assert [shelf.read(1_000.0 + number % 2, every=every) for number in range(polls)][-1] == (
        pytest.approx(1_000.5, abs=1.0)
    )


def test_a_swinging_shelf_is_not_at_rest_until_it_has_stood_long_enough(shelf: Shelf) -> None:
    for number in range(20):
        assert shelf.read(1_000.0 + 2 * REST_GRAMS * (number % 2)) is None
    told = [shelf.read(1_000.0) for _ in range(6)]
    assert told[0] is None
    assert told[-1] == 1_000.0


def test_a_transmitter_that_knows_when_it_is_stable_is_believed(shelf: Shelf) -> None:
    assert shelf.read(500.0, stable=True) == 500.0
    assert shelf.read(500.0, stable=False) is None


def test_what_is_no_weight_is_never_at_rest(shelf: Shelf) -> None:
    for _ in range(10):
        assert shelf.read(None) is None
    for _ in range(10):
        assert shelf.read(9_500.0) is None


def test_a_shelf_long_unread_or_silent_is_unknown(shelf: Shelf) -> None:
    for _ in range(10):
        shelf.read(700.0)
    shelf.clock.advance(STALE_SECONDS + 1)
    assert shelf.scales.at_rest("top") is None
    for _ in range(10):
        shelf.read(700.0)
    at = shelf.clock.elapsed()
    shelf.scales.observe(DeviceFailure("s", "scale", "NoAnswerError", "", 1, ("top",), at))
    assert shelf.scales.at_rest("top") is None


def test_only_readings_after_the_door_was_shut_count(shelf: Shelf) -> None:
    for _ in range(10):
        shelf.read(700.0)
    shut_at = shelf.clock.elapsed()
    assert shelf.scales.at_rest("top", after=shut_at) is None
    for _ in range(6):
        shelf.read(450.0)
    assert shelf.scales.at_rest("top", after=shut_at) == 450.0


@given(st.lists(st.floats(0, 5_000), min_size=1, max_size=60))
def test_a_weight_at_rest_is_within_the_newest_readings(weights: list[float]) -> None:
    clock = ManualClock(START, elapsed=1.0)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder), (), now=START)
        scales = Scales(Timekeeper(store, clock, trusted=True), stale_seconds=STALE_SECONDS)
        store.close()
    for grams in weights:
        clock.advance(0.5)
        at = clock.elapsed()
        scales.observe(
            WeightReading(
                "s", "top", grams, None, over_capacity=False, at_rail=False, at_elapsed=at
            )
        )
    told = scales.at_rest("top")
    if told is not None:
        assert abs(told - weights[-1]) <= REST_GRAMS
