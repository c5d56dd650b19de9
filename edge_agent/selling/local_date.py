"""The date at the cabinet, by which goods expire."""

from datetime import date, datetime, tzinfo


def local_date(now: datetime, zone: tzinfo) -> date:
    """Date at `now` (aware) in a time zone."""
    return now.astimezone(zone).date()
