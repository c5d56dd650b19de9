"""8A/80 frames, pure: bytes <-> frozen dataclasses (hardware reference 1.1 D).

Five bytes `HEAD BOARD LOCK CODE XOR` both ways, and the answer to "all locks", seven bytes
`80 BOARD G3 G2 G1 33 XOR`. The first five of those seven can look like a whole short frame, so
who listens to boards takes 80 for the long form only; a single lock is never asked for. Five bytes
with an exclusive or are soon right by chance (`8A 01` and the same again is), so board, lock and
code must be such as exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.receive_buffer import SKIP, ReceiveBuffer, exclusive_or

LOCKS = 24
BOARDS = range(1, 32)  # up to 31 boards in cascade (allinbest.com, product family)
SHORT_BYTES = 5
LONG_BYTES = 7
FRAME_BYTES_MAX = LONG_BYTES
ALL_LOCKS = 0x00
OPEN_CODE = 0x11
QUERY_CODE = 0x33
CLOSED_STATE = 0x11
OPEN_STATE = 0x00
CODES = (OPEN_CODE, QUERY_CODE, OPEN_STATE)


class EightAHead(IntEnum):
    """First bytes (public driver; 81 and 82 by the makers' boards that report by themselves)."""

    QUERY = 0x80
    LOCK_CHANGED = 0x81
    LOCK_CHANGED_TOO = 0x82
    OPEN = 0x8A


@dataclass(frozen=True, slots=True)
class LockFrame:
    """A short frame: request, answer to an opening, or report; `code` is its fourth byte."""

    head: EightAHead
    board: int
    lock: int
    code: int

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        body = bytes((self.head, self.board, self.lock, self.code))
        return body + bytes((exclusive_or(body),))


@dataclass(frozen=True, slots=True)
class AllLocksFrame:
    """The answer to "all locks": bit 0 of `closed` is lock 1, a bit of 1 is closed."""

    board: int
    closed: int

    def encode(self) -> bytes:
        """Return the frame's bytes; locks 17-24 come first."""
        body = bytes((EightAHead.QUERY, self.board)) + self.closed.to_bytes(3, "big")
        body += bytes((QUERY_CODE,))
        return body + bytes((exclusive_or(body),))


def open_request(board: int, lock: int) -> bytes:
    """Pulse one lock; it counts from 1 here and on the wire."""
    return LockFrame(EightAHead.OPEN, board, lock, OPEN_CODE).encode()


def query_all_request(board: int) -> bytes:
    """Ask one board for all its locks."""
    return LockFrame(EightAHead.QUERY, board, ALL_LOCKS, QUERY_CODE).encode()


def door_states(frame: AllLocksFrame) -> tuple[DoorState, ...]:
    """Read the bits of all locks, lock 1 first."""
    return tuple(
        DoorState.CLOSED if frame.closed >> lock & 1 else DoorState.OPEN for lock in range(LOCKS)
    )


def all_locks_reply(board: int, states: Sequence[DoorState]) -> bytes:
    """Build a board's answer to "all locks"."""
    closed = sum(1 << lock for lock, state in enumerate(states) if state is DoorState.CLOSED)
    return AllLocksFrame(board, closed).encode()


def lock_state(code: int) -> DoorState:
    """Read the state byte of a report; any other than 00 and 11 is UNKNOWN."""
    states = {CLOSED_STATE: DoorState.CLOSED, OPEN_STATE: DoorState.OPEN}
    return states.get(code, DoorState.UNKNOWN)


class RequestParser(ReceiveBuffer[LockFrame]):
    """What a board hears: short frames only. Holds less than SHORT_BYTES."""

    def __init__(self) -> None:
        super().__init__(_short_at_start, _short_frame)


class AnswerParser(ReceiveBuffer[LockFrame | AllLocksFrame]):
    """What boards say. Holds less than FRAME_BYTES_MAX."""

    def __init__(self) -> None:
        super().__init__(_answer_at_start, _answer_frame)


def _short_at_start(buffer: bytearray) -> int | None:
    exists = (
        buffer[0] in list(EightAHead)
        and _board_exists(buffer)
        and (len(buffer) < 3 or buffer[2] <= LOCKS)
        and (len(buffer) < 4 or buffer[3] in CODES)
    )
    return _checked(buffer, SHORT_BYTES) if exists else SKIP


def _answer_at_start(buffer: bytearray) -> int | None:
    if buffer[0] != EightAHead.QUERY:
        return _short_at_start(buffer)
    ends_well = len(buffer) < LONG_BYTES - 1 or buffer[LONG_BYTES - 2] == QUERY_CODE
    return _checked(buffer, LONG_BYTES) if _board_exists(buffer) and ends_well else SKIP


def _board_exists(buffer: bytearray) -> bool:
    return len(buffer) < 2 or buffer[1] in BOARDS


def _checked(buffer: bytearray, length: int) -> int | None:
    if len(buffer) < length:
        return None
    return length if exclusive_or(buffer[: length - 1]) == buffer[length - 1] else SKIP


def _short_frame(whole: bytes) -> LockFrame:
    return LockFrame(EightAHead(whole[0]), *whole[1:4])


def _answer_frame(whole: bytes) -> LockFrame | AllLocksFrame:
    if len(whole) == SHORT_BYTES:
        return _short_frame(whole)
    return AllLocksFrame(whole[1], int.from_bytes(whole[2:5], "big"))
