"""An 8A/80 lock board with 24 doors, byte for byte (hardware reference 1.1 D).

Opening all its locks happens at once here; a real board takes up to 10 s, one lock at a time.
"""

from edge_agent.drivers.lock_board.eight_a import frames
from edge_agent.drivers.lock_board.eight_a.frames import EightAHead, LockFrame, RequestParser
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.seed import Chance
from simulators.devices.lock_bank import SimulatedLocks


class SimulatedEightA(SimulatedLocks):
    """The board and its doors. `inverted_feedback`: contacts that close when the lock opens."""

    def __init__(
        self, chance: Chance, *, board: int = 1, auto_close_seconds: float | None = None
    ) -> None:
        super().__init__(chance, locks=frames.LOCKS, auto_close_seconds=auto_close_seconds)
        self.inverted_feedback = False
        self.report_head: EightAHead | None = None
        self._board = board
        self._parser = RequestParser()
        self._reported = self._all_sensed()

    def _answers(self, heard: bytes) -> list[bytes]:
        return [self._answer_frame(frame) for frame in self._parser.feed(heard)]

    def _reports(self) -> list[bytes]:
        sensed, before = self._all_sensed(), self._reported
        self._reported = sensed
        if self.report_head is None:
            return []
        return [
            LockFrame(self.report_head, self._board, lock, self._code(lock)).encode()
            for lock, state in enumerate(sensed, 1)
            if state is not before[lock - 1]
        ]

    def _answer_frame(self, frame: LockFrame) -> bytes:
        if frame.board != self._board or self._was_busy():
            return b""
        if frame.head is EightAHead.QUERY and frame.code == frames.QUERY_CODE:
            return self._answer_query(frame)
        if frame.head is not EightAHead.OPEN or frame.code != frames.OPEN_CODE:
            return b""
        if frame.lock == frames.ALL_LOCKS:
            self._pulse(range(1, frames.LOCKS + 1))
            return frame.encode()
        if frame.lock > frames.LOCKS:
            return b""
        self._pulse([frame.lock])
        return LockFrame(frame.head, frame.board, frame.lock, self._code(frame.lock)).encode()

    def _answer_query(self, frame: LockFrame) -> bytes:
        if frame.lock == frames.ALL_LOCKS:
            states = [
                DoorState.CLOSED if self._code(lock) == frames.CLOSED_STATE else DoorState.OPEN
                for lock in range(1, frames.LOCKS + 1)
            ]
            return frames.all_locks_reply(self._board, states)
        if frame.lock > frames.LOCKS:
            return b""
        return LockFrame(frame.head, frame.board, frame.lock, self._code(frame.lock)).encode()

    def _code(self, lock: int) -> int:
        is_closed = (self._sensed(lock) is DoorState.CLOSED) is not self.inverted_feedback
        return frames.CLOSED_STATE if is_closed else frames.OPEN_STATE
