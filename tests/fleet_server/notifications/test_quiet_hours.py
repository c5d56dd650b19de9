"""Quiet hours: over midnight, where clocks are put forward and back, and where they never are."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fleet_server.notifications.quiet_hours import QuietHours

SHANGHAI = ZoneInfo("Asia/Shanghai")  # no daylight saving since 1991
BERLIN = ZoneInfo("Europe/Berlin")  # forward 2026-03-29 02:00, back 2026-10-25 03:00
NIGHT = QuietHours(time(22), time(7), SHANGHAI)

instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis adds the zone
wall_times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
zones = st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])


def there(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-03-02T21:59:59", None),
        ("2026-03-02T22:00:00", "2026-03-03T07:00:00"),
        ("2026-03-02T23:30:00", "2026-03-03T07:00:00"),
        ("2026-03-03T00:00:00", "2026-03-03T07:00:00"),
        ("2026-03-03T06:59:59", "2026-03-03T07:00:00"),
        ("2026-03-03T07:00:00", None),
    ],
)
def test_a_window_over_midnight(now: str, ends: str | None) -> None:
    assert NIGHT.end_after(there(now)) == (there(ends) if ends else None)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        # The wall jumps from 02:00 to 03:00: the night is one hour shorter, ends at the wall's 7.
        ("2026-03-29T00:30:00+01:00", "2026-03-29T07:00:00+02:00"),
        # The wall shows 02:30 twice: the night is one hour longer.
        ("2026-10-25T02:30:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T07:00:00+01:00"),
    ],
)
def test_the_wall_decides_where_clocks_are_changed(now: str, ends: str) -> None:
    quiet = QuietHours(time(22), time(7), BERLIN)
    assert quiet.end_after(datetime.fromisoformat(now)) == datetime.fromisoformat(ends)


def test_an_end_that_does_not_exist_that_night_is_the_jump() -> None:
    quiet = QuietHours(time(22), time(2, 30), BERLIN)
    jump = datetime.fromisoformat("2026-03-29T01:00:00+00:00")
    assert quiet.end_after(jump - timedelta(seconds=1)) == jump
    assert quiet.end_after(jump) is None


@given(instants, wall_times, wall_times, zones)
def test_quiet_ends_later_within_a_day_and_then_there_is_none(
    now: datetime, begins: time, ends: time, zone: ZoneInfo
) -> None:
    assume(begins != ends)
    quiet = QuietHours(begins, ends, zone)
    until = quiet.end_after(now)
    if until is not None:
        assert now < until <= now + timedelta(hours=25)
        assert quiet.end_after(until) is None


@given(instants, wall_times, wall_times)
def test_where_clocks_never_change_the_wall_alone_says_whether_it_is_quiet(
    now: datetime, begins: time, ends: time
) -> None:
    assume(begins != ends)
    wall = now.astimezone(SHANGHAI).time()
    inside = begins <= wall < ends if begins < ends else wall >= begins or wall < ends
    assert (QuietHours(begins, ends, SHANGHAI).end_after(now) is not None) == inside
