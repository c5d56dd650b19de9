"""One end of a DEX line: sends when it may, gives what is heard piece by piece, keeps the time.

The timers are those of EVA-DTS 6.2, chapter 4, seen from the reader.
"""

from collections import deque
from collections.abc import Collection

from edge_agent.clock import Clock
from edge_agent.drivers.audit.dex.frames import Block, Control, DexParser, Event
from edge_agent.drivers.errors import BadFrameError, NoAnswerError
from edge_agent.drivers.line import Line, wait_for_quiet

ANSWER_PAUSE_SECONDS = 0.01  # nobody answers sooner
ANSWER_PAUSE_SECONDS_MAX = 0.2  # one that never stops talking is talked into
BYTE_GAP_SECONDS = 0.2  # 0.1 for the sender, and as much for slow USB adapters
EVENTS_MAX = 512  # two full reads of controls alone; older ones of a babbler are dropped
SESSION_SECONDS_MAX = 180.0  # 100 KB at 9600 baud take 107 s; the longest report known has 9 KB


class DexLink:
    """The reader's end of the line for one session."""

    def __init__(self, line: Line, clock: Clock, *, device: str) -> None:
        self._line = line
        self._clock = clock
        self._device = device
        self._parser = DexParser()
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._heard_at = clock.elapsed()
        self._ends_at = clock.elapsed() + SESSION_SECONDS_MAX
        wait_for_quiet(line)

    def send(self, data: bytes) -> None:
        """Send a control or a block, not sooner than the other side can listen."""
        latest = self._clock.elapsed() + ANSWER_PAUSE_SECONDS_MAX
        while (now := self._clock.elapsed()) < min(self._heard_at + ANSWER_PAUSE_SECONDS, latest):
            self._listen(self._heard_at + ANSWER_PAUSE_SECONDS - now)
        self._line.write(data)

    def next_event(self, seconds: float) -> Event | None:
        """Return what is heard next, or None after `seconds`.

        A block that stops for longer than a byte may take is returned as a bad one. Raises
        NoAnswerError when the session has lasted too long, PortGoneError.
        """
        ends_at = self._clock.elapsed() + seconds
        if self._clock.elapsed() >= self._ends_at:
            raise self.no_answer(f"not done within {SESSION_SECONDS_MAX} s", "session")
        while not self._events:
            now = self._clock.elapsed()
            left = ends_at - now
            if self._parser.is_inside:
                left = self._heard_at + BYTE_GAP_SECONDS - now
                if left <= 0:
                    self._give_up_frame()
                    continue
            elif left <= 0:
                return None
            self._listen(left)
        return self._events.popleft()

    def expect(self, wanted: Collection[Control], seconds: float) -> Control | None:
        """Wait for one of these controls and pass over all else; None after `seconds`."""
        ends_at = self._clock.elapsed() + seconds
        while (left := ends_at - self._clock.elapsed()) > 0:
            event = self.next_event(left)
            if isinstance(event, Control) and event in wanted:
                return event
        return None

    def elapsed(self) -> float:
        """Return the clock's elapsed seconds."""
        return self._clock.elapsed()

    def no_answer(self, reason: str, command: str) -> NoAnswerError:
        """Make the error for a machine that says nothing."""
        return NoAnswerError(reason, port=self._line.name, device=self._device, command=command)

    def bad_frame(self, reason: str, command: str) -> BadFrameError:
        """Make the error for a machine that cannot be understood."""
        return BadFrameError(reason, port=self._line.name, device=self._device, command=command)

    def _listen(self, seconds: float) -> None:
        if data := self._line.read(seconds):
            self._heard_at = self._clock.elapsed()
            self._events.extend(self._parser.feed(data))

    def _give_up_frame(self) -> None:
        broken: Block | None = self._parser.give_up()
        if broken is not None:
            self._events.append(broken)
