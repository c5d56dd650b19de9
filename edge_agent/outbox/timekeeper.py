"""Which time it is, and how far that can be trusted (protocol v1, P-18).

The system clock counts where NTP keeps it (a setting). The last good time and the newest signed
document are a lower bound that survives the boot: we never date anything before it, and a clock
that stands below it is untrusted, whatever the setting says.
"""

from datetime import datetime

from edge_agent.clock import Clock
from edge_agent.store import Store
from protocol.journal import ClockQuality

_BOUND = "clock.lower_bound"
MILLISECONDS = 1000


class Timekeeper:
    """Time of the agent."""

    def __init__(self, store: Store, clock: Clock, *, trusted: bool) -> None:
        self._store = store
        self._clock = clock
        self._trusted = trusted

    def now(self) -> datetime:
        """Best known UTC; never below the lower bound."""
        return max(self._clock.wall(), self.lower_bound() or self._clock.wall())

    def elapsed(self) -> float:
        """Seconds since some moment of this boot."""
        return self._clock.elapsed()

    def mono_ms(self) -> int:
        """Milliseconds of this boot, as events carry them."""
        return round(self._clock.elapsed() * MILLISECONDS)

    def quality(self) -> ClockQuality:
        """How far `now` is trusted at this moment."""
        bound = self.lower_bound()
        if not self._trusted or (bound is not None and self._clock.wall() < bound):
            return ClockQuality.UNSYNCED
        return ClockQuality.SYNCED

    @property
    def trusted(self) -> bool:
        """Whether dates may be compared with today."""
        return self.quality() is ClockQuality.SYNCED

    def lower_bound(self) -> datetime | None:
        """Return the moment that is surely past."""
        text = self._store.value(_BOUND)
        return None if text is None else datetime.fromisoformat(text)

    def raise_bound(self, moment: datetime) -> None:
        """`moment` is surely past (a signed document of then is here); needs a transaction."""
        bound = self.lower_bound()
        if bound is None or moment > bound:
            self._store.remember(_BOUND, moment.isoformat())
