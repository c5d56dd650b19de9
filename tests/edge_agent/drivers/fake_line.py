"""A line whose far end is a simulated device in the same thread; time moves only by waiting."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from edge_agent.clock import ManualClock
from edge_agent.drivers.errors import PortGoneError
from edge_agent.drivers.line import AnswerCounts


class Answering(Protocol):
    """What the line needs of a device at its far end."""

    def answer(self, heard: bytes) -> bytes: ...


class FakeLine:
    """Behaves as SerialPort does: waits out its time-outs, dies when unplugged."""

    name = "fake"

    def __init__(
        self, devices: Sequence[Answering], clock: ManualClock, *, echo: bool = False
    ) -> None:
        self.counts = AnswerCounts()
        self.plugged = True
        self.is_open = True
        self.frozen = False
        self.chunk_bytes = 256
        self.openings = 0
        self.baud_rate = 0
        self.written: list[bytes] = []
        self._devices = devices
        self._clock = clock
        self._echo = echo
        self._handle_dead = False
        self._waiting: deque[int] = deque()

    def open(self) -> None:
        if self.is_open:
            return
        if not self.plugged:
            raise PortGoneError("cannot open", port=self.name)
        self.is_open = True
        self.openings += 1
        self.frozen = False

    def close(self) -> None:
        self.is_open = False
        self._handle_dead = False
        self._waiting.clear()

    def replace(self, devices: Sequence[Answering]) -> None:
        """Put other devices at the far end."""
        self._devices = devices

    def set_baud_rate(self, baud_rate: int) -> None:
        self._check()
        self.baud_rate = baud_rate

    def put(self, data: bytes) -> None:
        """Let bytes arrive that nobody asked for."""
        self._waiting.extend(data)

    def write(self, data: bytes) -> None:
        self._check()
        self.written.append(data)
        if self.frozen:
            return
        if self._echo:
            self.put(data)
        for device in self._devices:
            self.put(device.answer(data))

    def read(self, timeout_seconds: float) -> bytes:
        self._check()
        if not self._waiting:
            self._clock.advance(timeout_seconds)
            return b""
        count = min(self.chunk_bytes, len(self._waiting))
        self._clock.advance(0.0005)
        return bytes(self._waiting.popleft() for _ in range(count))

    def _check(self) -> None:
        self._handle_dead |= not self.plugged
        if self._handle_dead or not self.is_open:
            raise PortGoneError("gone", port=self.name)
