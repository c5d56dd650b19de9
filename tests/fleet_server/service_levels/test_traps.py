"""The twelve traps others fell into (requirements, section 4, test list a to l), each a test."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from fleet_server.auth.rules import Role
from fleet_server.notifications.rules import Urgency
from fleet_server.service_levels import service
from fleet_server.service_levels.clocks import (
    Reading,
    Step,
    StepKind,
    after,
    instant_of,
    replayed,
    started,
)
from fleet_server.service_levels.errors import DueInThePastError
from fleet_server.service_levels.presets import newest, newest_calendar
from fleet_server.service_levels.queries import clocks_of, reading_of, scales, steps_of
from fleet_server.service_levels.rules import Priority, Subject
from fleet_server.service_levels.scales import DAY_SECONDS
from fleet_server.transactions import Transaction
from tests.desk import Desk
from tests.fleet_server.service_levels.calendars_given import scales_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = newest_calendar("cn-office")
HOTLINE = newest_calendar("cn-hotline")
WORKING = newest_calendar("cn-working-days")
SCALES = scales_of(OFFICE, HOTLINE, WORKING)
BY_OFFICE, BY_HOTLINE = "business:cn-office@1", "business:cn-hotline@1"
BY_DAYS = "working_days:cn-working-days@1"
HOUR = 3600.0

CASE = Subject("case", "complaint", Priority.P2)
OWNER = service.Owner("case", "c1", "role:supervisor")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def walk(reading: Reading, *steps: tuple[StepKind, str]) -> Reading:
    for kind, text in steps:
        reading = after(reading, Step(kind, local(text)), SCALES)
    return reading


def test_a_due_is_target_and_paused_business_time_not_wall_clock_time_on_hold() -> None:
    begun = started(local("2026-03-02 16:00"), 4 * HOUR, BY_OFFICE, SCALES)
    # On hold from 17:00 to 10:00 of the next day: an hour before closing, an hour after opening.
    held = walk(
        begun, (StepKind.PAUSED, "2026-03-02 17:00"), (StepKind.RESUMED, "2026-03-03 10:00")
    )
    assert held.paused_seconds == 2 * HOUR
    assert held.due_at == local("2026-03-03 14:00")
    night = walk(
        begun, (StepKind.PAUSED, "2026-03-02 19:00"), (StepKind.RESUMED, "2026-03-03 08:00")
    )
    assert night.due_at == begun.due_at


def test_b_a_change_of_priority_keeps_the_collected_pause() -> None:
    begun = started(local("2026-03-02 09:00"), 8 * HOUR, BY_OFFICE, SCALES)
    held = walk(
        begun, (StepKind.PAUSED, "2026-03-02 10:00"), (StepKind.RESUMED, "2026-03-02 12:00")
    )
    hurried = after(held, Step(StepKind.RETARGETED, local("2026-03-02 13:00"), 4 * HOUR), SCALES)
    assert hurried.paused_seconds == 2 * HOUR
    assert hurried.due_at == local("2026-03-02 16:00")


def test_c_a_promise_somebody_gave_is_not_moved_by_pauses(desk: Desk) -> None:
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
        promised = tx.now.replace(hour=22)
        service.promise(tx, OWNER, CASE, "resolved", promised)
        service.entered(tx, "case", ["c1"], "waiting_customer")
    desk.wait(7200)
    with desk.server.transactions.write("system:test") as tx:
        service.entered(tx, "case", ["c1"], "handling")
        found = {clock.name: clock for clock in _clocks(tx)}
        assert found["resolution"].due_at == found["promise"].due_at == promised
        assert found["resolution"].paused_seconds == 7200
        assert found["resolution"].policy_due_at > promised
        with pytest.raises(DueInThePastError):
            service.promise(tx, OWNER, CASE, "resolved", tx.now)


def test_d_the_next_response_runs_only_while_the_customer_spoke_last(desk: Desk) -> None:
    def say(event: str) -> None:
        with desk.server.transactions.write("system:test") as tx:
            service.start(tx, OWNER, CASE, event, newest("strict"))
            service.happened(tx, "case", "c1", event)

    for event in ("customer_spoke", "customer_spoke", "responded", "customer_spoke"):
        say(event)
        desk.wait(60)
    with desk.server.transactions.read() as tx:
        running = [
            clock.stopped_at is None for clock in _clocks(tx) if clock.name == "next_response"
        ]
        assert running == [False, True]


def test_e_warnings_use_the_same_calendar_as_the_due_time() -> None:
    begun = started(local("2026-03-06 17:00"), 2 * HOUR, BY_OFFICE, SCALES)
    assert instant_of(begun, 50, SCALES) == local("2026-03-06 18:00")
    assert instant_of(begun, 75, SCALES) == local("2026-03-09 09:30")
    assert begun.due_at == local("2026-03-09 10:00")


def test_f_only_what_is_urgent_is_told_outside_hours(desk: Desk) -> None:
    """Quiet hours are kept by `notifications`; here: which reminders count as urgent."""
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
    desk.wait(450)
    desk.wait(360)
    told = _urgencies(desk, "acknowledge")
    assert told == [Urgency.NORMAL, Urgency.URGENT]


def test_g_closing_or_reopening_never_erases_a_breach(desk: Desk) -> None:
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
    desk.wait(901)
    with desk.server.transactions.write("system:test") as tx:
        service.happened(tx, "case", "c1", "closed")
        service.start(tx, OWNER, CASE, "reopened", newest("strict"))
    with desk.server.transactions.read() as tx:
        first, second = [clock for clock in _clocks(tx) if clock.name == "acknowledge"]
        assert (first.met, first.breached_at) == (False, first.due_at)
        assert second.breached_at is None


def test_h_elapsed_time_starts_at_the_first_working_minute() -> None:
    begun = started(local("2026-03-02 02:00"), HOUR, BY_HOTLINE, SCALES)
    assert begun.begun_at == local("2026-03-02 08:00")
    assert begun.due_at == local("2026-03-02 09:00")
    assert instant_of(begun, 50, SCALES) == local("2026-03-02 08:30")


def test_i_due_times_of_ended_clocks_never_change(desk: Desk) -> None:
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
        service.happened(tx, "case", "c1", "closed")
        before = [reading_of(clock) for clock in _clocks(tx)]
    _publish_a_day_off(desk, date(2026, 3, 5))
    with desk.server.transactions.write("system:test") as tx:
        service.retarget(tx, OWNER, Subject("case", "complaint", Priority.P1))
        service.entered(tx, "case", ["c1"], "waiting_customer")
        assert [reading_of(clock) for clock in _clocks(tx)] == before


def test_j_recomputing_from_the_history_gives_the_stored_values(desk: Desk) -> None:
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
    desk.wait(5_000)
    with desk.server.transactions.write("system:test") as tx:
        service.entered(tx, "case", ["c1"], "waiting_customer")
        service.promise(tx, OWNER, CASE, "result_told", tx.now.replace(hour=23))
    _publish_a_day_off(desk, date(2026, 3, 5))
    desk.wait(90_000, steps=3)
    with desk.server.transactions.read() as tx:
        for clock in _clocks(tx):
            again = replayed(steps_of(tx.session, clock.id), scales(tx.session))
            assert again == reading_of(clock), clock.name


def test_k_nights_lunches_make_up_saturdays_and_years_without_published_holidays() -> None:
    night = started(local("2026-03-02 23:30"), 2 * HOUR, BY_HOTLINE, SCALES)
    assert night.due_at == local("2026-03-03 08:30")
    lunch = started(local("2026-03-02 11:00"), 2 * HOUR, BY_OFFICE, SCALES)
    assert lunch.due_at == local("2026-03-02 14:00")
    saturday = started(local("2026-02-13 17:00"), 2 * HOUR, BY_OFFICE, SCALES)
    assert saturday.due_at == local("2026-02-14 10:00")
    unknown = started(local("2027-01-31 10:00"), 5 * DAY_SECONDS, BY_DAYS, SCALES)
    assert unknown.due_at == local("2027-02-06 00:00")


def test_l_a_hand_over_keeps_one_who_is_accountable(desk: Desk) -> None:
    """Merge and split of tickets have tests of their own; clocks follow the owner."""
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
        service.hand_over(tx, "case", "c1", "role:dispatcher")
    desk.wait(450)
    assert len(desk.notices("role:dispatcher")) == 1
    assert desk.notices("role:supervisor") == []


def test_a_new_day_off_reaches_running_clocks_and_makes_them_later(desk: Desk) -> None:
    with desk.server.transactions.write("system:test") as tx:
        service.start_new(tx, [(OWNER, CASE)], "opened", newest("strict"))
        (before,) = [c.due_at for c in _clocks(tx) if c.name == "result_notice"]
    _publish_a_day_off(desk, date(2026, 3, 5))
    with desk.server.transactions.read() as tx:
        (clock,) = [c for c in _clocks(tx) if c.name == "result_notice"]
        assert (clock.due_at - before).days == 1
        assert clock.timebase == "working_days:cn-working-days@2"


def _publish_a_day_off(desk: Desk, day: date) -> None:
    calendar = msgspec.to_builtins(WORKING)
    calendar |= {"version": 2, "days_off": [*calendar["days_off"], day.isoformat()]}
    desk.api.as_(Role.ADMIN).post("/calendars", calendar)
    desk.sweep()


def _clocks(tx: Transaction) -> list[service.ServiceClock]:
    return clocks_of(tx.session, "case", ["c1"])["c1"]


def _urgencies(desk: Desk, clock: str) -> list[str]:
    rows = desk.api.as_(Role.SUPERVISOR).get("/notices")["items"]
    return [row["urgency"] for row in reversed(rows) if row["title_en"].endswith(clock)]
