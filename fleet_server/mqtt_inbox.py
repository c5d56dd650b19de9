"""Messages that wait for ingest: bounded, filled and emptied many at a time."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

MESSAGES_MAX = 100_000
"""Journal and telemetry of 50,000 cabinets, each with one batch under way (P-2)."""
BYTES_MAX = 128 * 1024 * 1024
"""Bound of memory, whatever the messages' size."""


class Inbound(NamedTuple):
    """One message as it came."""

    topic: str
    payload: bytes
    arrived: float | None = None
    """When it was read, elapsed seconds of the server's clock; None: now."""


class Inbox:
    """One writer (the link), one reader (ingest)."""

    def __init__(self) -> None:
        self._messages: deque[Inbound] = deque()
        self._bytes = 0
        self._some = threading.Condition()
        self.dropped = 0
        """Messages that did not fit; their cabinets send them again (P-2)."""
        self.peak = 0
        """Most messages that ever waited at once."""

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, messages: Sequence[Inbound]) -> None:
        """Add messages; those that do not fit are dropped and counted."""
        if not messages:
            return
        with self._some:
            for count, one in enumerate(messages):
                size = len(one.payload)
                if len(self._messages) >= MESSAGES_MAX or self._bytes + size > BYTES_MAX:
                    self.dropped += len(messages) - count
                    break
                self._messages.append(one)
                self._bytes += size
            self.peak = max(self.peak, len(self._messages))
            self._some.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until there is something, at most so long."""
        with self._some:
            return bool(self._messages) or self._some.wait(seconds)

    def take(self, count: int) -> list[Inbound]:
        """Oldest messages, at most `count`."""
        with self._some:
            taken = [self._messages.popleft() for _ in range(min(count, len(self._messages)))]
            self._bytes -= sum(len(one.payload) for one in taken)
            return taken
