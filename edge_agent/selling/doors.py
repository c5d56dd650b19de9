"""Doors: what moved, why, and for how long. An opening is the proof of a vend.

A door that no one has seen for a while is unknown, and an unknown door does not sell. What is open
is kept in the store, so that a closing after a reboot still knows its cause and duration.
"""

from dataclasses import dataclass
from datetime import datetime

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DeviceFailure, DoorReading
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import Store
from protocol.events import DoorCause, DoorMoved

FAILED_POLLS_MAX = 5
"""edge-agent, Drivers: a device is silent after 5 polls; its doors are unknown then."""


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

    def expect(self, door: str, cause: DoorCause, seconds: float) -> None:
        """Say that we are about to open a door, and why."""
        self._expected[door] = Expectation(cause, self._time.elapsed() + seconds)

    def forget(self, door: str) -> None:
        """Stop expecting a door."""
        self._expected.pop(door, None)

    def state(self, door: str) -> DoorState:
        """How the door stands, as far as it was seen lately."""
        state, at = self._seen.get(door, (DoorState.UNKNOWN, 0.0))
        return DoorState.UNKNOWN if self._time.elapsed() - at > self._stale_seconds else state

    def observe(self, reading: DoorReading | DeviceFailure) -> DoorEdge | None:
        """Take one reading; return the edge, if it is one. `record` must follow."""
        if isinstance(reading, DeviceFailure):
            if reading.consecutive >= FAILED_POLLS_MAX:
                for door in reading.parts:
                    self._seen.pop(door, None)
            return None
        self._seen[reading.door] = (reading.state, reading.at_elapsed)
        if reading.state is DoorState.UNKNOWN:
            return None
        opened = reading.state is DoorState.OPEN
        return DoorEdge(reading.door, opened) if opened != self._is_open(reading.door) else None

    def record(self, edge: DoorEdge, *, in_service: bool) -> None:
        """Append the event of an edge, in the caller's transaction."""
        if edge.opened:
            self._opened(edge.door, in_service=in_service)
        else:
            self._closed(edge.door)

    def _opened(self, door: str, *, in_service: bool) -> None:
        cause = DoorCause.SERVICE if in_service else DoorCause.UNKNOWN
        expected = self._expected.get(door)
        if expected is not None and self._time.elapsed() <= expected.until:
            cause = expected.cause
        at = self._time.now().isoformat()
        self._store.write("INSERT INTO open_door VALUES (?, ?, ?)", door, cause, at)
        self._outbox.append("door.opened", DoorMoved(door, cause))

    def _closed(self, door: str) -> None:
        # What we expected has happened; the next opening is another one.
        self._expected.pop(door, None)
        row = self._store.row("SELECT cause, opened_at FROM open_door WHERE door = ?", door)
        cause = DoorCause.UNKNOWN if row is None else DoorCause(row[0])
        seconds = None if row is None else _seconds(row[1], self._time.now())
        self._store.write("DELETE FROM open_door WHERE door = ?", door)
        self._outbox.append("door.closed", DoorMoved(door, cause, seconds))

    def _is_open(self, door: str) -> bool:
        return self._store.row("SELECT 1 FROM open_door WHERE door = ?", door) is not None


def _seconds(opened_at: str, now: datetime) -> float:
    # The clock may have been set back in between; a duration is never negative.
    return max(0.0, round((now - datetime.fromisoformat(opened_at)).total_seconds(), 3))
