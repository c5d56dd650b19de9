"""Doors opened by hand: by an order of the server or by a technician on site, never for a sale.

What keeps goods from sale keeps no door shut here: taking them out is never blocked. A pulse alone
proves nothing, so an opening ends only when its door was seen open, or when its time is over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.errors import DoorBusyError, UnknownDoorError
from edge_agent.selling.inspection import Inspection
from protocol.events import DoorCause

OPENING_SECONDS_MAX = 10.0
"""A door that did not open within this long of the order was not opened by it."""


class OpeningOutcome(StrEnum):
    """How an opening ended."""

    OPENED = "opened"
    OPEN_ALREADY = "open_already"
    DID_NOT_OPEN = "did_not_open"
    PULSE_FAILED = "pulse_failed"  # the lock board did not take the order


@dataclass(frozen=True)
class Opening:
    """One door on its way; `until` in elapsed seconds."""

    order: str
    door: str
    until: float
    open_already: bool


class ServiceDoors:
    """Every door of the lock boards."""

    def __init__(
        self, look: Inspection, doors: frozenset[str], pulse: Callable[[str, str], None]
    ) -> None:
        self._look = look
        self._doors = doors
        self._pulse = pulse
        self._failed: dict[str, float] = {}

    def states(self) -> dict[str, DoorState]:
        """How each door stands, by name."""
        return {door: self._look.doors.state(door) for door in sorted(self._doors)}

    def open(self, name: str, order: str) -> Opening:
        """Open a door by its name or that of a slot behind it; `order` is a new id.

        Raises UnknownDoorError, DoorBusyError, DriverError; then nothing was done.
        """
        door = self._look.layout.targets.get(name, name)
        if door not in self._doors:
            raise UnknownDoorError(name)
        if self._look.busy(door):
            raise DoorBusyError(door)
        until = self._look.time.elapsed() + OPENING_SECONDS_MAX
        if self._look.doors.state(door) is DoorState.OPEN:
            return Opening(order, door, until, open_already=True)
        self._look.doors.expect(door, DoorCause.SERVICE, OPENING_SECONDS_MAX)
        self._pulse(door, order)
        return Opening(order, door, until, open_already=False)

    def pulse_failed(self, order: str) -> None:
        """Note that a pulse was surely not sent; kept as long as an opening may wait for it."""
        elapsed = self._look.time.elapsed()
        kept = {one: until for one, until in self._failed.items() if until > elapsed}
        self._failed = {**kept, order: elapsed + OPENING_SECONDS_MAX}

    def outcome(self, opening: Opening) -> OpeningOutcome | None:
        """How an opening ended; None while it may still open."""
        if opening.open_already:
            return OpeningOutcome.OPEN_ALREADY
        if self._look.doors.state(opening.door) is DoorState.OPEN:
            return OpeningOutcome.OPENED
        if opening.order in self._failed:
            return OpeningOutcome.PULSE_FAILED
        over = self._look.time.elapsed() >= opening.until
        return OpeningOutcome.DID_NOT_OPEN if over else None
