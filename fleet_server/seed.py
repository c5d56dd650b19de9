"""Chance, passed in like the clock, so that a failing run can be played again.

Ids are UUIDs of version 7 (RFC 9562, 5.7): ordered by time, so that they serve as page cursors.
Secrets always come from the operating system, whatever the seed.
"""

import random  # noqa: TID251  # the one place that makes chance
import secrets  # noqa: TID251  # the one place that makes secrets
import threading
from datetime import datetime


class Chance:
    """A source of random numbers and ids."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._newest = (0, 0)

    @classmethod
    def system(cls) -> "Chance":
        """Chance of the operating system."""
        return cls(random.SystemRandom())

    @classmethod
    def from_seed(cls, seed: int) -> "Chance":
        """Chance that repeats itself."""
        return cls(random.Random(seed))  # noqa: S311  # simulation, not cryptography

    def new_id(self, now: datetime) -> str:
        """UUID of version 7 for this instant, as text.

        Ids of one millisecond rise too (RFC 9562, 6.2, method 2), so that rows of one transaction
        keep their order in lists.
        """
        return self.new_ids(now, 1)[0]

    def new_ids(self, now: datetime, count: int) -> list[str]:
        """As many ids at once, rising; those of one call follow each other."""
        milliseconds = int(now.timestamp() * 1000) & (2**48 - 1)
        with self._lock:
            instant, noise = self._newest
            if instant == milliseconds:
                noise += self._source.getrandbits(32) + 1
            else:
                noise = self._source.getrandbits(73)  # one bit less: room to rise
            self._newest = (milliseconds, noise + count - 1)
        return [_uuid7(milliseconds, one) for one in range(noise, noise + count)]

    def uniform(self, low: float, high: float) -> float:
        """Draw a number from `low` to `high`."""
        with self._lock:
            return self._source.uniform(low, high)


def _uuid7(milliseconds: int, noise: int) -> str:
    """RFC 9562, 5.7: 48 bits of time, version 7, 12 bits, variant 2, 62 bits."""
    number = milliseconds << 80 | 0x7 << 76 | (noise >> 62) << 64 | 0b10 << 62 | noise & (2**62 - 1)
    text = f"{number:032x}"  # `uuid.UUID` would take four times as long, for each event
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_secret(size_bytes: int = 32) -> str:
    """Return an unguessable URL-safe text of `size_bytes` of entropy."""
    return secrets.token_urlsafe(size_bytes)


def new_secret_bytes(size_bytes: int = 32) -> bytes:
    """Return unguessable bytes."""
    return secrets.token_bytes(size_bytes)
