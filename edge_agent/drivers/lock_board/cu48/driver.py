"""Ask a CU48 board, wait, try again; the disputed length byte is a setting.

Set wrong, no status frame is ever whole (but for one in 256 by its sum), so the doors are unknown
and the bus reports errors: visible at once on the bench.
"""

from edge_agent.clock import Clock
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    LockOutOfRangeError,
    NoAnswerError,
)
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.lock_board.cu48 import frames
from edge_agent.drivers.lock_board.cu48.frames import Cu48Code, Cu48Form, Cu48Parser
from edge_agent.drivers.lock_board.interface import SilentBoard
from edge_agent.drivers.lock_board.pulse import send_pulse
from edge_agent.drivers.lock_board.readings import DoorState

BAUD_RATE = 19_200  # [I] factory setting of its sister CU16; the source of CU48 names none
ANSWER_SECONDS = 0.15  # 18 bytes take 10 ms; the same patience as with a CU16
STATUS_TRIES = 2  # a lost byte costs one more question, a dead board not the whole poll


class Cu48Board(SilentBoard):
    """One CU48 board on a line, by its device number 0-255."""

    def __init__(
        self,
        line: Line,
        clock: Clock,
        *,
        name: str,
        board: int = 0,
        status_length_byte: bool = False,
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._board = board
        with_length, bare = Cu48Form.STATUS_REPLY_WITH_LENGTH, Cu48Form.STATUS_REPLY
        self._status_form = with_length if status_length_byte else bare

    @property
    def locks(self) -> int:
        """How many locks the board has."""
        return frames.LOCKS

    def pulse(self, lock: int) -> None:
        """Send the opening pulse; see LockBoard.pulse."""
        if not 1 <= lock <= frames.LOCKS:
            raise LockOutOfRangeError(board=self._name, lock=lock, locks=frames.LOCKS)

        def take(heard: bytes) -> Cu48Code | None:
            for frame in Cu48Parser(Cu48Form.OPEN_REPLY).feed(heard):
                if (frame.board, frame.lock) == (self._board, lock - 1):
                    return frame.code
            return None

        request = frames.open_request(self._board, lock)
        code = send_pulse(self._line, self._clock, request, take, answer_seconds=ANSWER_SECONDS)
        if code is Cu48Code.FAILURE:
            raise DeviceRefusedError(
                f"lock {lock} failed",
                port=self._line.name,
                device=self._name,
                command=Cu48Code.OPEN.name,
            )

    def read_all(self) -> tuple[DoorState, ...]:
        """Read all locks with one question; see LockBoard.read_all."""
        for _ in range(STATUS_TRIES - 1):
            try:
                return self._ask_status()
            except (BadFrameError, NoAnswerError):
                continue
        return self._ask_status()

    def _ask_status(self) -> tuple[DoorState, ...]:
        return ask(
            self._line,
            self._clock,
            frames.status_request(self._board),
            self._take_status,
            device=self._name,
            command=Cu48Code.STATUS.name,
            answer_seconds=ANSWER_SECONDS,
        )

    def _take_status(self, heard: bytes) -> tuple[DoorState, ...] | None:
        for frame in Cu48Parser(self._status_form).feed(heard):
            if frame.board == self._board:
                return frames.door_states(frame)
        return None
