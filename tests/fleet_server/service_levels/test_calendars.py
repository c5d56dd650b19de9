"""Calendars: windows, nights, days off, make-up days, years nobody has published yet."""

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.service_levels import chinese_days
from fleet_server.service_levels.calendars import (
    Calendar,
    Weekday,
    checked,
    is_working,
    open_from,
)
from fleet_server.service_levels.errors import CalendarError
from fleet_server.service_levels.presets import CALENDARS, newest_calendar
from fleet_server.service_levels.scales import DAY_SECONDS, BusinessTime, WorkingDays
from tests.fleet_server.service_levels.calendars_given import calendars, instants, is_legal

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOLIDAYS = Path("../shared/data/holidays")
OFFICE = newest_calendar("cn-office")
HOTLINE = newest_calendar("cn-hotline")
WORKING = newest_calendar("cn-working-days")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def office(**changes: object) -> Calendar:
    return msgspec.structs.replace(OFFICE, **changes)


@pytest.mark.skipif(not HOLIDAYS.is_dir(), reason="../shared/data/holidays is not here")
@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_working_days_are_those_of_the_published_papers(year: int) -> None:
    paper = json.loads((HOLIDAYS / f"{year}.json").read_text())
    off = {date.fromisoformat(one["date"]): one["isOffDay"] for one in paper["days"]}
    day = date(year, 1, 1)
    while day.year == year:
        worked = not off[day] if day in off else day.weekday() < 5
        assert is_working(WORKING, day) is worked, day
        assert is_working(OFFICE, day) is worked, day
        day += timedelta(days=1)


def test_shipped_days_are_those_of_the_library() -> None:
    again = chinese_days.next_version(WORKING)
    assert set(WORKING.covers) <= set(again.covers)
    for year in WORKING.covers:
        assert [day for day in WORKING.days_off if day.year == year] == chinese_days.days_off(year)
        mine = [day for day in WORKING.make_up_days if day.year == year]
        assert mine == chinese_days.make_up_days(year)


def test_a_hotline_over_midnight_counts_the_first_hour_of_the_next_day() -> None:
    scale = BusinessTime(HOTLINE)
    late = local("2026-03-02 23:30")
    assert scale.add(late, 3600) == local("2026-03-03 00:30")
    assert scale.add(late, 2 * 3600) == local("2026-03-03 08:30")
    assert scale.begin(local("2026-03-03 01:00")) == local("2026-03-03 08:00")
    assert scale.between(late, local("2026-03-03 09:00")) == 2.5 * 3600


def test_two_windows_a_day_leave_the_lunch_out() -> None:
    scale = BusinessTime(OFFICE)
    assert scale.add(local("2026-03-02 11:30"), 3600) == local("2026-03-02 13:30")
    assert scale.between(local("2026-03-02 12:10"), local("2026-03-02 12:50")) == 0


def test_a_make_up_saturday_is_worked_and_a_holiday_is_not() -> None:
    scale = BusinessTime(OFFICE)
    # Spring festival 2026: 15 to 23 February off, Saturday the 14th and 28th worked.
    assert scale.add(local("2026-02-14 17:30"), 3600) == local("2026-02-24 09:30")
    assert scale.begin(local("2026-02-28 07:00")) == local("2026-02-28 09:00")


def test_the_day_of_the_start_is_not_counted_and_the_last_day_ends_with_its_hours() -> None:
    whole, hours = WorkingDays(WORKING), WorkingDays(OFFICE)
    start = local("2026-03-04 15:00")
    assert whole.add(whole.begin(start), 5 * DAY_SECONDS) == local("2026-03-12 00:00")
    assert hours.add(hours.begin(start), 5 * DAY_SECONDS) == local("2026-03-11 18:00")
    saturday = local("2026-03-07 10:00")
    assert hours.add(hours.begin(saturday), DAY_SECONDS) == local("2026-03-09 18:00")


def test_over_a_year_nobody_published_weekdays_count_as_they_fall() -> None:
    scale = WorkingDays(WORKING)
    start = local("2027-09-30 10:00")
    due = scale.add(scale.begin(start), DAY_SECONDS)
    assert due == local("2027-10-02 00:00")
    assert not WORKING.is_known(date(2027, 10, 1))


def test_a_published_year_makes_it_later_not_earlier() -> None:
    national_day = [date(2027, 10, day) for day in range(1, 8)]
    known = msgspec.structs.replace(
        WORKING, days_off=[*WORKING.days_off, *national_day], covers=[*WORKING.covers, 2027]
    )
    scale = WorkingDays(checked(known))
    start = local("2027-09-30 10:00")
    assert scale.add(scale.begin(start), DAY_SECONDS) == local("2027-10-09 00:00")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"zone": "../etc/passwd"}, "no time zone"),
        ({"week": {Weekday.MON: [("18:00", "09:00")]}}, "empty, overlaps"),
        ({"week": {Weekday.MON: [("09:00", "12:00"), ("11:00", "18:00")]}}, "overlaps"),
        ({"week": {Weekday.MON: [("24:00", "25:00")]}}, "another day"),
        ({"week": {Weekday.MON: [("9", "10:00")]}}, "HH:MM"),
        ({"week": {Weekday.MON: [("09:00", "49:00")]}}, "48:00 at most"),
        (
            {"week": {Weekday.MON: [("08:00", "33:00")], Weekday.TUE: [("08:00", "18:00")]}},
            "night of mon",
        ),
        ({"week": {}}, "never open"),
        ({"covers": [2024]}, "which `covers` does not name"),
        ({"days_off": [date(2026, 2, 14)]}, "off and a make-up day"),
        ({"make_up_windows": []}, "make_up_windows"),
    ],
)
def test_a_calendar_that_cannot_be_counted_by_is_refused(
    changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(CalendarError, match=reason):
        checked(office(**changes))


def test_a_calendar_that_is_hardly_ever_open_ends_the_count_with_an_error() -> None:
    shut = office(days_off=[], make_up_days=[], covers=[], week={Weekday.MON: []})
    with pytest.raises(CalendarError, match="too little is open"):
        next(open_from(shut, local("2026-03-02 10:00")))


@given(calendars().filter(is_legal), instants(), st.integers(0, 200_000))
def test_business_time_adds_and_measures_the_same(
    calendar: Calendar, start: datetime, seconds: int
) -> None:
    scale = BusinessTime(calendar)
    begun = scale.begin(start)
    assert scale.between(begun, scale.add(begun, seconds)) == seconds


@given(calendars().filter(is_legal), instants(), st.integers(1, 12))
def test_working_days_add_and_measure_the_same(
    calendar: Calendar, start: datetime, halves: int
) -> None:
    scale = WorkingDays(calendar)
    begun = scale.begin(start)
    measured = scale.between(begun, scale.add(begun, halves * DAY_SECONDS / 2))
    assert measured == pytest.approx(halves * DAY_SECONDS / 2, abs=1e-3)


@given(calendars().filter(is_legal), instants())
def test_open_time_comes_in_order_and_does_not_overlap(calendar: Calendar, start: datetime) -> None:
    found = open_from(calendar, start)
    spans = [next(found) for _ in range(12)]
    assert all(opens < closes for opens, closes in spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    assert spans[0][0] >= start.astimezone(UTC)


def test_every_shipped_calendar_is_legal_and_says_where_it_is_from() -> None:
    for calendar in CALENDARS.values():
        assert checked(calendar).source
