"""The one interface of every lock board, whatever its frames and polarity.

"Pulse sent" is never "door opened": `pulse` proves nothing, only a later `read_all` does
(hardware reference 1.1, lessons of Open-Locker issues 94, 302, 307).
"""

from typing import Protocol

from edge_agent.drivers.lock_board.readings import DoorState


class LockBoard(Protocol):
    """A board with locks numbered from 1."""

    @property
    def locks(self) -> int:
        """How many locks the board has."""
        ...

    def pulse(self, lock: int) -> None:
        """Send the opening pulse to one lock, also when its sensor already says open.

        Raises PortGoneError if the bytes could not be handed to the port, LockOutOfRangeError.
        """
        ...

    def read_all(self) -> tuple[DoorState, ...]:
        """Return the state of every lock, lock 1 first.

        Raises PortGoneError, NoAnswerError, BadFrameError, DeviceRefusedError.
        """
        ...
