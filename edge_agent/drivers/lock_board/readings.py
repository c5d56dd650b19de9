"""What a lock board says of a door."""

from enum import StrEnum


class DoorState(StrEnum):
    """The state of a door as its lock feedback tells it; a compartment not read is UNKNOWN."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"
