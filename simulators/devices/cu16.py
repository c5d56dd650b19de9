"""A KERONG CU16 lock board with 16 doors, byte for byte (hardware reference 1.1 A).

It takes its vocabulary from the driver's frames so that the two cannot drift apart; the tests pin
both to the published vectors.
"""

from edge_agent.drivers.lock_board.cu16.frames import (
    LOCKS,
    Cu16Command,
    Cu16Frame,
    Cu16Parser,
    status_reply,
)
from edge_agent.seed import Chance
from simulators.devices.lock_bank import SimulatedLocks

UNLOCK_TIME_FACTORY = 50  # in 10 ms [?]: the reference leaves unit and factory value open


class SimulatedCu16(SimulatedLocks):
    """The board and its doors; once busy after an unlock it stays so until a 38 wakes it."""

    def __init__(
        self, chance: Chance, *, board: int = 0, auto_close_seconds: float | None = None
    ) -> None:
        super().__init__(chance, locks=LOCKS, auto_close_seconds=auto_close_seconds)
        self.acknowledges_unlock = False
        self._board = board
        self._parser = Cu16Parser()

    def _answers(self, heard: bytes) -> list[bytes]:
        return [self._answer_frame(frame) for frame in self._parser.feed(heard)]

    def _answer_frame(self, frame: Cu16Frame) -> bytes:
        if frame.address >> 4 != self._board:
            return b""
        is_wake_up = frame.command is Cu16Command.UNLOCK_TIME_QUERY
        if self._busy and not is_wake_up:
            return b""
        if is_wake_up and not frame.data:
            return self._answer_unlock_time(frame)
        if frame.command is Cu16Command.STATUS:
            return status_reply(self._board, self._all_sensed())
        locks = _locks_meant(frame)
        self._pulse(locks)
        return frame.encode() if self.acknowledges_unlock and locks else b""

    def _answer_unlock_time(self, frame: Cu16Frame) -> bytes:
        self._busy = False
        data = UNLOCK_TIME_FACTORY.to_bytes(2, "big")
        return Cu16Frame(frame.address, Cu16Command.UNLOCK_TIME_QUERY, data).encode()


def _locks_meant(frame: Cu16Frame) -> range:
    """Return the locks an unlock frame opens; none for any other frame."""
    if frame.command is Cu16Command.UNLOCK_ALL:
        return range(1, LOCKS + 1)
    lock = (frame.address & 0x0F) + 1
    return range(lock, lock + 1) if frame.command is Cu16Command.UNLOCK else range(0)
