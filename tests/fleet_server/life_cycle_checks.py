"""What holds for every transition table, said once."""

from enum import StrEnum
from typing import TypeVar

from fleet_server.life_cycles import LifeCycle

S = TypeVar("S", bound=StrEnum)


def reachable(life: LifeCycle[S]) -> set[S]:
    """States some walk from the first one leads to."""
    found, fresh = {life.initial}, {life.initial}
    while fresh:
        fresh = {after for state in fresh for after in life.steps[state]} - found
        found |= fresh
    return found


def ends(life: LifeCycle[S]) -> set[S]:
    """States from which some walk leads to a final one."""
    found = set(life.final)
    while True:
        more = {state for state, onward in life.steps.items() if found & onward} - found
        if not more:
            return found
        found |= more
