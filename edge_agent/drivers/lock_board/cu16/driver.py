"""Ask a CU16 board, wait, try again; quirks of the field included (hardware reference 1.1 A).

Some firmware does not answer an unlock, so the pulse waits a moment and drops what comes. One
deployment saw boards stay busy after an unlock until they got a 38, so a silent board gets one.
"""

from edge_agent.clock import Clock
from edge_agent.drivers.errors import BadFrameError, LockOutOfRangeError, NoAnswerError
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.lock_board.cu16 import frames
from edge_agent.drivers.lock_board.cu16.frames import Cu16Command, Cu16Frame, Cu16Parser
from edge_agent.drivers.lock_board.interface import SilentBoard
from edge_agent.drivers.lock_board.pulse import send_pulse
from edge_agent.drivers.lock_board.readings import DoorState

BAUD_RATE = 19_200  # factory setting
ANSWER_SECONDS = 0.15  # 14 bytes take 8 ms; drivers in the field re-read after 25-100 ms
STATUS_TRIES = 2  # a lost byte costs one more question, a dead board not the whole poll
SETTLE_SECONDS = 0.05  # between the pulse and the next question: within the 25-100 ms of the field


class Cu16Board(SilentBoard):
    """One CU16 board on a line, by its number 0-9."""

    def __init__(self, line: Line, clock: Clock, *, name: str, board: int = 0) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._board = board

    @property
    def locks(self) -> int:
        """How many locks the board has."""
        return frames.LOCKS

    def pulse(self, lock: int) -> None:
        """Send the opening pulse; see LockBoard.pulse."""
        if not 1 <= lock <= frames.LOCKS:
            raise LockOutOfRangeError(board=self._name, lock=lock, locks=frames.LOCKS)
        request = frames.unlock_request(self._board, lock)
        send_pulse(self._line, self._clock, request, _nothing, answer_seconds=SETTLE_SECONDS)

    def read_all(self) -> tuple[DoorState, ...]:
        """Read all locks; see LockBoard.read_all."""
        for _ in range(STATUS_TRIES - 1):
            try:
                return self._ask_status()
            except BadFrameError:
                continue
            except NoAnswerError:
                self._line.write(frames.unlock_time_request(self._board))
        return self._ask_status()

    def _ask_status(self) -> tuple[DoorState, ...]:
        return ask(
            self._line,
            self._clock,
            frames.status_request(self._board),
            self._take_status,
            device=self._name,
            command=Cu16Command.STATUS.name,
            answer_seconds=ANSWER_SECONDS,
        )

    def _take_status(self, heard: bytes) -> tuple[DoorState, ...] | None:
        for frame in Cu16Parser().feed(heard):
            if self._is_my_status(frame):
                return frames.door_states(frame)
        return None

    def _is_my_status(self, frame: Cu16Frame) -> bool:
        return frame.command is Cu16Command.STATUS_REPLY and frame.address >> 4 == self._board


def _nothing(_: bytes) -> None:
    """No word of this board on a pulse is known; what comes meanwhile is dropped."""
