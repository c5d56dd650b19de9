"""Histories follow the tables of `states.py`, and each goes on where it stood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from fleet_server.cabinets.states import COMMAND_LIFE
from fleet_server.dispatch.states import OFFER_LIFE, VISIT_LIFE
from fleet_server.faults.states import FAULT_LIFE
from fleet_server.life_cycles import LifeCycle
from fleet_server.recalls.states import BUYER_LIFE, CABINET_LIFE, HOLD_LIFE, RECALL_LIFE
from fleet_server.tickets.states import TICKET_LIFE
from simulators.fleet_simulation.checkers.database_view import DatabaseView
from simulators.fleet_simulation.errors import InvariantBrokenError

S = TypeVar("S", bound=StrEnum)
Steps = Mapping[str, frozenset[str]]


def _table(life: LifeCycle[S]) -> Steps:
    """Names of the states and of the steps from each."""
    return {str(state): frozenset(map(str, onward)) for state, onward in life.steps.items()}


HISTORIES = (
    ("ticket_history", "ticket_id", _table(TICKET_LIFE)),
    ("visit_history", "visit_id", _table(VISIT_LIFE)),
    ("recall_history", "recall_id", _table(RECALL_LIFE)),
)
"""Table, whose history it is, and its steps as they were when the program began."""
SNAPSHOTS = (
    ("offers", _table(OFFER_LIFE)),
    ("holds", _table(HOLD_LIFE)),
    ("cabinet_commands", _table(COMMAND_LIFE)),
    ("faults", _table(FAULT_LIFE)),
    ("recall_cabinets", _table(CABINET_LIFE)),
    ("recall_buyers", _table(BUYER_LIFE)),
)


@dataclass
class _History:
    """One table of steps with `before` and `after`."""

    table: str
    thing: str
    steps: Steps
    seq: int = 0
    states: dict[str, str] = field(default_factory=dict)


@dataclass
class _Snapshots:
    """One table whose states are only seen as they are."""

    table: str
    steps: Steps
    states: dict[str, str] = field(default_factory=dict)


class LifeCycleChecker:
    """Follows every life cycle."""

    def __init__(self, view: DatabaseView) -> None:
        self._view = view
        self._begin()

    def restored(self) -> None:
        """Begin anew with an older database."""
        self._begin()

    def look(self) -> None:
        """Take in new history rows, and the states of things without any."""
        for history in self._histories:
            self._follow(history)
        for snapshots in self._snapshots:
            self._compare(snapshots)

    def _begin(self) -> None:
        self._histories = [_History(*one) for one in HISTORIES]
        self._snapshots = [_Snapshots(*one) for one in SNAPSHOTS]

    def _follow(self, history: _History) -> None:
        rows = self._view.rows(
            f"SELECT seq, {history.thing}, before, after FROM {history.table}"  # noqa: S608  # ours
            " WHERE seq > ? ORDER BY seq",
            history.seq,
        )
        for seq, thing, before, after in rows:
            history.seq = seq
            known = history.states.get(thing)
            if known is not None and before != known:
                self._fail(f"{history.table} {thing}: {known} was left as {before}")
            if before and before != after and after not in history.steps[before]:
                self._fail(f"{history.table} {thing}: {before} -> {after} is no step")
            history.states[thing] = after

    def _compare(self, kept: _Snapshots) -> None:
        """Between two looks a thing may take several steps, but only along the table."""
        rows = self._view.rows(f"SELECT id, state FROM {kept.table}")  # noqa: S608  # ours
        for thing, state in rows:
            before = kept.states.get(thing)
            if before is not None and state != before and state not in _after(kept.steps, before):
                self._fail(f"{kept.table} {thing}: {before} -> {state}")
            kept.states[thing] = state

    def _fail(self, detail: str) -> None:
        raise InvariantBrokenError("life cycle", detail)


def _after(steps: Steps, state: str) -> set[str]:
    """Every state that can be reached from one."""
    found: set[str] = set()
    waiting = [state]
    while waiting:
        for onward in steps[waiting.pop()] - found:
            found.add(onward)
            waiting.append(onward)
    return found
