"""The arithmetic of clocks: what no order of events can break."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.service_levels.clocks import (
    Reading,
    Step,
    StepKind,
    after,
    instant_of,
    is_late,
    replayed,
    started,
)

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TARGET = 900.0

AMOUNTS = {StepKind.RETARGETED: 600.0, StepKind.WARNED: 50.0}
KINDS = [kind for kind in StepKind if kind is not StepKind.STARTED]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def walk(*steps: tuple[StepKind, float]) -> Reading:
    return replayed(
        [
            Step(StepKind.STARTED, START, TARGET),
            *(Step(kind, at(seconds), AMOUNTS.get(kind, 0.0)) for kind, seconds in steps),
        ]
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    gaps = draw(st.lists(st.integers(0, 700), max_size=12))
    steps, now = [Step(StepKind.STARTED, START, TARGET)], 0
    for gap in gaps:
        now += gap
        kind = draw(st.sampled_from(KINDS))
        steps.append(Step(kind, at(now), AMOUNTS.get(kind, 0.0)))
    return steps


@given(histories(), st.integers(1, 12))
def test_a_breach_is_never_erased_and_its_due_instant_stands(history: list[Step], cut: int) -> None:
    early = replayed(history[:cut])
    late = replayed(history)
    if early.breached_at is not None:
        assert late.breached_at == early.breached_at
        assert late.due_at == early.due_at


@given(histories())
def test_a_stopped_clock_changes_no_more(history: list[Step]) -> None:
    reading = replayed(history)
    stopped = after(reading, Step(StepKind.STOPPED, history[-1].at))
    later = Step(StepKind.RETARGETED, history[-1].at + timedelta(days=9), 1.0)
    assert after(stopped, later) == stopped


@given(histories())
def test_a_stopped_clock_was_met_exactly_when_it_was_not_breached(history: list[Step]) -> None:
    reading = replayed(history)
    if reading.stopped_at is not None:
        assert reading.met is (reading.breached_at is None)


@given(histories())
def test_due_is_start_and_target_and_paused_time_until_the_breach(history: list[Step]) -> None:
    reading = replayed(history)
    if reading.breached_at is None:
        run = reading.target_seconds + reading.paused_seconds
        assert reading.due_at == reading.started_at + timedelta(seconds=run)


def test_exactly_on_time_is_on_time_and_a_millisecond_later_is_not() -> None:
    on_time = walk((StepKind.STOPPED, TARGET))
    late = walk((StepKind.STOPPED, TARGET + 0.001))
    assert (on_time.met, late.met) == (True, False)
    assert late.breached_at == at(TARGET)


def test_a_pause_moves_the_due_instant_and_a_new_target_keeps_the_pause() -> None:
    reading = walk((StepKind.PAUSED, 100), (StepKind.RESUMED, 400), (StepKind.RETARGETED, 450))
    assert reading.due_at == at(300 + 600)


def test_a_pause_after_the_breach_changes_nothing() -> None:
    reading = walk(
        (StepKind.PAUSED, TARGET + 1), (StepKind.RESUMED, 5000), (StepKind.STOPPED, 5001)
    )
    assert reading.due_at == at(TARGET)
    assert reading.met is False


def test_a_paused_clock_is_never_late() -> None:
    assert not is_late(walk((StepKind.PAUSED, 100)), at(10_000))
    assert is_late(walk(), at(TARGET + 1))


def test_warnings_lie_on_the_share_of_the_target_after_pauses() -> None:
    paused = walk((StepKind.PAUSED, 0), (StepKind.RESUMED, 300))
    assert instant_of(paused, 50) == at(300 + TARGET / 2)
    assert instant_of(started(START, TARGET), 100) == at(TARGET)
