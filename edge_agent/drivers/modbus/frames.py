"""Modbus RTU frames, pure (Modbus application protocol V1.1b3; over serial line V1.02).

Own frames instead of minimalmodbus, which owns its port and so cannot share a bus, and pymodbus,
which costs too much memory. An answer is looked for at each byte: what is asked fixes address,
function and byte count, so echo and rubbish before it never match, the CRC settles the rest.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

CRC_START = 0xFFFF
CRC_POLYNOMIAL = 0xA001
CRC_BYTES = 2
EXCEPTION_BIT = 0x80
EXCEPTION_BYTES = 5
REGISTERS_MAX = 125  # V1.1b3, 6.3 and 6.4
DEVICE_ADDRESS_MAX = 247  # over serial line V1.02, 2.2


class Function(IntEnum):
    """Function codes we use (V1.1b3, section 6)."""

    READ_HOLDING = 0x03
    READ_INPUT = 0x04
    WRITE_SINGLE = 0x06
    WRITE_MULTIPLE = 0x10


class ExceptionCode(IntEnum):
    """What a device answers instead of data (V1.1b3, section 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3
    DEVICE_FAILURE = 4
    BUSY = 6


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Ask a device for `count` registers from `start`."""

    device: int
    function: Function
    start: int
    count: int

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        body = struct.pack(">BBHH", self.device, self.function, self.start, self.count)
        return with_crc(body)


@dataclass(frozen=True, slots=True)
class Registers:
    """The words a device answered, unsigned, lowest register first."""

    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModbusException:
    """The device refused; `code` is kept as it came, makers add their own."""

    code: int

    @property
    def name(self) -> str:
        """The code's name in the standard, or its number."""
        known = {code.value: code.name for code in ExceptionCode}
        return known.get(self.code, f"code {self.code}")


def crc16(body: bytes) -> int:
    """Return the Modbus CRC-16 (reflected A001, start FFFF)."""
    crc = CRC_START
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc


def with_crc(body: bytes) -> bytes:
    """Append the CRC, low byte first (over serial line V1.02, 2.5.1.2)."""
    return body + crc16(body).to_bytes(CRC_BYTES, "little")


def is_whole(frame: bytes) -> bool:
    """Say whether the last two bytes are the CRC of those before."""
    return crc16(frame[:-CRC_BYTES]) == int.from_bytes(frame[-CRC_BYTES:], "little")


def find_answer(request: ReadRequest, heard: bytes) -> Registers | ModbusException | None:
    """Find the answer to `request` in what was heard; None if it is not whole yet."""
    for start in range(len(heard) - EXCEPTION_BYTES + 1):
        if (answer := _answer_at(request, heard[start:])) is not None:
            return answer
    return None


def _answer_at(request: ReadRequest, heard: bytes) -> Registers | ModbusException | None:
    size = 2 * request.count
    if heard[:2] == bytes((request.device, request.function | EXCEPTION_BIT)):
        frame = heard[:EXCEPTION_BYTES]
        return ModbusException(frame[2]) if is_whole(frame) else None
    if heard[:3] != bytes((request.device, request.function, size)):
        return None
    frame = heard[: 3 + size + CRC_BYTES]
    if len(frame) < 3 + size + CRC_BYTES or not is_whole(frame):
        return None
    return Registers(struct.unpack(f">{request.count}H", frame[3:-CRC_BYTES]))
