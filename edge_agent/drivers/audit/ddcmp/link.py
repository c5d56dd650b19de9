"""The master's end of a DDCMP link: numbers its messages, acknowledges, asks again.

Timers are those of EVA-DTS 6.2, chapters 3 and 6. Half-duplex adapters give back what we send;
what is heard first and equals it is dropped, because an ACK of ours looks like one of theirs.
"""

from collections import deque

from edge_agent.clock import Clock
from edge_agent.drivers.audit.ddcmp.frames import (
    NUMBERS,
    Ack,
    Data,
    DdcmpParser,
    Message,
    Nack,
    Stack,
    Start,
)
from edge_agent.drivers.errors import BadFrameError, NoAnswerError
from edge_agent.drivers.line import Line, wait_for_quiet

START_SECONDS = 0.25
START_TRIES = 10
ACK_SECONDS = 0.17
ATTEMPTS = 5
LINK_SECONDS = 5.0  # a link is dead after this silence
TURN_SECONDS = 0.04
TURN_SECONDS_MAX = 0.4  # one that never stops talking is talked into
BYTE_GAP_SECONDS = 0.1  # 24 bytes at 2400 baud
MESSAGES_MAX = 64  # 8 bytes each: two full reads
SESSION_SECONDS_MAX = 300.0  # 60 KB at 2400 baud; the longest report known has 9 KB


class DdcmpLink:
    """One session on a line that is open at the starting rate."""

    def __init__(self, line: Line, clock: Clock, *, device: str) -> None:
        self._line = line
        self._clock = clock
        self._device = device
        self._parser = DdcmpParser()
        self._messages: deque[Message] = deque(maxlen=MESSAGES_MAX)
        self._echo = b""
        self._held = b""
        self._sent = 0
        self._received = 0
        self._heard_at = clock.elapsed()
        self._ends_at = clock.elapsed() + SESSION_SECONDS_MAX
        wait_for_quiet(line)

    def start(self, baud_code: int) -> Stack:
        """Open the link. Raises NoAnswerError."""
        for _ in range(START_TRIES):
            self._write(Start(baud_code))
            ends_at = self._clock.elapsed() + START_SECONDS
            while (left := ends_at - self._clock.elapsed()) > 0:
                message = self._next(left)
                if isinstance(message, Stack):
                    return message
        raise self._no_answer(f"no answer to {START_TRIES} starts", "START")

    def send(self, body: bytes, command: str) -> None:
        """Send a data message until it is acknowledged. Raises NoAnswerError."""
        self._sent = (self._sent + 1) % NUMBERS
        for _ in range(ATTEMPTS):
            self._write(Data(self._sent, self._received, body))
            if self._is_acknowledged():
                return
        raise self._no_answer(f"not acknowledged after {ATTEMPTS} attempts", command)

    def receive(self, command: str) -> Data:
        """Return the machine's next data message, acknowledged.

        Raises NoAnswerError after LINK_SECONDS without one, BadFrameError if none comes right.
        """
        wrong = 0
        ends_at = self._clock.elapsed() + LINK_SECONDS
        while (left := ends_at - self._clock.elapsed()) > 0:
            message = self._next(left)
            if not isinstance(message, Data):
                continue
            if message.is_good and self._is_new(message):
                self._received = message.number
                self._write(Ack(self._received))
                return message
            wrong += 1
            if wrong > ATTEMPTS:
                raise self.bad_frame(f"no right message in {wrong}", command)
            self._write(Ack(self._received) if message.is_good else Nack(self._received))
        raise self._no_answer(f"silent for {LINK_SECONDS} s", command)

    def bad_frame(self, reason: str, command: str) -> BadFrameError:
        """Make the error for a machine that cannot be understood."""
        return BadFrameError(reason, port=self._line.name, device=self._device, command=command)

    def _no_answer(self, reason: str, command: str) -> NoAnswerError:
        return NoAnswerError(reason, port=self._line.name, device=self._device, command=command)

    def _is_new(self, message: Data) -> bool:
        return message.number == (self._received + 1) % NUMBERS

    def _is_acknowledged(self) -> bool:
        """Wait for the acknowledgement of what was sent last; a new message may carry it."""
        ends_at = self._clock.elapsed() + ACK_SECONDS
        while (left := ends_at - self._clock.elapsed()) > 0 or self._parser.is_inside:
            message = self._next(max(left, BYTE_GAP_SECONDS))
            if isinstance(message, Data) and message.received == self._sent:
                self._messages.appendleft(message)
                return True
            if isinstance(message, Data):
                self._write(Ack(self._received))  # ours of that one was lost
            elif isinstance(message, Ack | Nack) and message.received == self._sent:
                return True
            elif isinstance(message, Nack):
                return False
        return False

    def _write(self, message: Message) -> None:
        """Send, but leave the machine its time to turn round."""
        latest = self._clock.elapsed() + TURN_SECONDS_MAX
        while (now := self._clock.elapsed()) < min(self._heard_at + TURN_SECONDS, latest):
            self._listen(self._heard_at + TURN_SECONDS - now)
        self._messages.extend(self._parser.feed(self._held))
        self._held = b""
        self._echo = message.encode()
        self._line.write(self._echo)

    def _next(self, seconds: float) -> Message | None:
        """Return the next message, or None after `seconds`; one that stopped as a bad one."""
        ends_at = self._clock.elapsed() + seconds
        if self._clock.elapsed() >= self._ends_at:
            raise self._no_answer(f"not done within {SESSION_SECONDS_MAX} s", "session")
        while not self._messages:
            now = self._clock.elapsed()
            left = ends_at - now
            if self._parser.is_inside:
                left = self._heard_at + BYTE_GAP_SECONDS - now
                if left <= 0:
                    self._messages.extend(self._parser.give_up())
                    continue
            elif left <= 0:
                return None
            self._listen(left)
        return self._messages.popleft()

    def _listen(self, seconds: float) -> None:
        data = self._line.read(seconds)
        if not data:
            return
        self._heard_at = self._clock.elapsed()
        self._messages.extend(self._parser.feed(self._without_echo(data)))

    def _without_echo(self, data: bytes) -> bytes:
        """Drop what we sent ourselves, in whatever pieces it comes back.

        A first byte that fits proves nothing: until the echo is whole or stops fitting, it is held.
        """
        self._held += data
        size = min(len(self._held), len(self._echo))
        if self._held[:size] == self._echo[:size] and len(self._held) < len(self._echo):
            return b""
        is_echo = self._echo and self._held.startswith(self._echo)
        heard = self._held[len(self._echo) :] if is_echo else self._held
        self._held = self._echo = b""
        return heard
