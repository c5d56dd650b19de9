"""Time and chance as values: what every other test builds on."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import ManualClock, SystemClock
from edge_agent.seed import Chance

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def test_wall_time_is_aware_utc_in_whole_milliseconds() -> None:
    odd = datetime(2026, 11, 21, 16, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=8)))
    for clock in (SystemClock(), ManualClock(odd)):
        assert clock.wall().utcoffset() == timedelta(0)
        assert clock.wall().microsecond % 1_000 == 0
    assert ManualClock(odd).wall() == START + timedelta(milliseconds=123)


def test_a_manual_clock_moves_only_when_told_and_elapsed_time_never_jumps() -> None:
    clock = ManualClock(START, elapsed=5.0)
    clock.advance(2.5)
    assert (clock.wall(), clock.elapsed()) == (START + timedelta(seconds=2.5), 7.5)
    clock.jump_wall(-86_400 * 365)
    assert clock.wall() < START
    assert clock.elapsed() == 7.5


def test_a_manual_clock_refuses_to_go_back_and_to_be_naive() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        ManualClock(START).advance(-1)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(START.replace(tzinfo=None))


def test_many_small_advances_lose_no_time() -> None:
    clock = ManualClock(START)
    for _ in range(1_000):
        clock.advance(0.0015)
    assert clock.wall() == START + timedelta(seconds=1.5)


def test_the_system_clock_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.elapsed() <= clock.elapsed()


@given(st.integers())
def test_the_same_seed_draws_the_same(seed: int) -> None:
    def draws() -> list[object]:
        chance = Chance.from_seed(seed)
        return [chance.new_id(), chance.uniform(0, 1), chance.jitter(10), chance.token_bytes(8)]

    assert draws() == draws()


def test_ids_are_32_hexadecimal_digits_of_a_version_4_uuid_and_differ() -> None:
    chance = Chance.system()
    ids = {chance.new_id() for _ in range(100)}
    assert len(ids) == 100
    for new_id in ids:
        assert len(new_id) == 32
        assert int(new_id, 16) >= 0
        assert new_id == new_id.lower()
        assert new_id[12] == "4"


@given(st.floats(0, 1e6), st.floats(0, 1), st.integers())
def test_jitter_stays_within_its_share(seconds: float, share: float, seed: int) -> None:
    moved = Chance.from_seed(seed).jitter(seconds, share)
    assert seconds * (1 - share) <= moved <= seconds * (1 + share) * (1 + 1e-9)


def test_what_is_certain_happens_and_what_is_impossible_does_not() -> None:
    chance = Chance.from_seed(1)
    assert all(chance.happens(1.0) for _ in range(100))
    assert not any(chance.happens(0.0) for _ in range(100))
