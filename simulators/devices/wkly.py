"""A WKLY lock board, byte for byte (hardware reference 1.1 C).

It tells of each door whose sensor changed, by itself, also when an order opened it.
"""

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.wkly import frames
from edge_agent.drivers.lock_board.wkly.frames import WklyCommand, WklyFrame, WklyParser
from edge_agent.seed import Chance
from simulators.devices.lock_bank import SimulatedLocks

STATE_BYTES = {DoorState.OPEN: 0x00, DoorState.CLOSED: 0x01}


class SimulatedWkly(SimulatedLocks):
    """The board and its doors. `refuses` makes it answer every opening with FF."""

    def __init__(
        self,
        chance: Chance,
        *,
        board: int = 0,
        locks: int = 24,
        auto_close_seconds: float | None = None,
    ) -> None:
        super().__init__(chance, locks=locks, auto_close_seconds=auto_close_seconds)
        self.refuses = False
        self.reports_changes = True
        self._board = board
        self._parser = WklyParser()
        self._reported = self._all_sensed()

    def _answers(self, heard: bytes) -> list[bytes]:
        return [self._answer_frame(frame) for frame in self._parser.feed(heard)]

    def _reports(self) -> list[bytes]:
        sensed, before = self._all_sensed(), self._reported
        self._reported = sensed
        changed = [lock for lock, state in enumerate(sensed, 1) if state is not before[lock - 1]]
        return [self._report(lock) for lock in changed] if self.reports_changes else []

    def _report(self, lock: int) -> bytes:
        data = bytes((lock, STATE_BYTES[self._sensed(lock)]))
        return WklyFrame(self._board, WklyCommand.DOOR_CHANGED, data).encode()

    def _answer_frame(self, frame: WklyFrame) -> bytes:
        if frame.board != self._board or self._was_busy():
            return b""
        if frame.command is WklyCommand.QUERY_ALL and not frame.data:
            return frames.query_all_reply(self._board, self._all_sensed())
        if frame.command not in {WklyCommand.OPEN, WklyCommand.OPEN_ALL}:
            return b""
        if self.refuses or (frame.data and not 1 <= frame.data[0] <= self._locks):
            return WklyFrame(self._board, frame.command, bytes((frames.FAILED,))).encode()
        if frame.command is WklyCommand.OPEN_ALL:
            self._pulse(range(1, self._locks + 1))
            return WklyFrame(self._board, frame.command, bytes((frames.DONE,))).encode()
        lock = frame.data[0]
        self._pulse([lock])
        data = bytes((frames.DONE, lock, STATE_BYTES[self._sensed(lock)]))
        return WklyFrame(self._board, frame.command, data).encode()
