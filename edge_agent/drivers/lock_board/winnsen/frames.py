"""Winnsen frames, pure: bytes <-> frozen dataclasses (hardware reference 1.1 E).

`90 06 FN STATION LOCK 03` asks, `90 07 FN+80 STATION A B 03` answers. There is no check byte, so
start, length, function and end must all fit, and whoever asked compares station and lock with
what he asked for. Versions of the source disagree which of A and B of a status reply is the lock.
"""

from dataclasses import dataclass
from enum import IntEnum

from edge_agent.drivers.receive_buffer import SKIP, ReceiveBuffer

START = 0x90
END = 0x03
REQUEST_BYTES = 6
REPLY_BYTES = 7
FRAME_BYTES_MAX = REPLY_BYTES
STATIONS = 4  # two DIP switches (LockerController.kt)
LOCKS_MAX = 16  # of one board (WinnsenProtocol.kt)

STATUS_OPEN = 0x01
STATUS_CLOSED = 0x00


class WinnsenFunction(IntEnum):
    """Function bytes (WinnsenProtocol.kt)."""

    UNLOCK = 0x05
    STATUS = 0x12
    UNLOCK_REPLY = 0x85
    STATUS_REPLY = 0x92


class UnlockResult(IntEnum):
    """Status byte of an unlock reply; 2 only in later firmware."""

    FAILED = 0
    OPENED = 1
    COOLDOWN = 2


FRAME_BYTES = {
    WinnsenFunction.UNLOCK: REQUEST_BYTES,
    WinnsenFunction.STATUS: REQUEST_BYTES,
    WinnsenFunction.UNLOCK_REPLY: REPLY_BYTES,
    WinnsenFunction.STATUS_REPLY: REPLY_BYTES,
}


@dataclass(frozen=True, slots=True)
class WinnsenFrame:
    """A frame of the right shape; `data` is the lock, in a reply two bytes."""

    function: WinnsenFunction
    station: int
    data: bytes

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        length = FRAME_BYTES[self.function]
        return bytes((START, length, self.function, self.station)) + self.data + bytes((END,))


def unlock_request(station: int, lock: int) -> bytes:
    """Pulse one lock; it counts from 1 here and on the wire."""
    return WinnsenFrame(WinnsenFunction.UNLOCK, station, bytes((lock,))).encode()


def status_request(station: int, lock: int) -> bytes:
    """Ask for one lock; there is no question for all of them."""
    return WinnsenFrame(WinnsenFunction.STATUS, station, bytes((lock,))).encode()


class WinnsenParser(ReceiveBuffer[WinnsenFrame]):
    """A receive buffer for both directions; holds less than FRAME_BYTES_MAX after each feed."""

    def __init__(self) -> None:
        super().__init__(_length_at_start, _frame_of)


def _length_at_start(buffer: bytearray) -> int | None:
    if buffer[0] != START:
        return SKIP
    if len(buffer) < 3:
        return None
    length, function = buffer[1], buffer[2]
    if function not in list(WinnsenFunction) or FRAME_BYTES[WinnsenFunction(function)] != length:
        return SKIP
    if len(buffer) < length:
        return None
    return length if buffer[length - 1] == END else SKIP


def _frame_of(whole: bytes) -> WinnsenFrame:
    return WinnsenFrame(WinnsenFunction(whole[2]), whole[3], whole[4:-1])
