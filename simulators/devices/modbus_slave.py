"""A Modbus RTU slave on a simulated bus: the part that every such device has in common.

Requests are found in the stream by their CRC, at any offset, so that rubbish and the traffic of
other devices pass by. A device gives it two functions: what stands in a table (function code ->
address -> word or bit) now, and what a write does.
"""

import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge_agent.drivers.modbus.frames import (
    BIT_FUNCTIONS,
    COIL_ON,
    EXCEPTION_BIT,
    REGISTERS_MAX,
    ExceptionCode,
    Function,
    is_whole,
    with_crc,
)
from edge_agent.seed import Chance
from simulators.devices.wire_faults import WireFaults

REQUEST_BYTES = 8  # of every request but WRITE_MULTIPLE, which adds a byte count and its words
BUFFER_BYTES_MAX = 64  # longer than any write our devices take; older bytes start nothing more
WRITES = (Function.WRITE_COIL, Function.WRITE_SINGLE, Function.WRITE_MULTIPLE)
KNOWN = frozenset(int(function) for function in Function)
WORD = 0xFFFF

Table = Mapping[int, int]


class RefusedError(Exception):
    """The device answers an exception code."""

    def __init__(self, code: ExceptionCode) -> None:
        self.code = code
        super().__init__(code.name)


def refuse_write(_: Table) -> None:
    """For a device that can only be read."""
    raise RefusedError(ExceptionCode.ILLEGAL_FUNCTION)


@dataclass(slots=True)
class SlaveFaults:
    """Faults of any slave; a stale one repeats the tables it showed last."""

    wire: WireFaults = field(default_factory=WireFaults)
    exception: ExceptionCode | None = None
    stale: bool = False


class ModbusSlave:
    """Answers for one address. `lock` guards the device against the bus thread and people's."""

    def __init__(
        self,
        chance: Chance,
        *,
        address: int,
        show: Callable[[Function], Table | None],
        write: Callable[[Table], None] = refuse_write,
        registers_max: int = REGISTERS_MAX,
    ) -> None:
        self.address = address
        self.faults = SlaveFaults()
        self.lock = threading.RLock()
        self._chance = chance
        self._show = show
        self._write = write
        self._registers_max = registers_max
        self._shown: dict[Function, Table | None] = {}
        self._buffer = bytearray()

    def answer(self, heard: bytes) -> bytes:
        """Answer the requests that these bytes complete."""
        with self.lock:
            self._buffer += heard
            answers = b"".join(self._next_answers())
            del self._buffer[:-BUFFER_BYTES_MAX]
            return answers

    def _next_answers(self) -> list[bytes]:
        answers = []
        start = 0
        while start + REQUEST_BYTES <= len(self._buffer):
            frame = _request_at(self._buffer, start)
            if frame[0] == self.address and is_whole(frame):
                answer = with_crc(self._answer_request(frame))
                answers.append(self.faults.wire.applied_to(answer, self._chance))
                del self._buffer[: start + len(frame)]
                start = 0
            else:
                start += 1
        return answers

    def _answer_request(self, frame: bytes) -> bytes:
        device, function, first, second = struct.unpack(">BBHH", frame[:6])
        try:
            self._refuse_if_due(function)
            if function in WRITES:
                self._write(dict(enumerate(_words_written(frame), start=first)))
                return frame[:6]
            data = self._data(Function(function), range(first, first + second))
        except RefusedError as refused:
            return bytes((device, function | EXCEPTION_BIT, refused.code))
        return bytes((device, function, len(data))) + data

    def _refuse_if_due(self, function: int) -> None:
        if self.faults.exception is not None:
            raise RefusedError(self.faults.exception)
        if function not in KNOWN:
            raise RefusedError(ExceptionCode.ILLEGAL_FUNCTION)

    def _data(self, function: Function, wanted: range) -> bytes:
        table = self._table(function)
        if table is None:
            raise RefusedError(ExceptionCode.ILLEGAL_FUNCTION)
        is_bits = function in BIT_FUNCTIONS
        if not wanted or (len(wanted) > self._registers_max and not is_bits):
            raise RefusedError(ExceptionCode.ILLEGAL_VALUE)
        if not all(number in table for number in wanted):
            raise RefusedError(ExceptionCode.ILLEGAL_ADDRESS)
        values = [table[number] for number in wanted]
        if is_bits:
            packed = sum(bool(value) << index for index, value in enumerate(values))
            return packed.to_bytes((len(values) + 7) // 8, "little")
        return struct.pack(f">{len(values)}H", *(value & WORD for value in values))

    def _table(self, function: Function) -> Table | None:
        if not self.faults.stale or function not in self._shown:
            self._shown[function] = self._show(function)
        return self._shown[function]


def _request_at(buffer: bytearray, start: int) -> bytes:
    """Return the bytes of the request that would begin here, whole or not."""
    length = REQUEST_BYTES
    if buffer[start + 1] == Function.WRITE_MULTIPLE:
        length += 1 + buffer[start + 6]
    return bytes(buffer[start : start + length])


def _words_written(frame: bytes) -> tuple[int, ...]:
    """Read the words of a write; a single one, or a coil, stands where the count would."""
    if frame[1] == Function.WRITE_COIL:
        return (int(struct.unpack(">H", frame[4:6])[0] == COIL_ON),)
    data = frame[7:-2] if frame[1] == Function.WRITE_MULTIPLE else frame[4:6]
    if len(data) % 2:
        raise RefusedError(ExceptionCode.ILLEGAL_VALUE)
    return struct.unpack(f">{len(data) // 2}H", data)
