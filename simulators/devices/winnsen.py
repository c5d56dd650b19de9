"""A Winnsen locker board, byte for byte (hardware reference 1.1 E); it has no check byte to break.

`swapped_status`: its status reply names the status before the lock. `cooldown_seconds`: how long
after a pulse the same lock takes no other (later firmware).
"""

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.winnsen import frames
from edge_agent.drivers.lock_board.winnsen.frames import (
    UnlockResult,
    WinnsenFrame,
    WinnsenFunction,
    WinnsenParser,
)
from edge_agent.seed import Chance
from simulators.devices.lock_bank import SimulatedLocks


class SimulatedWinnsen(SimulatedLocks):
    """The board and its doors; it says 0 of a lock whose latch did not move."""

    def __init__(
        self,
        chance: Chance,
        *,
        station: int = 0,
        locks: int = frames.LOCKS_MAX,
        auto_close_seconds: float | None = None,
    ) -> None:
        super().__init__(chance, locks=locks, auto_close_seconds=auto_close_seconds)
        self.swapped_status = False
        self.cooldown_seconds = 0.0
        self._station = station
        self._parser = WinnsenParser()
        self._pulsed_at: dict[int, float] = {}

    def _answers(self, heard: bytes) -> list[bytes]:
        return [self._answer_frame(frame) for frame in self._parser.feed(heard)]

    def _answer_frame(self, frame: WinnsenFrame) -> bytes:
        lock = frame.data[0]
        if frame.station != self._station or not 1 <= lock <= self._locks or self._was_busy():
            return b""
        if frame.function is WinnsenFunction.UNLOCK:
            data = bytes((lock, self._unlock(lock)))
            return WinnsenFrame(WinnsenFunction.UNLOCK_REPLY, self._station, data).encode()
        if frame.function is not WinnsenFunction.STATUS:
            return b""
        is_open = self._sensed(lock) is DoorState.OPEN
        status = frames.STATUS_OPEN if is_open else frames.STATUS_CLOSED
        data = bytes((status, lock) if self.swapped_status else (lock, status))
        return WinnsenFrame(WinnsenFunction.STATUS_REPLY, self._station, data).encode()

    def _unlock(self, lock: int) -> UnlockResult:
        pulsed_at = self._pulsed_at.get(lock)
        if pulsed_at is not None and self._elapsed - pulsed_at < self.cooldown_seconds:
            return UnlockResult.COOLDOWN
        self._pulsed_at[lock] = self._elapsed
        self._pulse([lock])
        return UnlockResult.OPENED if lock in self._opened_at else UnlockResult.FAILED
