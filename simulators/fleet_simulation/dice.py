"""Chance of a simulation: one seed, and a stream of its own for every actor.

Streams are named, so that an actor who draws once more changes nobody else's draws: a run that is
shortened or looked at more closely stays the same run.
"""

import random  # noqa: TID251  # a run repeats from its seed
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """One stream of chance."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._source = random.Random(name)  # noqa: S311  # a repeatable run, never a secret

    def stream(self, name: str) -> "Dice":
        """Return another stream of the same seed."""
        return Dice(f"{self._name}/{name}")

    def happens(self, probability: float) -> bool:
        """Say whether something of this probability (0..1) happens this time."""
        return self._source.random() < probability

    def seconds(self, low: float, high: float) -> float:
        """Draw a duration in whole milliseconds."""
        return round(self._source.uniform(low, high), 3)

    def number(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return self._source.randint(low, high)

    def one_of(self, choices: Sequence[T]) -> T:
        """Draw one, all equally likely."""
        return self._source.choice(choices)

    def weighted(self, weights: Mapping[T, float]) -> T:
        """Draw one by weight."""
        return self._source.choices(list(weights), list(weights.values()))[0]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Return them in any order."""
        return self._source.sample(things, len(things))
