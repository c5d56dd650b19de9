"""The server's clock, passed in everywhere; wall time and elapsed time are different questions."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Wall time, aware UTC, millisecond resolution."""
        ...

    def elapsed(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall time of the machine."""
        now = datetime.now(UTC)  # noqa: TID251  # the one place that asks the machine
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def elapsed(self) -> float:
        """Monotonic time of the machine."""
        return time.monotonic()  # noqa: TID251  # the one place that asks the machine


class ManualClock:
    """A clock that stands still until it is moved: for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._lock = threading.Lock()
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the time it was moved to."""
        with self._lock:
            return self._now

    def elapsed(self) -> float:
        """Seconds it was moved by."""
        with self._lock:
            return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._elapsed += seconds
