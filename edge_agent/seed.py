"""Chance as a value that is passed in; the only file of the agent that draws random numbers.

A run from a seed repeats exactly; the system's chance is for the running agent, whose ids and
nonces must not be guessable.
"""

import random  # noqa: TID251 - this is the seed module
import uuid

UUID_BITS = 128
UUID_VERSION_RANDOM = 4
SHORT_BITS = 48


class Chance:
    """A source of chance: ids, jitter, bytes. Made by `system()` or `from_seed()`."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    @classmethod
    def system(cls) -> "Chance":
        """Chance of the operating system; fit for ids and nonces that nobody may guess."""
        return cls(random.SystemRandom())

    @classmethod
    def from_seed(cls, seed: int) -> "Chance":
        """Chance that repeats itself for the same seed; for tests and simulators only."""
        return cls(random.Random(seed))  # noqa: S311 - a repeatable run, never a secret

    def new_id(self) -> str:
        """Return a new id: a version 4 UUID as 32 lower-case hexadecimal digits."""
        bits = self._source.getrandbits(UUID_BITS)
        return uuid.UUID(int=bits, version=UUID_VERSION_RANDOM).hex

    def short_id(self) -> str:
        """Return an id for what one cabinet has few of: 12 hexadecimal digits (48 bits).

        It travels in every message; at one epoch a day, two of a cabinet meet in a billion years.
        """
        return f"{self._source.getrandbits(SHORT_BITS):012x}"

    def uniform(self, low: float, high: float) -> float:
        """Return a number between `low` and `high`, all equally likely."""
        return self._source.uniform(low, high)

    def happens(self, probability: float) -> bool:
        """Say whether something of this probability (0..1) happens this time."""
        return self._source.random() < probability

    def jitter(self, seconds: float, share: float = 0.25) -> float:
        """Return `seconds` moved by at most `share` (0..1) of itself either way."""
        return seconds * self._source.uniform(1 - share, 1 + share)

    def token_bytes(self, count: int) -> bytes:
        """Return `count` random bytes."""
        return self._source.randbytes(count)
