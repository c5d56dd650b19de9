"""WKLY frames, pure: bytes <-> frozen dataclasses (hardware reference 1.1 C).

`57 4B 4C 59 LEN BOARD CMD [DATA] XOR`: LEN counts the whole frame, XOR is over all bytes before
it. A length that the command cannot have ends a false start at once: else a broken length byte
would hold back up to 255 bytes of door reports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.receive_buffer import SKIP, ReceiveBuffer, exclusive_or

START = b"WKLY"
HEAD_BYTES = 7  # start, length, board, command
FRAME_BYTES_MIN = HEAD_BYTES + 1
FRAME_BYTES_MAX = 255  # the length is one byte
BOARDS = 32  # 0-31 (LockCtlBoardUtil.java, buildCommand)
LOCKS_MAX = FRAME_BYTES_MAX - FRAME_BYTES_MIN - 2  # what a reply to QUERY_ALL has room for

DONE = 0x00
FAILED = 0xFF
LOCK_STATES = {0x00: DoorState.OPEN, 0x01: DoorState.CLOSED}


class WklyCommand(IntEnum):
    """Command bytes (LockCtlBoardUtil.java and its unit test)."""

    OPEN_TOGETHER = 0x80
    FLASH_LED = 0x81
    OPEN = 0x82
    QUERY = 0x83
    QUERY_ALL = 0x84
    DOOR_CHANGED = 0x85
    OPEN_ALL = 0x86
    OPEN_IN_TURN = 0x87
    HOLD_CHANNEL = 0x88
    RELEASE_CHANNEL = 0x89


# Bytes of data by command: requests, answers, and the one byte FF of a failure. None: a list.
DATA_BYTES: dict[int, tuple[int, ...] | None] = {
    WklyCommand.OPEN_TOGETHER: None,
    WklyCommand.FLASH_LED: (1, 2),
    WklyCommand.OPEN: (1, 3),
    WklyCommand.QUERY: (1, 3),
    WklyCommand.QUERY_ALL: None,
    WklyCommand.DOOR_CHANGED: (2,),
    WklyCommand.OPEN_ALL: (0, 1, 2),
    WklyCommand.OPEN_IN_TURN: None,
    WklyCommand.HOLD_CHANNEL: (1, 2),
    WklyCommand.RELEASE_CHANNEL: (1, 2),
}


@dataclass(frozen=True, slots=True)
class WklyFrame:
    """A frame whose length fits its command and whose exclusive or is right."""

    board: int
    command: WklyCommand
    data: bytes = b""

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        length = FRAME_BYTES_MIN + len(self.data)
        body = START + bytes((length, self.board, self.command)) + self.data
        return body + bytes((exclusive_or(body),))


def open_request(board: int, lock: int) -> bytes:
    """Pulse one lock; it counts from 1 here and on the wire."""
    return WklyFrame(board, WklyCommand.OPEN, bytes((lock,))).encode()


def query_all_request(board: int) -> bytes:
    """Ask one board for all its locks."""
    return WklyFrame(board, WklyCommand.QUERY_ALL).encode()


def lock_state(value: int) -> DoorState:
    """Read one state byte; FF is a lock that could not be read, so is any other."""
    return LOCK_STATES.get(value, DoorState.UNKNOWN)


def door_states(frame: WklyFrame) -> tuple[DoorState, ...] | None:
    """Read an answer to QUERY_ALL, lock 1 first; None for a request or a failure."""
    if len(frame.data) < 2 or frame.data[0] != DONE:
        return None
    return tuple(lock_state(value) for value in frame.data[2:])


def query_all_reply(board: int, states: Sequence[DoorState]) -> bytes:
    """Build a board's answer to QUERY_ALL; a lock it cannot read is FF."""
    bytes_of = {state: value for value, state in LOCK_STATES.items()}
    values = bytes(bytes_of.get(state, FAILED) for state in states)
    data = bytes((DONE, len(states))) + values
    return WklyFrame(board, WklyCommand.QUERY_ALL, data).encode()


class WklyParser(ReceiveBuffer[WklyFrame]):
    """A receive buffer for both directions; holds less than FRAME_BYTES_MAX after each feed."""

    def __init__(self) -> None:
        super().__init__(_length_at_start, _frame_of)


def _length_at_start(buffer: bytearray) -> int | None:
    if not START.startswith(buffer[: len(START)]):
        return SKIP
    if len(buffer) < HEAD_BYTES:
        return None
    length = buffer[len(START)]
    fits = _fits(buffer, length - FRAME_BYTES_MIN)
    if fits is None:
        return None
    if not fits:
        return SKIP
    if len(buffer) < length:
        return None
    return length if exclusive_or(buffer[: length - 1]) == buffer[length - 1] else SKIP


def _fits(buffer: bytearray, data_bytes: int) -> bool | None:
    """Say whether the length fits the command; None when the bytes to tell have yet to come."""
    command = buffer[HEAD_BYTES - 1]
    if command not in DATA_BYTES or data_bytes < 0:
        return False
    sizes = DATA_BYTES[command]
    if sizes is not None:
        return data_bytes in sizes
    if data_bytes <= 1:  # a failure, or the bare request of QUERY_ALL
        return data_bytes == 1 or command == WklyCommand.QUERY_ALL
    if command == WklyCommand.QUERY_ALL:
        count_at, others = HEAD_BYTES + 1, 2
    else:  # `n id1..idn`, or an answer of status and channel, which never has room for less
        count_at, others = HEAD_BYTES, 1
    if len(buffer) <= count_at:
        return None
    return data_bytes == others + buffer[count_at] or (others == 1 and data_bytes == 2)


def _frame_of(whole: bytes) -> WklyFrame:
    return WklyFrame(
        whole[len(START) + 1], WklyCommand(whole[HEAD_BYTES - 1]), whole[HEAD_BYTES:-1]
    )
