"""The host's half of the FA FB conversation, pure: one command under way, told by its number.

The board is master: it polls, we answer with one command or nothing, it acknowledges. A command
that was not acknowledged is sent again with the same packet number, by which the board knows a
repetition; the number after it is always a new one, also when nothing was acknowledged, because
the board may have taken the command all the same. Times are elapsed seconds, passed in.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from edge_agent.drivers.spiral_board.fa_fb.frames import ACK, NUMBERS, FaFbCommand, FaFbFrame

TRIES_MAX = 5  # "both sides can resend packets up to 5 times" (2, communication rules)
REPEAT_SECONDS_MAX = 2.0  # five polls of 200 ms and slack; a restarted board has lost the numbers
QUEUE_MAX = 64  # a pause for each slot of a machine, and the questions; more is a defect of ours


class SendingState(Enum):
    """How far a command got."""

    WAITING = "waiting"  # not a byte was written
    SENT = "sent"  # written, not acknowledged: the board may have it
    TAKEN = "taken"  # acknowledged, or answered
    LOST = "lost"  # never acknowledged and not sent again: the board may have it


@dataclass(slots=True, eq=False)
class Sending:
    """A command on its way to the board. `repeats`: whether it may be sent more than once."""

    command: FaFbCommand
    text: bytes = b""
    repeats: bool = True
    state: SendingState = SendingState.WAITING
    number: int = 0
    tries: int = 0
    first_at: float = 0.0

    def encode(self) -> bytes:
        """Return its bytes; the same at each try."""
        return FaFbFrame(self.command, self.number, self.text).encode()


class Conversation:
    """Queue, packet numbers and repetitions of the host; what the board told twice is told once."""

    def __init__(self) -> None:
        self._queue: deque[Sending] = deque()
        self._current: Sending | None = None
        self._number = 1
        self._told: FaFbFrame | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return self._current is None and not self._queue

    def send(self, sending: Sending, *, first: bool = False) -> bool:
        """Queue a command once; say whether there was room. `first` goes ahead of all that wait."""
        if sending in self._queue:
            return True
        if len(self._queue) >= QUEUE_MAX:
            return False
        if first:
            self._queue.appendleft(sending)
        else:
            self._queue.append(sending)
        return True

    def withdraw(self, sending: Sending) -> bool:
        """Take back a command of which not a byte was written; say whether that was so."""
        if sending.state is not SendingState.WAITING:
            return False
        if sending in self._queue:
            self._queue.remove(sending)
        return True

    def answer_poll(self, now: float) -> bytes:
        """Return what to answer to a POLL; from here on its command counts as sent."""
        sending = self._current
        if sending is not None and not _may_repeat(sending, now):
            self._end(sending, SendingState.LOST)
            sending = None
        if sending is None and self._queue:
            sending = self._current = self._queue.popleft()
            sending.number, sending.first_at = self._number, now
            sending.state = SendingState.SENT
        if sending is None:
            return ACK.encode()
        sending.tries += 1
        return sending.encode()

    def acknowledged(self) -> None:
        """The board sent an ACK; without a command under way it means nothing."""
        if self._current is not None:
            self._end(self._current, SendingState.TAKEN)

    def answered(self, command: FaFbCommand) -> None:
        """The board told what only this command makes it tell, so it has it."""
        if self._current is not None and self._current.command is command:
            self._end(self._current, SendingState.TAKEN)

    def board_restarted(self) -> None:
        """The board has lost the numbers: what is under way must not be sent again."""
        if self._current is not None:
            self._current.repeats = False

    def is_news(self, frame: FaFbFrame) -> bool:
        """Say whether this is no repetition: the board repeats until it hears our ACK."""
        is_news, self._told = frame != self._told, frame
        return is_news

    def _end(self, sending: Sending, state: SendingState) -> None:
        sending.state = state
        self._current = None
        self._number = self._number % NUMBERS + 1


def _may_repeat(sending: Sending, now: float) -> bool:
    in_time = now - sending.first_at <= REPEAT_SECONDS_MAX
    return sending.repeats and sending.tries < TRIES_MAX and in_time
