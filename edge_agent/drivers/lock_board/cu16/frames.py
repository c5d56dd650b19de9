"""CU16 frames, pure: bytes <-> frozen dataclasses (hardware reference 1.1 A).

`02 ADDR CMD [DATA] 03 SUM`, SUM = low byte of the sum of all bytes before it. The protocol has no
length byte, so the length follows from the command.

Left out, because no public source says its length: the answer 36 to "status of all boards".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.receive_buffer import SKIP, ReceiveBuffer, low_sum

START = 0x02
END = 0x03
LOCKS = 16
BOARDS = 10  # 0x0-0x9 in the high nibble of the address
FRAME_BYTES_MAX = 9
STATUS_DATA_BYTES = 4


class Cu16Command(IntEnum):
    """Command bytes (KR-CU16_locker constants.py; lkaas-kerong command.rs, status.rs)."""

    STATUS = 0x30
    UNLOCK = 0x31
    STATUS_ALL_BOARDS = 0x32
    UNLOCK_ALL = 0x33
    STATUS_REPLY = 0x35
    UNLOCK_TIME = 0x37
    UNLOCK_TIME_QUERY = 0x38
    UNLOCK_DELAYED = 0x39


# Whole frame lengths, shortest first. 38 is asked with 5 bytes; its reply carries two.
FRAME_BYTES: dict[int, tuple[int, ...]] = {
    Cu16Command.STATUS: (5,),
    Cu16Command.UNLOCK: (5,),
    Cu16Command.STATUS_ALL_BOARDS: (5,),
    Cu16Command.UNLOCK_ALL: (5,),
    Cu16Command.STATUS_REPLY: (9,),
    Cu16Command.UNLOCK_TIME: (7,),
    Cu16Command.UNLOCK_TIME_QUERY: (5, 7),
    Cu16Command.UNLOCK_DELAYED: (6,),
}


@dataclass(frozen=True, slots=True)
class Cu16Frame:
    """A frame whose sum is right."""

    address: int
    command: Cu16Command
    data: bytes = b""

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        body = bytes((START, self.address, self.command, *self.data, END))
        return body + bytes((low_sum(body),))


def status_request(board: int) -> bytes:
    """Ask one board (0-9) for its locks."""
    return Cu16Frame(board << 4, Cu16Command.STATUS).encode()


def unlock_request(board: int, lock: int) -> bytes:
    """Pulse one lock; `lock` counts from 1, on the wire it counts from 0."""
    return Cu16Frame(board << 4 | lock - 1, Cu16Command.UNLOCK).encode()


def unlock_time_request(board: int) -> bytes:
    """Ask for the unlock time; also wakes a board that stays busy after an unlock."""
    return Cu16Frame(board << 4, Cu16Command.UNLOCK_TIME_QUERY).encode()


def door_states(frame: Cu16Frame) -> tuple[DoorState, ...]:
    """Read the latch bits of a STATUS_REPLY, lock 1 first; a bit of 1 is closed."""
    latches = int.from_bytes(frame.data[:2], "little")
    return tuple(
        DoorState.CLOSED if latches >> lock & 1 else DoorState.OPEN for lock in range(LOCKS)
    )


def status_reply(board: int, states: Sequence[DoorState], items: int = 0) -> bytes:
    """Build the reply of a board; `items` holds the infrared bits, lock 1 lowest."""
    latches = sum(1 << lock for lock, state in enumerate(states) if state is DoorState.CLOSED)
    data = latches.to_bytes(2, "little") + items.to_bytes(2, "little")
    return Cu16Frame(board << 4, Cu16Command.STATUS_REPLY, data).encode()


class Cu16Parser(ReceiveBuffer[Cu16Frame]):
    """A receive buffer for both directions; holds less than FRAME_BYTES_MAX after each feed."""

    def __init__(self) -> None:
        super().__init__(_length_at_start, _frame_of)


def _length_at_start(buffer: bytearray) -> int | None:
    if buffer[0] != START:
        return SKIP
    if len(buffer) < 3:
        return None
    lengths = FRAME_BYTES.get(buffer[2], ())
    for length in lengths:
        if len(buffer) < length:
            return None
        if buffer[length - 2] == END and buffer[length - 1] == low_sum(buffer[: length - 1]):
            return length
    return SKIP


def _frame_of(whole: bytes) -> Cu16Frame:
    return Cu16Frame(whole[1], Cu16Command(whole[2]), whole[3:-2])
