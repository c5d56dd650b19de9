"""Days off and make-up working days of mainland China, from the library `chinesecalendar`.

The State Council publishes a year's days in the autumn before; the library follows. A shipped
calendar holds the days as data, so that what a clock pinned counts the same for ever; this module
makes the next version of one when more years are known.
"""

from datetime import date

import chinese_calendar
import msgspec

from fleet_server.service_levels.calendars import Calendar

FIRST_YEAR = 2024
"""Earlier years have no clocks to count."""


def known_years() -> list[int]:
    """Years from FIRST_YEAR on that the library knows, without a gap."""
    years = {day.year for day in chinese_calendar.constants.holidays}
    return [year for year in sorted(years) if year >= FIRST_YEAR]


def days_off(year: int) -> list[date]:
    """Public holidays of a year, weekends among them only where they belong to one."""
    return sorted(day for day in chinese_calendar.constants.holidays if day.year == year)


def make_up_days(year: int) -> list[date]:
    """Weekend days of a year that are worked (调休)."""
    return sorted(day for day in chinese_calendar.constants.workdays if day.year == year)


def next_version(calendar: Calendar) -> Calendar:
    """Return the same calendar one version on, with the days of every known year."""
    years = known_years()
    return msgspec.structs.replace(
        calendar,
        version=calendar.version + 1,
        days_off=[day for year in years for day in days_off(year)],
        make_up_days=[day for year in years for day in make_up_days(year)],
        covers=years,
    )
