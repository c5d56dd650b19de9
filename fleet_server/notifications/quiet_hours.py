"""Pure: the hours in which a person wants to be left in peace, on the clock of their wall.

The window is a pair of wall times and may go over midnight (22:00-07:00). Where a clock is put
forward or back, the window still begins and ends when the wall says so; a time that does not
exist that night (02:30 in spring) counts as the instant the clock jumps to.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class QuietHours:
    """From `begins` to `ends`, each day, on the clock of `zone`; the two are not the same."""

    begins: time
    ends: time
    zone: tzinfo

    def end_after(self, now: datetime) -> datetime | None:
        """Return when the quiet of `now` ends (UTC); None when there is none now."""
        today = now.astimezone(self.zone).date()
        for day in (today - DAY, today):
            begins = self._instant(datetime.combine(day, self.begins))
            last = day if self.begins < self.ends else day + DAY
            ends = self._instant(datetime.combine(last, self.ends))
            if begins <= now < ends:
                return ends
        return None

    def _instant(self, wall: datetime) -> datetime:
        """Instant of a wall time; the first of two, and the jump for one that does not exist."""
        first = wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        there = first.astimezone(self.zone).replace(tzinfo=None)
        if there == wall:
            return first
        # A gap: read with the distance after the jump, the instant lies before it; the jump is
        # where both readings meet, and no gap of the database is longer than a day.
        after = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return _jump(after, first, self.zone)


def _jump(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """Second in [low, high] at which the distance from UTC changes."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
