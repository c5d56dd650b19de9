"""The arithmetic of clocks: what no order of events can break, in real, business and day time."""

from datetime import datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from fleet_server.service_levels.calendars import Calendar
from fleet_server.service_levels.clocks import (
    Reading,
    Step,
    StepKind,
    after,
    escalation_at,
    instant_of,
    is_late,
    replayed,
    started,
)
from fleet_server.service_levels.scales import REAL, Scales
from tests.fleet_server.service_levels.calendars_given import (
    KINDS,
    START,
    calendars,
    histories,
    is_legal,
    scales_of,
    timebases,
)

TARGET = 900.0
PLAIN = scales_of()
AMOUNTS = {StepKind.RETARGETED: 600.0, StepKind.WARNED: 50.0}
NO_PROMISE = [kind for kind in KINDS if kind is not StepKind.PROMISED]

Story = tuple[list[Step], Scales]


@st.composite
def stories(draw: st.DrawFn, kinds: list[StepKind] | None = None) -> Story:
    calendar = draw(calendars().filter(is_legal))
    timebase = draw(timebases(calendar))
    return draw(histories(timebase, kinds)), scales_of(calendar)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def walk(*steps: tuple[StepKind, float]) -> Reading:
    history = [Step(StepKind.STARTED, START, TARGET)]
    history += [Step(kind, at(seconds), AMOUNTS.get(kind, 0.0)) for kind, seconds in steps]
    return replayed(history, PLAIN)


@given(stories(), st.integers(1, 12))
def test_a_breach_is_never_erased_and_its_due_instant_stands(story: Story, cut: int) -> None:
    history, scales = story
    early = replayed(history[:cut], scales)
    late = replayed(history, scales)
    if early.breached_at is not None:
        assert late.breached_at == early.breached_at
        assert late.due_at == early.due_at


@given(stories())
def test_a_stopped_clock_changes_no_more(story: Story) -> None:
    history, scales = story
    stopped = after(replayed(history, scales), Step(StepKind.STOPPED, history[-1].at), scales)
    later = Step(StepKind.RETARGETED, history[-1].at + timedelta(days=9), 1.0)
    assert after(stopped, later, scales) == stopped


@given(stories())
def test_a_stopped_clock_was_met_exactly_when_it_was_not_breached(story: Story) -> None:
    history, scales = story
    reading = replayed(history, scales)
    if reading.stopped_at is not None:
        assert reading.met is (reading.breached_at is None)


@given(stories(NO_PROMISE))
def test_due_is_start_and_target_and_paused_time_on_the_scale_until_the_breach(
    story: Story,
) -> None:
    history, scales = story
    reading = replayed(history, scales)
    if reading.breached_at is None:
        run = reading.target_seconds + reading.paused_seconds
        assert reading.due_at == scales(reading.timebase).add(reading.begun_at, run)


@given(stories([StepKind.PAUSED, StepKind.RESUMED]))
def test_due_moves_only_by_what_was_paused(story: Story) -> None:
    history, scales = story
    reading = replayed(history, scales)
    untouched = replayed(history[:1], scales)
    if reading.paused_seconds == 0:
        assert reading.due_at == untouched.due_at
    else:
        assert reading.due_at >= untouched.due_at


@given(stories())
def test_a_promise_moves_with_nothing_but_another_promise(story: Story) -> None:
    history, scales = story
    reading = replayed(history, scales)
    if reading.promised_at is None:
        return
    given_at = reading.promised_at
    promises = [s for s in history if s.kind is StepKind.PROMISED and s.at == given_at]
    assert reading.due_at in {step.until for step in promises}


@given(stories())
def test_warnings_come_in_order_and_before_the_due_instant(story: Story) -> None:
    history, scales = story
    reading = replayed(history[:1], scales)
    instants = [instant_of(reading, percent, scales) for percent in (50, 75, 90, 100)]
    assert instants == sorted(instants)
    assert instants[-1] == reading.due_at


@given(calendars().filter(is_legal), st.data())
def test_adding_a_day_off_never_makes_a_due_time_earlier(
    calendar: Calendar, data: st.DataObject
) -> None:
    timebase = data.draw(timebases(calendar))
    history = data.draw(histories(timebase, [StepKind.RETARGETED]))
    off = data.draw(st.dates(history[0].at.date(), history[0].at.date() + timedelta(days=20)))
    assume(off not in calendar.days_off)
    more = Calendar(
        **{
            name: getattr(calendar, name)
            for name in calendar.__struct_fields__
            if name != "days_off"
        },
        days_off=[*calendar.days_off, off],
    )
    before = replayed(history[:1], scales_of(calendar))
    assert replayed(history[:1], scales_of(more)).due_at >= before.due_at


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


def test_a_paused_clock_is_never_late_unless_it_was_promised() -> None:
    paused = walk((StepKind.PAUSED, 100))
    assert not is_late(paused, at(10_000))
    assert is_late(walk(), at(TARGET + 1))
    promised = after(paused, Step(StepKind.PROMISED, at(200), until=at(5_000)), PLAIN)
    assert is_late(promised, at(5_001))


def test_warnings_lie_on_the_share_of_the_target_after_pauses() -> None:
    paused = walk((StepKind.PAUSED, 0), (StepKind.RESUMED, 300))
    assert instant_of(paused, 50, PLAIN) == at(300 + TARGET / 2)
    assert instant_of(started(START, TARGET, REAL, PLAIN), 100, PLAIN) == at(TARGET)


def test_a_breach_is_told_further_up_until_somebody_answers() -> None:
    waits = [timedelta(seconds=60), timedelta(seconds=600)]
    breached = walk((StepKind.BREACHED, TARGET + 1))
    assert escalation_at(breached, waits) == at(TARGET + 60)
    told = after(breached, Step(StepKind.ESCALATED, at(TARGET + 61), 1), PLAIN)
    assert escalation_at(told, waits) == at(TARGET + 600)
    answered = after(told, Step(StepKind.ACKNOWLEDGED, at(TARGET + 90)), PLAIN)
    assert escalation_at(answered, waits) is None
    assert answered.breached_at == at(TARGET)


def test_what_the_policy_asks_for_stands_beside_a_promise() -> None:
    promised = after(walk(), Step(StepKind.PROMISED, at(10), until=at(9_000)), PLAIN)
    assert (promised.policy_due_at, promised.due_at) == (at(TARGET), at(9_000))
