"""Modbus RTU frames, pure (Modbus application protocol V1.1b3; over serial line V1.02).

Own frames instead of minimalmodbus, which owns its port and so cannot share a bus, and pymodbus,
which costs too much memory. What is asked fixes the first bytes of its answer: only where they
stand in what was heard is a CRC reckoned, so echo and rubbish before an answer cost nothing.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

CRC_START = 0xFFFF
CRC_POLYNOMIAL = 0xA001
CRC_BYTES = 2
HEAD_BYTES = 3  # address, function, byte count
EXCEPTION_BIT = 0x80
EXCEPTION_BYTES = 5
REGISTERS_MAX = 125  # V1.1b3, 6.3 and 6.4
BITS_MAX = 2_000  # V1.1b3, 6.1 and 6.2
WRITTEN_MAX = 123  # registers in one write: V1.1b3, 6.12
COIL_ON = 0xFF00  # V1.1b3, 6.5
DEVICE_ADDRESS_MAX = 247  # over serial line V1.02, 2.2


class Function(IntEnum):
    """Function codes we use (V1.1b3, section 6)."""

    READ_COILS = 0x01
    READ_DISCRETE = 0x02
    READ_HOLDING = 0x03
    READ_INPUT = 0x04
    WRITE_COIL = 0x05
    WRITE_SINGLE = 0x06
    WRITE_MULTIPLE = 0x10


BIT_FUNCTIONS = frozenset({Function.READ_COILS, Function.READ_DISCRETE})


class ExceptionCode(IntEnum):
    """What a device answers instead of data (V1.1b3, section 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    BUSY = 6


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Ask a device for `count` registers or bits from `start`."""

    device: int
    function: Function
    start: int
    count: int

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        body = struct.pack(">BBHH", self.device, self.function, self.start, self.count)
        return with_crc(body)

    @property
    def data_bytes(self) -> int:
        """How many bytes of data its answer carries: two a register, one for eight bits."""
        if self.function in BIT_FUNCTIONS:
            return (self.count + 7) // 8
        return 2 * self.count


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Write `words` side by side from `start`; a coil and a single register take one word."""

    device: int
    function: Function
    start: int
    words: tuple[int, ...]

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        head = struct.pack(">BBH", self.device, self.function, self.start)
        if self.function is Function.WRITE_MULTIPLE:
            count = len(self.words)
            return with_crc(head + struct.pack(f">HB{count}H", count, 2 * count, *self.words))
        word = self.words[0]
        if self.function is Function.WRITE_COIL:
            word = COIL_ON if word else 0
        return with_crc(head + word.to_bytes(2, "big"))

    def answer(self) -> bytes:
        """What a device says that did it; the request itself but for WRITE_MULTIPLE (6.12)."""
        if self.function is not Function.WRITE_MULTIPLE:
            return self.encode()
        body = struct.pack(">BBHH", self.device, self.function, self.start, len(self.words))
        return with_crc(body)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What a device answered, lowest address first: unsigned words, or bits as 0 and 1."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The device says that it wrote. On a half-duplex adapter our own echo can say the same."""


@dataclass(frozen=True, slots=True)
class ModbusException:
    """The device refused; `code` is kept as it came, makers add their own."""

    code: int

    @property
    def name(self) -> str:
        """The code's name in the standard, or its number."""
        known = {code.value: code.name for code in ExceptionCode}
        return known.get(self.code, f"code {self.code}")


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ CRC_POLYNOMIAL if byte & 1 else byte >> 1
    return byte


_CRC_TABLE = tuple(_crc_of_byte(byte) for byte in range(256))


def crc16(body: bytes) -> int:
    """Return the Modbus CRC-16 (reflected A001, start FFFF), a byte at a time by table."""
    crc = CRC_START
    for byte in body:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def with_crc(body: bytes) -> bytes:
    """Append the CRC, low byte first (over serial line V1.02, 2.5.1.2)."""
    return body + crc16(body).to_bytes(CRC_BYTES, "little")


def is_whole(frame: bytes) -> bool:
    """Say whether the last two bytes are the CRC of those before."""
    return crc16(frame[:-CRC_BYTES]) == int.from_bytes(frame[-CRC_BYTES:], "little")


def find_answer(request: ReadRequest, heard: bytes) -> ReadAnswer | ModbusException | None:
    """Find the answer to `request` in what was heard; None if it is not whole yet."""
    size = request.data_bytes
    head = bytes((request.device, request.function, size))
    frame = _frame_in(heard, head, HEAD_BYTES + size + CRC_BYTES)
    if frame is None:
        return _refusal_in(request, heard)
    data = frame[HEAD_BYTES:-CRC_BYTES]
    if request.function in BIT_FUNCTIONS:
        return ReadAnswer(
            tuple(data[index // 8] >> index % 8 & 1 for index in range(request.count))
        )
    return ReadAnswer(struct.unpack(f">{request.count}H", data))


def find_written(request: WriteRequest, heard: bytes) -> Written | ModbusException | None:
    """Find the answer to a write in what was heard; None if it is not whole yet."""
    if request.answer() in heard:
        return Written()
    return _refusal_in(request, heard)


def _refusal_in(request: ReadRequest | WriteRequest, heard: bytes) -> ModbusException | None:
    head = bytes((request.device, request.function | EXCEPTION_BIT))
    frame = _frame_in(heard, head, EXCEPTION_BYTES)
    return None if frame is None else ModbusException(frame[2])


def _frame_in(heard: bytes, head: bytes, size: int) -> bytes | None:
    """First whole frame of `size` bytes that begins with `head`."""
    start = heard.find(head)
    while start >= 0:
        frame = heard[start : start + size]
        if len(frame) == size and is_whole(frame):
            return frame
        start = heard.find(head, start + 1)
    return None
