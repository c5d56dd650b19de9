"""What a self-test found; an order of the server and the technician on site get the same."""

import msgspec

from edge_agent.drivers.lock_board.readings import DoorState


class SelfTest(msgspec.Struct, frozen=True):
    """Doors by name with their state, codes of the open faults, whether the storage takes writes.

    Open faults do not fail it: they are told, and each has its own way to end.
    """

    doors: dict[str, str]
    faults: list[str]
    storage: bool

    @property
    def good(self) -> bool:
        """Whether the storage takes writes and every door can be seen."""
        return self.storage and str(DoorState.UNKNOWN) not in self.doors.values()
