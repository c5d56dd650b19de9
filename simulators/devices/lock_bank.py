"""The doors of every simulated lock board: who opened them, what their sensors show, their faults.

The boards differ only in their words, so those are all that stands in their own files. People
move the doors by `open_door` and `close_door`.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.seed import Chance
from simulators.devices.wire_faults import WireFaults
from simulators.errors import NoSuchLockError


@dataclass(slots=True)
class LockFaults:
    """Faults of a board itself; lock numbers count from 1."""

    wire: WireFaults = field(default_factory=WireFaults)
    busy_after_unlock: bool = False
    stuck_latches: set[int] = field(default_factory=set)
    cut_sensors: set[int] = field(default_factory=set)


class SimulatedLocks:
    """The doors of one board. Safe to use from the bus thread and from people's threads."""

    def __init__(
        self, chance: Chance, *, locks: int, auto_close_seconds: float | None = None
    ) -> None:
        self.faults = LockFaults()
        self._chance = chance
        self._locks = locks
        self._auto_close_seconds = auto_close_seconds
        self._lock = threading.RLock()
        self._elapsed = 0.0
        self._opened_at: dict[int, float] = {}
        self._pulses: dict[int, int] = {}
        self._busy = False

    def is_open(self, lock: int) -> bool:
        """Say whether the door truly stands open, whatever its sensor says."""
        with self._lock:
            return lock in self._opened_at

    def pulses(self, lock: int) -> int:
        """Count the pulses this lock got."""
        with self._lock:
            return self._pulses.get(lock, 0)

    def open_door(self, lock: int) -> None:
        """Open a door without the board: a key, or force."""
        self._check(lock)
        with self._lock:
            self._opened_at.setdefault(lock, self._elapsed)

    def close_door(self, lock: int) -> None:
        """Shut a door; a stuck latch keeps whatever state it has."""
        self._check(lock)
        with self._lock:
            if lock not in self.faults.stuck_latches:
                self._opened_at.pop(lock, None)

    def tick(self, elapsed: float) -> bytes:
        """Let time pass: doors that close by themselves do; return what is said unasked."""
        with self._lock:
            self._elapsed = elapsed
            if self._auto_close_seconds is not None:
                for lock, opened_at in list(self._opened_at.items()):
                    if elapsed - opened_at >= self._auto_close_seconds:
                        self.close_door(lock)
            return self._arriving(self._reports())

    def answer(self, heard: bytes) -> bytes:
        """Carry out the requests that these bytes complete; return the answers."""
        with self._lock:
            return self._arriving(self._answers(heard))

    def _answers(self, heard: bytes) -> list[bytes]:
        """Answers to what these bytes complete; each board's own words."""
        raise NotImplementedError

    def _reports(self) -> list[bytes]:
        """What the board says unasked; most say nothing."""
        return []

    def _arriving(self, frames: Iterable[bytes]) -> bytes:
        return b"".join(self.faults.wire.applied_to(frame, self._chance) for frame in frames)

    def _was_busy(self) -> bool:
        """Say whether this question falls into the pause after an unlock; the next one will not."""
        busy, self._busy = self._busy, False
        return busy

    def _pulse(self, locks: Iterable[int]) -> None:
        for lock in locks:
            self._pulses[lock] = self._pulses.get(lock, 0) + 1
            if lock not in self.faults.stuck_latches:
                self._opened_at[lock] = self._elapsed
            self._busy = self.faults.busy_after_unlock

    def _sensed(self, lock: int) -> DoorState:
        """Tell what the feedback contact shows; with its wire cut the contact never closes."""
        is_open = lock in self._opened_at or lock in self.faults.cut_sensors
        return DoorState.OPEN if is_open else DoorState.CLOSED

    def _all_sensed(self) -> list[DoorState]:
        return [self._sensed(lock) for lock in range(1, self._locks + 1)]

    def _check(self, lock: int) -> None:
        if not 1 <= lock <= self._locks:
            raise NoSuchLockError(lock, self._locks)
