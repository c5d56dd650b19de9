"""Ask a WKLY board, wait, try again, and hear the door changes it tells unasked.

Several boards share a bus, so every frame is told by its board number; answers are told from the
echo of a half-duplex adapter by their length, because question and answer share a command byte.
"""

from edge_agent.clock import Clock
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    LockOutOfRangeError,
    NoAnswerError,
)
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.lock_board.interface import DoorEvent
from edge_agent.drivers.lock_board.pulse import send_pulse
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.wkly import frames
from edge_agent.drivers.lock_board.wkly.frames import WklyCommand, WklyFrame, WklyParser

BAUD_RATE = 9_600
LOCKS_DEFAULT = 24  # of the largest boards seen; the public driver itself was made for 12
ANSWER_SECONDS = 0.3  # 34 bytes of 24 locks take 36 ms; the public driver names no time
STATUS_TRIES = 2  # a lost byte costs one more question, a dead board not the whole poll


class WklyBoard:
    """One WKLY board on a line, by its number 0-31."""

    speaks_unasked = True

    def __init__(
        self, line: Line, clock: Clock, *, name: str, board: int = 0, locks: int = LOCKS_DEFAULT
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._board = board
        self._locks = locks
        self._overheard = WklyParser()

    @property
    def locks(self) -> int:
        """How many locks the settings say the board has."""
        return self._locks

    def pulse(self, lock: int) -> None:
        """Send the opening pulse; see LockBoard.pulse."""
        if not 1 <= lock <= self._locks:
            raise LockOutOfRangeError(board=self._name, lock=lock, locks=self._locks)

        def take(heard: bytes) -> bool | None:
            for frame in self._mine(heard, WklyCommand.OPEN):
                if frame.data[0] == frames.FAILED:
                    return False
                if len(frame.data) > 1 and frame.data[1] == lock:
                    return True
            return None

        request = frames.open_request(self._board, lock)
        done = send_pulse(self._line, self._clock, request, take, answer_seconds=ANSWER_SECONDS)
        if done is False:
            raise self._refused(f"lock {lock} failed", WklyCommand.OPEN)

    def read_all(self) -> tuple[DoorState, ...]:
        """Read all locks with one question; one the board did not tell of is UNKNOWN."""
        for _ in range(STATUS_TRIES - 1):
            try:
                return self._ask_states()
            except (BadFrameError, NoAnswerError):
                continue
        return self._ask_states()

    def hear(self, data: bytes) -> tuple[DoorEvent, ...]:
        """Reports of this board in what was heard; see LockBoard.hear."""
        return tuple(
            DoorEvent(frame.data[0], frames.lock_state(frame.data[1]))
            for frame in self._overheard.feed(data)
            if frame.board == self._board and frame.command is WklyCommand.DOOR_CHANGED
        )

    def _ask_states(self) -> tuple[DoorState, ...]:
        states = ask(
            self._line,
            self._clock,
            frames.query_all_request(self._board),
            self._take_states,
            device=self._name,
            command=WklyCommand.QUERY_ALL.name,
            answer_seconds=ANSWER_SECONDS,
        )
        untold = (DoorState.UNKNOWN,) * (self._locks - len(states))
        return states[: self._locks] + untold

    def _take_states(self, heard: bytes) -> tuple[DoorState, ...] | None:
        for frame in self._mine(heard, WklyCommand.QUERY_ALL):
            if frame.data[:1] == bytes((frames.FAILED,)):
                raise self._refused("the board could not read its locks", WklyCommand.QUERY_ALL)
            if (states := frames.door_states(frame)) is not None:
                return states
        return None

    def _mine(self, heard: bytes, command: WklyCommand) -> list[WklyFrame]:
        return [
            frame
            for frame in WklyParser().feed(heard)
            if frame.board == self._board and frame.command is command
        ]

    def _refused(self, reason: str, command: WklyCommand) -> DeviceRefusedError:
        return DeviceRefusedError(
            reason, port=self._line.name, device=self._name, command=command.name
        )
