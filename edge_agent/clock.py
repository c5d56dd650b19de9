"""Time as a value that is passed in; the only file of the agent that reads a clock.

Wall time says when something was (and may jump, the board has no clock battery); elapsed time says
how long something took (and never jumps, but starts anew at each boot). Durations, holds and
time-outs use elapsed time only. `ManualClock` stands here too, because simulators and tests of
several packages drive the same one.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

MICROSECONDS_PER_MILLISECOND = 1_000


class Clock(Protocol):
    """What the agent knows of time."""

    def wall(self) -> datetime:
        """Return the present: aware UTC, in whole milliseconds; may jump either way."""
        ...

    def elapsed(self) -> float:
        """Return the seconds since some moment of this boot; never goes back."""
        ...


class SystemClock:
    """The clock of the machine."""

    def wall(self) -> datetime:
        """Return the present as an aware UTC datetime, in whole milliseconds."""
        return _whole_milliseconds(
            datetime.now(UTC)  # noqa: TID251 - this is the clock
        )

    def elapsed(self) -> float:
        """Return the seconds of the kernel's monotonic clock."""
        return time.monotonic()  # noqa: TID251 - this is the clock


class ManualClock:
    """A clock that moves only when told to; for tests and simulators."""

    def __init__(self, wall: datetime, elapsed: float = 0.0) -> None:
        if wall.tzinfo is None:
            raise ValueError("wall time must be aware")
        self._wall = _whole_milliseconds(wall.astimezone(UTC))
        self._elapsed = elapsed

    def wall(self) -> datetime:
        """Return the wall time it was set to, plus what it was advanced by."""
        return _whole_milliseconds(self._wall)

    def elapsed(self) -> float:
        """Return the elapsed time it was set to, plus what it was advanced by."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both scales. Raises ValueError if negative."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} s")
        self._elapsed += seconds
        self._wall += timedelta(seconds=seconds)

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as a bad clock or a late NTP answer does."""
        self._wall += timedelta(seconds=seconds)


def _whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(
        microsecond=moment.microsecond
        // MICROSECONDS_PER_MILLISECOND
        * MICROSECONDS_PER_MILLISECOND
    )
