"""An XY-MD02 temperature and humidity probe, byte for byte (hardware reference 1.2).

Requests are found in the stream by their CRC, at any offset, so that rubbish and the traffic of
other devices on the bus pass by. What it shows is a set value or a thermal curve with a little
noise, as a real probe's last digit never stands still.
"""

import struct
import threading
from dataclasses import dataclass, field

from edge_agent.drivers.modbus.frames import (
    DEVICE_ADDRESS_MAX,
    EXCEPTION_BIT,
    ExceptionCode,
    Function,
    is_whole,
    with_crc,
)
from edge_agent.seed import Chance
from simulators.devices.thermal import ThermalCurve
from simulators.devices.wire_faults import WireFaults

REQUEST_BYTES = 8  # of every request but WRITE_MULTIPLE, which adds a byte count and its words
BUFFER_BYTES_MAX = 64  # the longest request is 17 bytes; older bytes can start nothing any more
INPUT_TEMPERATURE = 0x0001
INPUT_HUMIDITY = 0x0002
WRITES = (Function.WRITE_SINGLE, Function.WRITE_MULTIPLE)
HOLDING_ADDRESS = 0x0101
HOLDING_BAUD = 0x0102
HOLDING_CORRECTIONS = (0x0103, 0x0104)
CORRECTION_TENTHS_MAX = 100
PROBE_OPEN_WORD = 0x8000  # below any rail: the reference names no value; detection asks for range
UNASKED_SECONDS = 1.0
UNASKED_TEXT = "{celsius:.1f}C,{humidity:.1f}%\r\n"


@dataclass(slots=True)
class XyMd02Faults:
    """Faults of the probe."""

    wire: WireFaults = field(default_factory=WireFaults)
    exception: ExceptionCode | None = None
    stale: bool = False
    probe_open: bool = False
    ordinary_protocol: bool = False


class SimulatedXyMd02:
    """The probe. Safe to use from the bus thread and from people's threads."""

    def __init__(
        self,
        chance: Chance,
        *,
        address: int = 1,
        temperature_celsius: float = 3.0,
        humidity_percent: float = 55.0,
        curve: ThermalCurve | None = None,
        noise_celsius: float = 0.0,
    ) -> None:
        self.faults = XyMd02Faults()
        self.humidity_percent = humidity_percent
        self._temperature_celsius = temperature_celsius
        self._curve = curve
        self._noise_celsius = noise_celsius
        self._chance = chance
        self._holding = {HOLDING_ADDRESS: address, HOLDING_BAUD: 9_600}
        self._holding |= dict.fromkeys(HOLDING_CORRECTIONS, 0)
        self._shown = (0, 0)
        self._buffer = bytearray()
        self._lock = threading.RLock()
        self._elapsed: float | None = None
        self._unasked_at = 0.0

    @property
    def address(self) -> int:
        """Its address on the bus; register 0101 changes it."""
        return self._holding[HOLDING_ADDRESS]

    @property
    def temperature_celsius(self) -> float:
        """The true air temperature: the curve's if there is one, else what was set."""
        with self._lock:
            return self._curve.inside_celsius if self._curve else self._temperature_celsius

    @temperature_celsius.setter
    def temperature_celsius(self, celsius: float) -> None:
        with self._lock:
            self._temperature_celsius = celsius
            if self._curve:
                self._curve.inside_celsius = celsius

    def set_compressor(self, *, alive: bool) -> None:
        """Kill or repair the compressor behind the curve; without a curve it changes nothing."""
        with self._lock:
            if self._curve:
                self._curve.compressor_alive = alive

    def tick(self, elapsed: float) -> bytes:
        """Let time pass; in ordinary-protocol mode the probe talks unasked."""
        with self._lock:
            if self._elapsed is not None and self._curve:
                self._curve.advance(elapsed - self._elapsed)
            self._elapsed = elapsed
            if not self.faults.ordinary_protocol or elapsed - self._unasked_at < UNASKED_SECONDS:
                return b""
            self._unasked_at = elapsed
            celsius, humidity = self.temperature_celsius, self.humidity_percent
            return UNASKED_TEXT.format(celsius=celsius, humidity=humidity).encode()

    def answer(self, heard: bytes) -> bytes:
        """Answer the requests that these bytes complete."""
        with self._lock:
            self._buffer += heard
            answers = b"".join(self._next_answers())
            del self._buffer[:-BUFFER_BYTES_MAX]
            return answers

    def _next_answers(self) -> list[bytes]:
        answers = []
        start = 0
        while start + REQUEST_BYTES <= len(self._buffer):
            frame = _request_at(self._buffer, start)
            if frame and frame[0] == self.address and is_whole(frame):
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
            self._refuse_if_told()
            if function in WRITES:
                self._write(first, _words_written(frame))
                return frame[:6]
            words = self._read(function, first, second)
        except _RefusedError as refused:
            return bytes((device, function | EXCEPTION_BIT, refused.code))
        return struct.pack(f">BBB{second}H", device, function, 2 * second, *words)

    def _refuse_if_told(self) -> None:
        if self.faults.exception is not None:
            raise _RefusedError(self.faults.exception)

    def _read(self, function: int, first: int, count: int) -> list[int]:
        if function == Function.READ_INPUT:
            rows = dict(zip((INPUT_TEMPERATURE, INPUT_HUMIDITY), self._show(), strict=True))
        elif function == Function.READ_HOLDING:
            rows = self._holding
        else:
            raise _RefusedError(ExceptionCode.ILLEGAL_FUNCTION)
        wanted = range(first, first + count)
        if not wanted or not all(register in rows for register in wanted):
            raise _RefusedError(ExceptionCode.ILLEGAL_ADDRESS)
        return [rows[register] & 0xFFFF for register in wanted]

    def _write(self, first: int, words: tuple[int, ...]) -> None:
        """Write side by side, all or nothing."""
        rows = dict(enumerate(words, start=first))
        for register, word in rows.items():
            self._check_write(register, word)
        self._holding |= rows

    def _check_write(self, register: int, word: int) -> None:
        if register not in self._holding:
            raise _RefusedError(ExceptionCode.ILLEGAL_ADDRESS)
        if register in HOLDING_CORRECTIONS and abs(word) > CORRECTION_TENTHS_MAX:
            raise _RefusedError(ExceptionCode.ILLEGAL_VALUE)
        if register == HOLDING_ADDRESS and not 1 <= word <= DEVICE_ADDRESS_MAX:
            raise _RefusedError(ExceptionCode.ILLEGAL_VALUE)

    def _show(self) -> tuple[int, int]:
        if not self.faults.stale:
            noise = self._chance.uniform(-self._noise_celsius, self._noise_celsius)
            temperature, humidity = (self._holding[row] for row in HOLDING_CORRECTIONS)
            temperature += round((self.temperature_celsius + noise) * 10)
            self._shown = (temperature, humidity + round(self.humidity_percent * 10))
        if self.faults.probe_open:
            return PROBE_OPEN_WORD, self._shown[1]
        return self._shown


def _request_at(buffer: bytearray, start: int) -> bytes:
    """Return the bytes of the request that would begin here, whole or not."""
    length = REQUEST_BYTES
    if buffer[start + 1] == Function.WRITE_MULTIPLE:
        length += 1 + buffer[start + 6]
    return bytes(buffer[start : start + length])


def _words_written(frame: bytes) -> tuple[int, ...]:
    """Read the signed words of a write; a single one stands where the count would."""
    data = frame[7:-2] if frame[1] == Function.WRITE_MULTIPLE else frame[4:6]
    if len(data) % 2:
        raise _RefusedError(ExceptionCode.ILLEGAL_VALUE)
    return struct.unpack(f">{len(data) // 2}h", data)


class _RefusedError(Exception):
    """The probe answers an exception code."""

    def __init__(self, code: ExceptionCode) -> None:
        self.code = code
        super().__init__(code.name)
