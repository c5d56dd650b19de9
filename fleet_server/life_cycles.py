"""One function applies every transition table (`states.py` of each feature).

A life cycle is an enum, a table of the legal steps, and nothing else: an illegal step has one
error path, final states are those without a step, and the diagram can be drawn from the table.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from fleet_server.errors import IllegalTransitionError, InvalidError

S = TypeVar("S", bound=StrEnum)


class LifeCycle(Generic[S]):
    """The legal steps of one kind of thing."""

    def __init__(self, kind: str, initial: S, steps: Mapping[S, frozenset[S]]) -> None:
        self.kind = kind
        self.initial = initial
        self.steps = steps
        self.final = frozenset(state for state, onward in steps.items() if not onward)

    def step(self, state: S, wanted: S) -> S:
        """Return `wanted` when it may follow `state`; IllegalTransitionError when it may not."""
        if wanted not in self.steps[state]:
            raise IllegalTransitionError(self.kind, state, wanted, self.steps[state])
        return wanted

    def legal(self, state: S) -> list[S]:
        """Return the steps from `state`, sorted."""
        return sorted(self.steps[state])

    def named(self, text: str) -> S:
        """State of that name; InvalidError for a name that is none."""
        for state in self.steps:
            if state == text:
                return state
        raise InvalidError("to", f"{text!r} is no state of a {self.kind}")
