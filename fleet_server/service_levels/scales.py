"""Pure: in what time a clock runs. Amounts are seconds of that time, a working day is 86,400.

Three scales behind one interface, so that the arithmetic of clocks is the same for all:
- real time: every second counts;
- business time: only open seconds of a calendar count; time begins with the first open one;
- working days: the day of the start is not counted, and the last day ends at 24:00 or, where there
  are office hours, when they end (Civil Code of China, art. 201 and 203). A part of a day is that
  part of its open time; a window over midnight counts until midnight.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Protocol

from fleet_server.service_levels.calendars import (
    DAYS_MAX,
    Calendar,
    Interval,
    end_of_day,
    is_working,
    local_day,
    open_from,
    open_on,
)
from fleet_server.service_levels.errors import CalendarError

DAY_SECONDS = 86_400.0

REAL = "real"
"""Timebase of a clock that needs no calendar; others are `business:NAME@VERSION` and
`working_days:NAME@VERSION`."""


class Scale(Protocol):
    """What a clock counts in."""

    def begin(self, at: datetime) -> datetime:
        """Instant from which a clock started at `at` counts."""

    def add(self, begun: datetime, seconds: float) -> datetime:
        """First instant at which so much has passed since `begun`, which `begin` gave."""

    def between(self, one: datetime, other: datetime) -> float:
        """How much passes from one instant to a later one; 0 when it is not later."""


Scales = Callable[[str], Scale]
"""Timebase -> its scale."""


class RealTime:
    """Every second counts."""

    def begin(self, at: datetime) -> datetime:
        """At once."""
        return at

    def add(self, begun: datetime, seconds: float) -> datetime:
        """Plain addition."""
        return begun + timedelta(seconds=seconds)

    def between(self, one: datetime, other: datetime) -> float:
        """Plain difference."""
        return max((other - one).total_seconds(), 0.0)


class BusinessTime:
    """Open seconds of a calendar. Methods raise CalendarError where too little is open."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def begin(self, at: datetime) -> datetime:
        """First open instant (trap h: elapsed time starts at the first working minute)."""
        opens, _ = next(open_from(self._calendar, at))
        return opens

    def add(self, begun: datetime, seconds: float) -> datetime:
        """Walk over open time."""
        left = timedelta(seconds=seconds)
        for opens, closes in open_from(self._calendar, begun):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise CalendarError(self._calendar.reference, "never open")

    def between(self, one: datetime, other: datetime) -> float:
        """Sum of open time."""
        total = timedelta()
        if other <= one:
            return 0.0
        for opens, closes in open_from(self._calendar, one):
            if opens >= other:
                break
            total += min(closes, other) - opens
        return total.total_seconds()


class WorkingDays:
    """Working days of a calendar. Methods raise CalendarError where hardly any is."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def begin(self, at: datetime) -> datetime:
        """End of the day: it is not counted."""
        return end_of_day(self._calendar, local_day(self._calendar, at))

    def add(self, begun: datetime, seconds: float) -> datetime:
        """Whole days first, then the open part of the next one."""
        # To the millisecond: the sum of parts of days must not miss a whole day by its rounding.
        left = round(seconds, 3) / DAY_SECONDS
        if left <= 0:
            return begun
        day = local_day(self._calendar, begun)
        for ahead in range(DAYS_MAX):
            following = day + timedelta(days=ahead)
            if not is_working(self._calendar, following):
                continue
            if left <= 1:
                return _part_of(self._hours(following), left)
            left -= 1
        raise CalendarError(self._calendar.reference, f"hardly a working day after {begun}")

    def between(self, one: datetime, other: datetime) -> float:
        """Sum of the open parts of days, each working day being 86,400."""
        if other <= one:
            return 0.0
        total = 0.0
        day, last = local_day(self._calendar, one), local_day(self._calendar, other)
        while day <= last:
            total += _share_of(self._hours(day), one, other)
            day += timedelta(days=1)
        return total * DAY_SECONDS

    def _hours(self, day: date) -> list[Interval]:
        midnight = end_of_day(self._calendar, day)
        return [(opens, min(closes, midnight)) for opens, closes in open_on(self._calendar, day)]


def _part_of(windows: list[Interval], part: float) -> datetime:
    left = _length(windows) * part
    for opens, closes in windows[:-1]:
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    opens, closes = windows[-1]
    return min(opens + left, closes)


def _share_of(windows: list[Interval], one: datetime, other: datetime) -> float:
    within = [(max(opens, one), min(closes, other)) for opens, closes in windows]
    whole = _length(windows)
    if not whole:
        return 0.0
    return _length([span for span in within if span[0] < span[1]]) / whole


def _length(windows: list[Interval]) -> timedelta:
    return sum((closes - opens for opens, closes in windows), timedelta())
