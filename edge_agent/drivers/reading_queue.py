"""The bounded queue between the bus threads and the core.

When the core falls behind, the oldest poll reading goes first: a newer poll says the same or more.
The outcome of an order is never dropped for a poll; it goes only if nothing else is in the queue.
"""

import threading
from collections import deque
from collections.abc import Callable

from edge_agent.drivers.readings import OrderReading, Reading

CAPACITY_DEFAULT = 512  # a board of 16 doors polled for half a minute while the core is stuck


class ReadingQueue:
    """Readings in order of arrival, safe for many writers and one reader."""

    def __init__(
        self, capacity: int = CAPACITY_DEFAULT, *, on_put: Callable[[], None] | None = None
    ) -> None:
        self._capacity = capacity
        self._on_put = on_put
        self._readings: deque[Reading] = deque()
        self._changed = threading.Condition()
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many readings were dropped because the queue was full, since the start."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._readings)

    def put(self, reading: Reading) -> None:
        """Add a reading and never wait; calls `on_put` (it must only wake someone)."""
        with self._changed:
            if len(self._readings) >= self._capacity:
                self._drop_one()
            self._readings.append(reading)
            self._changed.notify()
        if self._on_put is not None:
            self._on_put()

    def take(self, maximum: int, timeout_seconds: float = 0.0) -> list[Reading]:
        """Take at most `maximum` readings; wait at most the time given for the first."""
        with self._changed:
            if not self._readings and timeout_seconds > 0:
                self._changed.wait(timeout_seconds)
            count = min(maximum, len(self._readings))
            return [self._readings.popleft() for _ in range(count)]

    def _drop_one(self) -> None:
        self._dropped += 1
        for index, reading in enumerate(self._readings):
            if not isinstance(reading, OrderReading):
                del self._readings[index]
                return
        self._readings.popleft()
