"""A KERONG CU48 lock board with 48 doors, byte for byte (hardware reference 1.1 B)."""

from edge_agent.drivers.lock_board.cu48 import frames
from edge_agent.drivers.lock_board.cu48.frames import Cu48Code, Cu48Form, Cu48Frame, Cu48Parser
from edge_agent.seed import Chance
from simulators.devices.lock_bank import SimulatedLocks


class SimulatedCu48(SimulatedLocks):
    """The board and its doors. `status_length_byte`: the other form of the status reply."""

    def __init__(
        self, chance: Chance, *, board: int = 0, auto_close_seconds: float | None = None
    ) -> None:
        super().__init__(chance, locks=frames.LOCKS, auto_close_seconds=auto_close_seconds)
        self.refuses = False
        self.status_length_byte = False
        self._board = board
        self._parser = Cu48Parser(Cu48Form.REQUEST)

    def _answers(self, heard: bytes) -> list[bytes]:
        return [self._answer_frame(frame) for frame in self._parser.feed(heard)]

    def _answer_frame(self, frame: Cu48Frame) -> bytes:
        if frame.board != self._board or self._was_busy():
            return b""
        if frame.code is Cu48Code.STATUS:
            with_length, bare = Cu48Form.STATUS_REPLY_WITH_LENGTH, Cu48Form.STATUS_REPLY
            form = with_length if self.status_length_byte else bare
            return frames.status_reply(self._board, self._all_sensed(), form)
        refused = self.refuses or frame.lock >= frames.LOCKS
        if not refused:
            self._pulse([frame.lock + 1])
        code = Cu48Code.FAILURE if refused else Cu48Code.SUCCESS
        return Cu48Frame(self._board, frame.lock, code, b"\x00").encode()
