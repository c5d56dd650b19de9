"""Ask a Winnsen board lock by lock within a budget; an answer that does not fit is no answer.

There is no question for all locks and no check byte. So a poll asks one lock after another for at
most SWEEP_SECONDS_MAX and goes on there next time; a lock that was not reached keeps its last
state for STATE_SECONDS_MAX, a lock that did not answer is UNKNOWN at once and never "closed".
"""

from edge_agent.clock import Clock
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    LockOutOfRangeError,
    NoAnswerError,
)
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.lock_board.interface import SilentBoard
from edge_agent.drivers.lock_board.pulse import send_pulse
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.winnsen import frames
from edge_agent.drivers.lock_board.winnsen.frames import (
    UnlockResult,
    WinnsenFrame,
    WinnsenFunction,
    WinnsenParser,
)

BAUD_RATE = 9_600
ANSWER_SECONDS = 0.2  # 13 bytes take 14 ms; the public driver waits 0.8-2 s, which stalls a bus
UNLOCK_SECONDS = 0.8  # the least the public driver waits; the board answers after the pulse
SWEEP_SECONDS_MAX = 1.0  # an order waits at most so long for a poll of 16 locks to end
FAILURES_MAX = 2  # locks in a row without an answer: the board is gone, not a byte
STATE_SECONDS_MAX = 5.0  # two sweeps of a slow board; older than this is unknown

STATES = {frames.STATUS_OPEN: DoorState.OPEN, frames.STATUS_CLOSED: DoorState.CLOSED}
REFUSALS = {
    UnlockResult.FAILED: "the board says the unlock failed",
    UnlockResult.COOLDOWN: "the lock cools down after too many pulses",
}


class WinnsenBoard(SilentBoard):
    """One board by its station number 0-3. `swapped_status`: the status stands before the lock."""

    def __init__(
        self,
        line: Line,
        clock: Clock,
        *,
        name: str,
        station: int = 0,
        locks: int = frames.LOCKS_MAX,
        swapped_status: bool = False,
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._station = station
        self._locks = locks
        self._swapped = swapped_status
        self._next = 1
        self._known: dict[int, tuple[DoorState, float]] = {}

    @property
    def locks(self) -> int:
        """How many locks the settings say the board has."""
        return self._locks

    def pulse(self, lock: int) -> None:
        """Send the opening pulse; the next poll begins with this lock. See LockBoard.pulse."""
        if not 1 <= lock <= self._locks:
            raise LockOutOfRangeError(board=self._name, lock=lock, locks=self._locks)
        self._next = lock
        self._known.pop(lock, None)

        def take(heard: bytes) -> UnlockResult | None:
            for frame in self._mine(heard, WinnsenFunction.UNLOCK_REPLY):
                if frame.data[0] == lock and frame.data[1] in list(UnlockResult):
                    return UnlockResult(frame.data[1])
            return None

        request = frames.unlock_request(self._station, lock)
        result = send_pulse(self._line, self._clock, request, take, answer_seconds=UNLOCK_SECONDS)
        if result in REFUSALS:
            raise DeviceRefusedError(
                REFUSALS[result],
                port=self._line.name,
                device=self._name,
                command=f"{WinnsenFunction.UNLOCK.name} {lock}",
            )

    def read_all(self) -> tuple[DoorState, ...]:
        """Read as many locks as the budget allows. Raises when not one of them answered."""
        began_at = self._clock.elapsed()
        failures, answered = 0, False
        for _ in range(self._locks):
            lock, self._next = self._next, self._next % self._locks + 1
            self._known.pop(lock, None)
            try:
                self._known[lock] = self._ask_state(lock), self._clock.elapsed()
                failures, answered = 0, True
            except (BadFrameError, NoAnswerError):
                failures += 1
                if failures == FAILURES_MAX and not answered:
                    raise
                if failures == FAILURES_MAX:
                    self._forget_before(began_at)
                    break
            if self._clock.elapsed() - began_at >= SWEEP_SECONDS_MAX:
                break
        return tuple(self._state(lock) for lock in range(1, self._locks + 1))

    def _forget_before(self, began_at: float) -> None:
        """The board went silent in the middle: what it said in earlier sweeps counts no more."""
        self._known = {lock: told for lock, told in self._known.items() if told[1] > began_at}

    def _state(self, lock: int) -> DoorState:
        state, read_at = self._known.get(lock, (DoorState.UNKNOWN, 0.0))
        is_fresh = self._clock.elapsed() - read_at <= STATE_SECONDS_MAX
        return state if is_fresh else DoorState.UNKNOWN

    def _ask_state(self, lock: int) -> DoorState:
        def take(heard: bytes) -> DoorState | None:
            for frame in self._mine(heard, WinnsenFunction.STATUS_REPLY):
                told, status = frame.data[::-1] if self._swapped else frame.data
                if told == lock and status in STATES:
                    return STATES[status]
            return None

        return ask(
            self._line,
            self._clock,
            frames.status_request(self._station, lock),
            take,
            device=self._name,
            command=f"{WinnsenFunction.STATUS.name} {lock}",
            answer_seconds=ANSWER_SECONDS,
        )

    def _mine(self, heard: bytes, function: WinnsenFunction) -> list[WinnsenFrame]:
        return [
            frame
            for frame in WinnsenParser().feed(heard)
            if frame.station == self._station and frame.function is function
        ]
