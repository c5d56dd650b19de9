"""A KERONG CU16 lock board with 16 doors, byte for byte (hardware reference 1.1 A).

It takes its vocabulary from the driver's frames so that the two cannot drift apart; the tests pin
both to the published vectors. People move the doors by `open_door` and `close_door`.
"""

import threading
from dataclasses import dataclass, field

from edge_agent.drivers.lock_board.cu16.frames import (
    LOCKS,
    Cu16Command,
    Cu16Frame,
    Cu16Parser,
    status_reply,
)
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.seed import Chance
from simulators.devices.wire_faults import WireFaults
from simulators.errors import NoSuchLockError

UNLOCK_TIME_FACTORY = 50  # in 10 ms [?]: the reference leaves unit and factory value open


@dataclass(slots=True)
class Cu16Faults:
    """Faults of the board itself; lock numbers count from 1."""

    wire: WireFaults = field(default_factory=WireFaults)
    busy_after_unlock: bool = False
    acknowledges_unlock: bool = False
    stuck_latches: set[int] = field(default_factory=set)
    cut_sensors: set[int] = field(default_factory=set)


class SimulatedCu16:
    """The board and its doors. Safe to use from the bus thread and from people's threads."""

    def __init__(
        self, chance: Chance, *, board: int = 0, auto_close_seconds: float | None = None
    ) -> None:
        self.faults = Cu16Faults()
        self._chance = chance
        self._board = board
        self._auto_close_seconds = auto_close_seconds
        self._parser = Cu16Parser()
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
        _check(lock)
        with self._lock:
            self._opened_at.setdefault(lock, self._elapsed)

    def close_door(self, lock: int) -> None:
        """Shut a door; a stuck latch keeps whatever state it has."""
        _check(lock)
        with self._lock:
            if lock not in self.faults.stuck_latches:
                self._opened_at.pop(lock, None)

    def tick(self, elapsed: float) -> bytes:
        """Let time pass: doors that close by themselves do. The board never speaks unasked."""
        with self._lock:
            self._elapsed = elapsed
            if self._auto_close_seconds is not None:
                for lock, opened_at in list(self._opened_at.items()):
                    if elapsed - opened_at >= self._auto_close_seconds:
                        self.close_door(lock)
        return b""

    def answer(self, heard: bytes) -> bytes:
        """Carry out the requests that these bytes complete; return the answers."""
        with self._lock:
            answers = [self._answer_frame(frame) for frame in self._parser.feed(heard)]
            return b"".join(self.faults.wire.applied_to(answer, self._chance) for answer in answers)

    def _answer_frame(self, frame: Cu16Frame) -> bytes:
        if frame.address >> 4 != self._board:
            return b""
        is_wake_up = frame.command is Cu16Command.UNLOCK_TIME_QUERY
        if self._busy and not is_wake_up:
            return b""
        if is_wake_up and not frame.data:
            return self._answer_unlock_time(frame)
        if frame.command is Cu16Command.STATUS:
            return status_reply(self._board, self._sensed())
        return self._unlock(frame)

    def _answer_unlock_time(self, frame: Cu16Frame) -> bytes:
        self._busy = False
        data = UNLOCK_TIME_FACTORY.to_bytes(2, "big")
        return Cu16Frame(frame.address, Cu16Command.UNLOCK_TIME_QUERY, data).encode()

    def _unlock(self, frame: Cu16Frame) -> bytes:
        for lock in _locks_meant(frame):
            self._pulses[lock] = self._pulses.get(lock, 0) + 1
            if lock not in self.faults.stuck_latches:
                self._opened_at[lock] = self._elapsed
            self._busy = self.faults.busy_after_unlock
        acknowledges = self.faults.acknowledges_unlock and _locks_meant(frame)
        return frame.encode() if acknowledges else b""

    def _sensed(self) -> list[DoorState]:
        return [self._sensed_state(lock) for lock in range(1, LOCKS + 1)]

    def _sensed_state(self, lock: int) -> DoorState:
        """Tell what the feedback contact shows; with its wire cut the contact never closes."""
        is_open = lock in self._opened_at or lock in self.faults.cut_sensors
        return DoorState.OPEN if is_open else DoorState.CLOSED


def _locks_meant(frame: Cu16Frame) -> range:
    """Return the locks an unlock frame opens; none for any other frame."""
    if frame.command is Cu16Command.UNLOCK_ALL:
        return range(1, LOCKS + 1)
    lock = (frame.address & 0x0F) + 1
    return range(lock, lock + 1) if frame.command is Cu16Command.UNLOCK else range(0)


def _check(lock: int) -> None:
    if not 1 <= lock <= LOCKS:
        raise NoSuchLockError(lock, LOCKS)
