"""The date at the cabinet, by which goods expire.

A zone this machine does not know gives the latest date anywhere on earth: that can only block too
early, never too late.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EARLIEST_ZONE = timedelta(hours=14)
"""Line Islands, UTC+14: where each date begins first."""


def local_date(now: datetime, zone: str) -> date:
    """Date at `now` (aware) in an IANA time zone."""
    try:
        return now.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return (now + EARLIEST_ZONE).date()
