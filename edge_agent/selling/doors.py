"""Doors: what moved, why, and for how long. An opening is the proof of a vend.

A door that no one has seen for a while is unknown, and an unknown door does not sell. What is open
is kept in the store, so that a closing after a reboot still knows its cause and duration. What
moved while the disk was full waits in memory, dated as it was seen; only a restart loses it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DeviceFailure, DoorReading
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import MILLISECONDS, Taken, Timekeeper
from edge_agent.store import Store
from protocol.events import DoorCause, DoorMoved

WAITING_MAX = 500
"""Edges in memory while the disk is full: nothing is sold then, so this is days of service."""
FAILED_POLLS_MAX = 5
"""edge-agent, Drivers: a device is silent after 5 polls; its doors are unknown then."""
UNLOCK_SECONDS = 15.0
"""Fault catalogue, DOOR_FORCED: an opening so soon after its pulse is by it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DoorEdge:
    """A door that moved."""

    door: str
    opened: bool


@dataclass(frozen=True)
class Expectation:
    """An opening we asked for: until when (elapsed seconds) it counts as ours."""

    cause: DoorCause
    until: float


@dataclass(frozen=True)
class _Seen:
    """An edge on its way to the journal."""

    edge: DoorEdge
    cause: DoorCause
    taken: Taken


class Doors:
    """The doors of the cabinet."""

    def __init__(
        self, store: Store, outbox: Outbox, time: Timekeeper, *, stale_seconds: float
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._time = time
        self._stale_seconds = stale_seconds
        self._seen: dict[str, tuple[DoorState, float]] = {}
        self._expected: dict[str, Expectation] = {}
        self._waiting: list[_Seen] = []
        self._opened_ms: dict[str, int] = {}
        self._seen_closed: set[str] = set()

    def expect(self, door: str, cause: DoorCause, seconds: float) -> None:
        """Say that we are about to open a door, why, and for how long to wait at least."""
        until = self._time.elapsed() + max(seconds, UNLOCK_SECONDS)
        self._expected[door] = Expectation(cause, until)

    def forget(self, door: str) -> None:
        """Stop expecting a door."""
        self._expected.pop(door, None)

    def state(self, door: str) -> DoorState:
        """How the door stands, as far as it was seen lately."""
        state, at = self._seen.get(door, (DoorState.UNKNOWN, 0.0))
        return DoorState.UNKNOWN if self._time.elapsed() - at > self._stale_seconds else state

    def observe(
        self, reading: DoorReading | DeviceFailure, *, in_service: bool, locked: bool = True
    ) -> DoorEdge | None:
        """Take one reading; return the edge, if it is one. It waits in memory for `write`.

        `locked`: whether the door hangs on a lock of ours; one with a key is never forced.
        """
        if isinstance(reading, DeviceFailure):
            if reading.consecutive >= FAILED_POLLS_MAX:
                for door in reading.parts:
                    self._seen.pop(door, None)
            return None
        self._seen[reading.door] = (reading.state, reading.at_elapsed)
        if reading.state is DoorState.UNKNOWN:
            return None
        opened = reading.state is DoorState.OPEN
        if opened == self._is_open(reading.door):
            if not opened:
                self._seen_closed.add(reading.door)
            return None
        edge = DoorEdge(reading.door, opened)
        cause = self._cause(edge, in_service=in_service)
        if cause is DoorCause.FORCED and not locked:
            cause = DoorCause.UNKNOWN
        self._keep(_Seen(edge, cause, self._time.taken()))
        return edge

    @property
    def waiting(self) -> bool:
        """Whether edges wait to be written."""
        return bool(self._waiting)

    def write(self) -> None:
        """Append the events of the waiting edges, in the caller's transaction."""
        for seen in self._waiting:
            if seen.edge.opened:
                self._write_opened(seen)
            else:
                self._write_closed(seen)

    def written(self) -> None:
        """Forget the waiting edges: the transaction of `write` was committed."""
        self._waiting.clear()

    def _keep(self, seen: _Seen) -> None:
        if len(self._waiting) >= WAITING_MAX:
            log.error("door.edges_forgotten", extra={"count": len(self._waiting)})
            self._waiting.clear()
        self._waiting.append(seen)

    def _cause(self, edge: DoorEdge, *, in_service: bool) -> DoorCause:
        if not edge.opened:
            # What we expected has happened; the next opening is another one.
            self._expected.pop(edge.door, None)
            self._seen_closed.add(edge.door)
            return DoorCause.UNKNOWN
        expected = self._expected.get(edge.door)
        if expected is not None and self._time.elapsed() <= expected.until:
            return expected.cause
        if in_service:
            return DoorCause.SERVICE
        # A door that this boot never saw closed may have been opened before it.
        return DoorCause.FORCED if edge.door in self._seen_closed else DoorCause.UNKNOWN

    def _write_opened(self, seen: _Seen) -> None:
        self._opened_ms[seen.edge.door] = seen.taken.mono_ms
        door, at = seen.edge.door, seen.taken.at.isoformat()
        self._store.write("INSERT OR REPLACE INTO open_door VALUES (?, ?, ?)", door, seen.cause, at)
        self._outbox.append("door.opened", DoorMoved(door, seen.cause), seen.taken)

    def _write_closed(self, seen: _Seen) -> None:
        door = seen.edge.door
        row = self._store.row("SELECT cause, opened_at FROM open_door WHERE door = ?", door)
        cause = DoorCause.UNKNOWN if row is None else DoorCause(row[0])
        seconds = None if row is None else self._open_seconds(door, row[1], seen.taken)
        self._store.write("DELETE FROM open_door WHERE door = ?", door)
        self._outbox.append("door.closed", DoorMoved(door, cause, seconds), seen.taken)

    def _open_seconds(self, door: str, opened_at: str, closed: Taken) -> float:
        """By elapsed time where this boot saw the opening: the clock may have been set since."""
        opened_ms = self._opened_ms.get(door)
        if opened_ms is not None:
            return round((closed.mono_ms - opened_ms) / MILLISECONDS, 3)
        # The clock may have been set back in between; a duration is never negative.
        opened = datetime.fromisoformat(opened_at)
        return max(0.0, round((closed.at - opened).total_seconds(), 3))

    def _is_open(self, door: str) -> bool:
        for seen in reversed(self._waiting):
            if seen.edge.door == door:
                return seen.edge.opened
        return self._store.row("SELECT 1 FROM open_door WHERE door = ?", door) is not None
