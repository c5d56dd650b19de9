"""A Modbus slave whose register counts its own readings: each value served is one reading taken.

Address 0x0001 (input) is the count, 0x0002 a constant. The log says when which value was served,
so that what arrives at the other end can be compared with what a poller had in its hands.
"""

import struct
import threading
from dataclasses import dataclass

from edge_agent.clock import Clock
from edge_agent.drivers.modbus.frames import Function, is_whole, with_crc

REQUEST_BYTES = 8
BUFFER_BYTES_MAX = 64
COUNT_MAX = 30_000
"""A signed word in tenths; more readings than any phase takes."""
CONSTANT = 500


@dataclass(frozen=True)
class Served:
    """One value that left for the poller at elapsed second `at`."""

    value: int
    at: float


class CountingProbe:
    """One slave on a simulated bus."""

    def __init__(self, clock: Clock, address: int, *, counts: bool) -> None:
        self.log: list[Served] = []
        self._clock = clock
        self._address = address
        self._counts = counts
        self._count = 0
        self._buffer = bytearray()
        self._lock = threading.Lock()

    def served(self) -> list[Served]:
        """Everything served so far."""
        with self._lock:
            return list(self.log)

    def tick(self, _elapsed: float) -> bytes:
        """It never speaks unasked."""
        return b""

    def answer(self, heard: bytes) -> bytes:
        """Answer the requests that these bytes complete."""
        with self._lock:
            self._buffer += heard
            answers = b""
            start = 0
            while start + REQUEST_BYTES <= len(self._buffer):
                frame = bytes(self._buffer[start : start + REQUEST_BYTES])
                if frame[0] == self._address and is_whole(frame):
                    answers += self._answer(frame)
                    del self._buffer[: start + REQUEST_BYTES]
                    start = 0
                else:
                    start += 1
            del self._buffer[:-BUFFER_BYTES_MAX]
            return answers

    def _answer(self, frame: bytes) -> bytes:
        _, function, first, count = struct.unpack(">BBHH", frame[:6])
        if function != Function.READ_INPUT:
            return b""
        words = [self._word(register) for register in range(first, first + count)]
        body = struct.pack(f">BBB{count}H", self._address, function, 2 * count, *words)
        return with_crc(body)

    def _word(self, register: int) -> int:
        if register != 1 or not self._counts:
            return CONSTANT
        self._count = self._count % COUNT_MAX + 1
        self.log.append(Served(self._count, self._clock.elapsed()))
        return self._count
