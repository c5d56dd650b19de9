"""Which time it is, and how far that can be trusted (protocol v1, P-18).

The system clock counts where NTP keeps it (a setting). Elsewhere the server is asked: its signed
answer anchors the time of this boot to the elapsed seconds, and the system clock is not looked at
any more, whatever it does. The last good time and the newest signed
document are a lower bound that survives the boot: we never date anything before it, and a clock
that stands below it is untrusted, whatever the setting says. So is a clock that jumped since it
was last trusted, until it is back or the agent starts anew: a wrong year must not become the bound.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge_agent.clock import Clock
from edge_agent.store import Store
from protocol.journal import ClockQuality

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""This code is younger: a board without a clock battery that boots in 1970 is not believed."""
_BOUND = "clock.lower_bound"
MILLISECONDS = 1000
JUMP_SECONDS = 300.0
"""Fault catalogue, CLOCK_UNTRUSTED: a jump of more than 5 min."""


@dataclass(frozen=True)
class Anchor:
    """It was `at` (aware UTC) when `elapsed` seconds of this boot had passed."""

    at: datetime
    elapsed: float

    def now(self, elapsed: float) -> datetime:
        """Return the time at a later moment of this boot, in whole milliseconds."""
        milliseconds = int((elapsed - self.elapsed) * MILLISECONDS)
        return self.at.astimezone(UTC) + timedelta(milliseconds=milliseconds)


@dataclass(frozen=True)
class Taken:
    """When something happened, in every way an event tells it."""

    at: datetime
    mono_ms: int
    quality: ClockQuality


class Timekeeper:
    """Time of the agent."""

    def __init__(self, store: Store, clock: Clock, *, trusted: bool) -> None:
        self._store = store
        self._clock = clock
        self._trusted = trusted
        self._last_good: tuple[datetime, float] | None = None
        self.anchor: Anchor | None = None
        """What the server said the time is, once it did in this boot."""

    def now(self) -> datetime:
        """Best known UTC; never below the lower bound."""
        told = self._clock.wall() if self.anchor is None else self.anchor.now(self.elapsed())
        return max(told, self.lower_bound())

    def elapsed(self) -> float:
        """Seconds since some moment of this boot."""
        return self._clock.elapsed()

    def mono_ms(self) -> int:
        """Milliseconds of this boot, as events carry them."""
        return round(self._clock.elapsed() * MILLISECONDS)

    def taken(self) -> Taken:
        """This moment, for an event."""
        quality = self.quality()
        return Taken(self.now(), self.mono_ms(), quality)

    def quality(self) -> ClockQuality:
        """How far `now` is trusted at this moment."""
        bound, wall = self.lower_bound(), self._clock.wall()
        if self.anchor is not None:
            good = self.possible(self.anchor.now(self.elapsed()))
            return ClockQuality.SYNCED if good else ClockQuality.UNSYNCED
        if not self._trusted or wall < bound or self._jumped(wall):
            return ClockQuality.UNSYNCED
        self._last_good = (wall, self._clock.elapsed())
        return ClockQuality.SYNCED

    def _jumped(self, wall: datetime) -> bool:
        if self._last_good is None:
            return False
        good_wall, good_elapsed = self._last_good
        expected = good_wall + timedelta(seconds=self._clock.elapsed() - good_elapsed)
        return abs((wall - expected).total_seconds()) > JUMP_SECONDS

    @property
    def trusted(self) -> bool:
        """Whether dates may be compared with today."""
        return self.quality() is ClockQuality.SYNCED

    def lower_bound(self) -> datetime:
        """Return the moment that is surely past."""
        text = self._store.value(_BOUND)
        return EARLIEST if text is None else datetime.fromisoformat(text)

    def possible(self, told: datetime) -> bool:
        """Say whether the server may mean this: two of its answers differ, but not by much."""
        return (self.lower_bound() - told).total_seconds() <= JUMP_SECONDS

    def raise_bound(self, moment: datetime) -> None:
        """`moment` is surely past (a signed document of then is here); needs a transaction."""
        if moment > self.lower_bound():
            self._store.remember(_BOUND, moment.isoformat())
