"""CU48 frames, pure: bytes <-> frozen dataclasses (hardware reference 1.1 B).

All begin `02 DEV LOCK CODE` and end in the low byte of the sum of what stands before. Neither
length nor kind is in the frame, and a short answer can be the beginning of a long one, so who
listens says which form he waits for. Sources disagree whether a length byte 06 stands before the
status bytes: both forms are here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.receive_buffer import SKIP, ReceiveBuffer, low_sum

START = 0x02
END = 0x03
LOCKS = 48
STATUS_BYTES = LOCKS // 8
BOARDS = 256  # the device number is one byte (public driver: 0x00-0xFF)
FRAME_BYTES_MAX = 12


class Cu48Code(IntEnum):
    """Fourth bytes: two commands and what boards answer (public driver, cu.constants)."""

    STATUS = 0x60
    OPEN = 0x61
    SUCCESS = 0x75
    FAILURE = 0x00


class Cu48Form(Enum):
    """Forms of a frame: whole length, the codes it may carry, its fifth byte where it is fixed."""

    REQUEST = (6, (Cu48Code.STATUS, Cu48Code.OPEN), END)
    OPEN_REPLY = (6, (Cu48Code.SUCCESS, Cu48Code.FAILURE), None)
    STATUS_REPLY = (11, (Cu48Code.SUCCESS,), None)
    STATUS_REPLY_WITH_LENGTH = (12, (Cu48Code.SUCCESS,), STATUS_BYTES)

    def __init__(self, length: int, codes: tuple[Cu48Code, ...], fifth: int | None) -> None:
        self.length = length
        self.codes = codes
        self.fifth = fifth


@dataclass(frozen=True, slots=True)
class Cu48Frame:
    """A frame whose sum is right; `lock` counts from 0, `data` is what stands after the code."""

    board: int
    lock: int
    code: Cu48Code
    data: bytes

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        body = bytes((START, self.board, self.lock, self.code)) + self.data
        return body + bytes((low_sum(body),))


def status_request(board: int) -> bytes:
    """Ask one board for all its locks."""
    return Cu48Frame(board, 0, Cu48Code.STATUS, bytes((END,))).encode()


def open_request(board: int, lock: int) -> bytes:
    """Pulse one lock; `lock` counts from 1, on the wire it counts from 0."""
    return Cu48Frame(board, lock - 1, Cu48Code.OPEN, bytes((END,))).encode()


def door_states(frame: Cu48Frame) -> tuple[DoorState, ...]:
    """Read the bits of a status reply of either form, lock 1 first; a bit of 1 is closed."""
    closed = int.from_bytes(frame.data[-STATUS_BYTES:], "little")
    return tuple(
        DoorState.CLOSED if closed >> lock & 1 else DoorState.OPEN for lock in range(LOCKS)
    )


def status_reply(board: int, states: Sequence[DoorState], form: Cu48Form) -> bytes:
    """Build a board's status reply in one of its two forms."""
    closed = sum(1 << lock for lock, state in enumerate(states) if state is DoorState.CLOSED)
    head = b"" if form.fifth is None else bytes((form.fifth,))
    data = head + closed.to_bytes(STATUS_BYTES, "little")
    return Cu48Frame(board, 0, Cu48Code.SUCCESS, data).encode()


class Cu48Parser(ReceiveBuffer[Cu48Frame]):
    """A receive buffer for frames of one form; holds less than that form is long."""

    def __init__(self, form: Cu48Form) -> None:
        def length_at_start(buffer: bytearray) -> int | None:
            return _length_at_start(buffer, form)

        super().__init__(length_at_start, _frame_of)


def _length_at_start(buffer: bytearray, form: Cu48Form) -> int | None:
    if buffer[0] != START:
        return SKIP
    if len(buffer) > 3 and buffer[3] not in form.codes:
        return SKIP
    if len(buffer) > 4 and form.fifth not in (None, buffer[4]):
        return SKIP
    if len(buffer) < form.length:
        return None
    checked = low_sum(buffer[: form.length - 1]) == buffer[form.length - 1]
    return form.length if checked else SKIP


def _frame_of(whole: bytes) -> Cu48Frame:
    return Cu48Frame(whole[1], whole[2], Cu48Code(whole[3]), whole[4:-1])
