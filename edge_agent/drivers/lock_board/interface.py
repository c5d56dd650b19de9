"""The one interface of every lock board, whatever its frames and polarity.

"Pulse sent" is never "door opened": `pulse` proves nothing, only a later `read_all` or an
unasked report does (hardware reference 1.1, lessons of Open-Locker issues 94, 302, 307).
"""

from dataclasses import dataclass
from typing import Protocol

from edge_agent.drivers.lock_board.readings import DoorState


@dataclass(frozen=True, slots=True)
class DoorEvent:
    """A door that a board told of unasked; `lock` counts from 1."""

    lock: int
    state: DoorState


class LockBoard(Protocol):
    """A board with locks numbered from 1."""

    @property
    def locks(self) -> int:
        """How many locks the board has."""
        ...

    @property
    def speaks_unasked(self) -> bool:
        """Whether it reports doors by itself, so that somebody must listen."""
        ...

    def pulse(self, lock: int) -> None:
        """Send the opening pulse to one lock, also when its sensor already says open.

        Raises PortGoneError if the bytes could not be handed to the port, LockOutOfRangeError;
        DeviceRefusedError where the board says that it did not pulse.
        """
        ...

    def read_all(self) -> tuple[DoorState, ...]:
        """Return the state of every lock, lock 1 first.

        Raises PortGoneError, NoAnswerError, BadFrameError, DeviceRefusedError.
        """
        ...

    def hear(self, data: bytes) -> tuple[DoorEvent, ...]:
        """Take all bytes heard on the bus, in order; return the reports of this board in them.

        A frame may come in pieces; at most one frame's bytes are held between calls.
        """
        ...


class SilentBoard:
    """Defaults of a board that never speaks unasked."""

    speaks_unasked = False

    def hear(self, data: bytes) -> tuple[DoorEvent, ...]:  # noqa: ARG002  # the protocol's signature
        """No report ever comes."""
        return ()
