"""Calendars and histories that hypothesis makes, for the tests of this folder."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from fleet_server.service_levels.calendars import Calendar, Weekday, checked
from fleet_server.service_levels.clocks import Step, StepKind
from fleet_server.service_levels.errors import CalendarError
from fleet_server.service_levels.scales import (
    REAL,
    BusinessTime,
    RealTime,
    Scale,
    Scales,
    WorkingDays,
)

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
"""A Monday, 08:00 in Shanghai."""
DAYS_SPAN = 60


def instants() -> st.SearchStrategy[datetime]:
    """Whole minutes of two months."""
    return st.integers(0, DAYS_SPAN * 1440).map(lambda minutes: START + timedelta(minutes=minutes))


@st.composite
def windows(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Up to three windows of a day; the last may run over midnight, to 01:00 at most."""
    edges = sorted(draw(st.sets(st.integers(1, 50), min_size=2, max_size=6)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return [(_clock(opens), _clock(closes)) for opens, closes in pairs if opens < 48]


def _clock(half_hours: int) -> str:
    return f"{half_hours // 2:02d}:{half_hours % 2 * 30:02d}"


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any legal calendar with some days off, in a zone with or without summer time."""
    # 01:00 at most into the night, and the first window begins at 00:30 or later: no overlap
    # needs more than half an hour, which `checked` refuses; those are left out here.
    week = {
        day: draw(windows()) for day in draw(st.sets(st.sampled_from(list(Weekday)), min_size=1))
    }
    week = {day: found for day, found in week.items() if found}
    days = st.integers(0, DAYS_SPAN).map(lambda ahead: date(2026, 3, 2) + timedelta(days=ahead))
    off = draw(st.sets(days, max_size=5))
    return Calendar(
        name="any",
        version=1,
        title_zh="任意",
        title_en="any",
        zone=draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York"])),
        week=week or {Weekday.MON: [("09:00", "18:00")]},
        days_off=sorted(off),
        covers=[2026],
    )


def is_legal(calendar: Calendar) -> bool:
    """Whether `checked` takes it."""
    try:
        checked(calendar)
    except CalendarError:
        return False
    return True


def scales_of(*known: Calendar) -> Scales:
    """What finds the scales of these calendars."""

    def scale(timebase: str) -> Scale:
        unit, _, reference = timebase.partition(":")
        if unit == REAL:
            return RealTime()
        calendar = next(one for one in known if one.reference == reference)
        return BusinessTime(calendar) if unit == "business" else WorkingDays(calendar)

    return scale


def timebases(calendar: Calendar) -> st.SearchStrategy[str]:
    """Real time, its business time, its working days."""
    found = [REAL, f"business:{calendar.reference}", f"working_days:{calendar.reference}"]
    return st.sampled_from(found)


KINDS = [kind for kind in StepKind if kind is not StepKind.STARTED]


@st.composite
def histories(draw: st.DrawFn, timebase: str, kinds: list[StepKind] | None = None) -> list[Step]:
    """A clock that starts, and what happens to it afterwards."""
    now = draw(instants())
    target = draw(st.integers(1, 6)) * 21_600.0
    steps = [Step(StepKind.STARTED, now, target, timebase)]
    for kind in draw(st.lists(st.sampled_from(kinds or KINDS), max_size=8)):
        now += timedelta(minutes=draw(st.integers(0, 3_000)))
        steps.append(_step(draw, kind, now, timebase))
    return steps


def _step(draw: st.DrawFn, kind: StepKind, now: datetime, timebase: str) -> Step:
    amounts: dict[StepKind, Callable[[], float]] = {
        StepKind.RETARGETED: lambda: draw(st.integers(1, 6)) * 7_200.0,
        StepKind.WARNED: lambda: 50.0,
        StepKind.ESCALATED: lambda: 1.0,
    }
    amount = amounts[kind]() if kind in amounts else 0.0
    until = now + timedelta(minutes=draw(st.integers(1, 5_000)))
    return Step(kind, now, amount, timebase, until if kind is StepKind.PROMISED else None)
