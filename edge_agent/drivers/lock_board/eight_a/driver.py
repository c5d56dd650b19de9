"""Ask an 8A/80 board, wait, try again; some boards of the family also report changes unasked.

The answer to an opening is not judged: 11 there means "closed", "unlock failed" or, on a
half-duplex adapter, our own echo, and 00 only that the contact is open. The door is the proof.
Makers wire the feedback contact both ways (`inverted_feedback`).
"""

from edge_agent.clock import Clock
from edge_agent.drivers.errors import BadFrameError, LockOutOfRangeError, NoAnswerError
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.lock_board.eight_a import frames
from edge_agent.drivers.lock_board.eight_a.frames import (
    AllLocksFrame,
    AnswerParser,
    EightAHead,
    LockFrame,
)
from edge_agent.drivers.lock_board.interface import DoorEvent
from edge_agent.drivers.lock_board.pulse import send_pulse
from edge_agent.drivers.lock_board.readings import DoorState

BAUD_RATE = 9_600
ANSWER_SECONDS = 0.2  # 12 bytes take 13 ms; the public driver names no time
STATUS_TRIES = 2  # a lost byte costs one more question, a dead board not the whole poll
SETTLE_SECONDS = 0.2  # the answer to an opening, or that long, before the next question

REPORTS = (EightAHead.LOCK_CHANGED, EightAHead.LOCK_CHANGED_TOO)
INVERSE = {DoorState.OPEN: DoorState.CLOSED, DoorState.CLOSED: DoorState.OPEN}


class EightABoard:
    """One 8A/80 board on a line, by its number 1-31."""

    speaks_unasked = True

    def __init__(
        self, line: Line, clock: Clock, *, name: str, board: int, inverted_feedback: bool = False
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._board = board
        self._inverted = inverted_feedback
        self._overheard = AnswerParser()

    @property
    def locks(self) -> int:
        """How many locks the protocol has room for; smaller boards leave the rest open."""
        return frames.LOCKS

    def pulse(self, lock: int) -> None:
        """Send the opening pulse; see LockBoard.pulse."""
        if not 1 <= lock <= frames.LOCKS:
            raise LockOutOfRangeError(board=self._name, lock=lock, locks=frames.LOCKS)
        request = frames.open_request(self._board, lock)

        def take(heard: bytes) -> bool | None:
            answers = AnswerParser().feed(heard.replace(request, b"", 1))
            return any(self._opened(frame, lock) for frame in answers) or None

        send_pulse(self._line, self._clock, request, take, answer_seconds=SETTLE_SECONDS)

    def read_all(self) -> tuple[DoorState, ...]:
        """Read all locks with one question; see LockBoard.read_all."""
        for _ in range(STATUS_TRIES - 1):
            try:
                return self._ask_states()
            except (BadFrameError, NoAnswerError):
                continue
        return self._ask_states()

    def hear(self, data: bytes) -> tuple[DoorEvent, ...]:
        """Reports of this board in what was heard; see LockBoard.hear."""
        return tuple(
            DoorEvent(frame.lock, self._true(frames.lock_state(frame.code)))
            for frame in self._overheard.feed(data)
            if isinstance(frame, LockFrame)
            and frame.board == self._board
            and frame.head in REPORTS
            and 1 <= frame.lock <= frames.LOCKS
        )

    def _ask_states(self) -> tuple[DoorState, ...]:
        return ask(
            self._line,
            self._clock,
            frames.query_all_request(self._board),
            self._take_states,
            device=self._name,
            command=EightAHead.QUERY.name,
            answer_seconds=ANSWER_SECONDS,
        )

    def _take_states(self, heard: bytes) -> tuple[DoorState, ...] | None:
        for frame in AnswerParser().feed(heard):
            if isinstance(frame, AllLocksFrame) and frame.board == self._board:
                return tuple(self._true(state) for state in frames.door_states(frame))
        return None

    def _true(self, state: DoorState) -> DoorState:
        return INVERSE.get(state, state) if self._inverted else state

    def _opened(self, frame: LockFrame | AllLocksFrame, lock: int) -> bool:
        return (
            isinstance(frame, LockFrame)
            and frame.head is EightAHead.OPEN
            and (frame.board, frame.lock) == (self._board, lock)
        )
