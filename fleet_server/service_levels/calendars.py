"""Pure: when is open, on which days is work done. A calendar is a versioned document.

Windows are local wall-clock times, several a day; one that closes past 24:00 runs over midnight
(08:00-25:00 is the hotline of S3-6.3, open until 01:00 of the next day) and belongs to the day it
opens on. Days off take all windows of a day away; a make-up working day (调休) has windows whatever
weekday it is. For a year the calendar does not cover nobody has published days off yet: its
weekdays count as they fall, and what was counted over it is provisional.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from fleet_server.service_levels.errors import CalendarError

DAYS_MAX = 3_660
"""Ten years: a count that is not through by then asks for a calendar that is hardly ever open."""
MINUTES_A_DAY = 24 * 60
WINDOWS_A_DAY_MAX = 12


class Weekday(StrEnum):
    """Days as documents name them."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


WEEKDAYS = tuple(Weekday)

Window = tuple[str, str]
"""`("08:00", "25:00")`; minutes of the day it opens on, 48:00 at most."""

Interval = tuple[datetime, datetime]
"""From (included) to (not included), UTC."""


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a calendar. `covers`: years whose days off are known; empty: none matter."""

    name: str
    version: int
    title_zh: str
    title_en: str
    zone: str
    week: dict[Weekday, list[Window]]
    days_off: list[date] = []
    make_up_days: list[date] = []
    make_up_windows: list[Window] = []
    covers: list[int] = []
    source: str = ""

    @property
    def reference(self) -> str:
        """What a clock pins: `cn-office@1`."""
        return f"{self.name}@{self.version}"

    def windows(self, day: date) -> list[Window]:
        """Windows that open on this local day."""
        if day in self.make_up_days:
            return self.make_up_windows
        if day in self.days_off:
            return []
        return self.week.get(WEEKDAYS[day.weekday()], [])

    def is_known(self, day: date) -> bool:
        """Whether days off of its year are published."""
        return not self.covers or day.year in self.covers


def checked(calendar: Calendar) -> Calendar:
    """Return `calendar` when time can be counted by it; CalendarError says what is wrong."""
    try:
        ZoneInfo(calendar.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CalendarError(calendar.reference, f"no time zone {calendar.zone!r}") from None
    for windows in (*calendar.week.values(), calendar.make_up_windows):
        _check_windows(calendar, windows)
    _check_nights(calendar)
    both = set(calendar.days_off) & set(calendar.make_up_days)
    if both:
        raise CalendarError(calendar.reference, f"{min(both)} is off and a make-up day")
    strays = {day.year for day in (*calendar.days_off, *calendar.make_up_days)}
    if not strays <= set(calendar.covers):
        years = sorted(strays - set(calendar.covers))
        raise CalendarError(calendar.reference, f"days of {years}, which `covers` does not name")
    if calendar.make_up_days and not calendar.make_up_windows:
        raise CalendarError(calendar.reference, "make-up days need make_up_windows")
    if not any(calendar.week.values()):
        raise CalendarError(calendar.reference, "is never open")
    return calendar


def minutes_of(text: str) -> int:
    """`"25:30"` -> 1530. Raises ValueError."""
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2):
        raise ValueError(text)
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > 2 * MINUTES_A_DAY:
        raise ValueError(text)
    return found


def open_on(calendar: Calendar, day: date) -> list[Interval]:
    """Open time of the windows of one local day, which may end on the next."""
    zone = ZoneInfo(calendar.zone)
    return [
        (_instant(day, minutes_of(opens), zone), _instant(day, minutes_of(closes), zone))
        for opens, closes in calendar.windows(day)
    ]


def open_from(calendar: Calendar, at: datetime) -> Iterator[Interval]:
    """Open time from an instant on, merged, in order; CalendarError when ten years are through."""
    zone = ZoneInfo(calendar.zone)
    # The windows of the day before may still be open.
    first = at.astimezone(zone).date() - timedelta(days=1)
    pending: Interval | None = None
    for ahead in range(DAYS_MAX):
        for opens, closes in open_on(calendar, first + timedelta(days=ahead)):
            begins = max(opens, at)
            if closes <= begins:
                continue
            if pending is not None and begins <= pending[1]:
                pending = (pending[0], max(pending[1], closes))
                continue
            if pending is not None:
                yield pending
            pending = (begins, closes)
    raise CalendarError(calendar.reference, f"too little is open in the {DAYS_MAX} days from {at}")


def local_day(calendar: Calendar, at: datetime) -> date:
    """Day an instant lies on where the calendar holds."""
    return at.astimezone(ZoneInfo(calendar.zone)).date()


def end_of_day(calendar: Calendar, day: date) -> datetime:
    """24:00 of a local day, UTC."""
    return _instant(day, MINUTES_A_DAY, ZoneInfo(calendar.zone))


def is_working(calendar: Calendar, day: date) -> bool:
    """Whether work is done on a local day."""
    return bool(calendar.windows(day))


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    days, rest = divmod(minutes, MINUTES_A_DAY)
    wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), zone)
    return wall.astimezone(UTC)


def _check_windows(calendar: Calendar, windows: list[Window]) -> None:
    if len(windows) > WINDOWS_A_DAY_MAX:
        raise CalendarError(calendar.reference, f"more than {WINDOWS_A_DAY_MAX} windows a day")
    shut = 0
    for opens, closes in windows:
        try:
            begin, end = minutes_of(opens), minutes_of(closes)
        except ValueError:
            reason = f"window {opens}-{closes}: times are HH:MM, 48:00 at most"
            raise CalendarError(calendar.reference, reason) from None
        if begin >= end or begin >= MINUTES_A_DAY or begin < shut:
            reason = f"window {opens}-{closes} is empty, overlaps or opens on another day"
            raise CalendarError(calendar.reference, reason)
        shut = end


def _check_nights(calendar: Calendar) -> None:
    """A window over midnight may touch the first one of the next weekday, not overlap it."""
    for index, day in enumerate(WEEKDAYS):
        windows = calendar.week.get(day, [])
        following = calendar.week.get(WEEKDAYS[(index + 1) % 7], [])
        if not windows or not following:
            continue
        if minutes_of(windows[-1][1]) - MINUTES_A_DAY > minutes_of(following[0][0]):
            raise CalendarError(calendar.reference, f"the night of {day} overlaps the next day")
