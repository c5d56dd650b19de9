"""How long nobody read the temperature before this boot, told as soon as the time can be trusted.

A board without a clock battery does not know at boot how long the power was away; the server's
answer tells. So the snapshot keeps the last moment that was surely known and how long the agent
ran since, over any number of boots: the rest of the time until now it was off.
"""

from datetime import datetime

import msgspec

from edge_agent.outbox.timekeeper import Timekeeper


class KnownTime(msgspec.Struct, frozen=True):
    """A moment that was trusted, and how long the agent has been running since."""

    at: datetime
    running_seconds: float = 0.0


class TimeOff:
    """The downtime before this boot; told once."""

    def __init__(self, time: Timekeeper, kept: KnownTime | None) -> None:
        """`kept`: of the life before; None when it knew none."""
        self._time = time
        self._kept = kept
        self._since = time.elapsed()
        self._told = kept is None

    def seconds(self) -> float | None:
        """Seconds it was off, once the time is trusted; None before and ever after."""
        if self._told or self._kept is None or not self._time.trusted:
            return None
        self._told = True
        passed = (self._time.now() - self._kept.at).total_seconds()
        return max(0.0, passed - self._kept.running_seconds - self._running_seconds)

    def known(self) -> KnownTime | None:
        """What to keep for the next life."""
        if self._told and self._time.trusted:
            self._kept, self._since = KnownTime(self._time.now()), self._time.elapsed()
        if self._kept is None:
            return None
        return KnownTime(self._kept.at, self._kept.running_seconds + self._running_seconds)

    @property
    def _running_seconds(self) -> float:
        return self._time.elapsed() - self._since
