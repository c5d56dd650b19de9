"""DEX/UCS frames, pure: control pairs and blocks (EVA-DTS 6.2, chapter 4).

    05 ENQ   04 EOT   15 NAK   10 30 / 10 31 ACK   10 3B WACK   10 16 filler
    10 01 header 10 03 CRC     10 02 data 10 17 (more) or 10 03 (last) CRC

The CRC starts behind SOH or STX, takes in ETB or ETX, leaves out DLE and SYN, and comes low byte
first: the opposite of the report's own G85. A block whose CRC is wrong is told as such; whether
it is asked for again is for the driver.
"""

import re
from dataclasses import dataclass
from enum import Enum, IntEnum

from edge_agent.drivers.audit.crc import crc16

DLE = 0x10
SYN = 0x16
ETX = 0x03
ETB = 0x17
BLOCK_DATA_BYTES = 245  # the longest a sender may make them
BLOCK_BYTES_MAX = 1024  # what we take: more without an end is noise
CRC_BYTES = 2
ID_CHARACTERS = 10
HEADER_REQUEST = "R"  # read; S would be send, which we never ask for


class Control(Enum):
    """What one side tells the other outside blocks."""

    ENQ = b"\x05"
    EOT = b"\x04"
    NAK = b"\x15"
    ACK0 = b"\x10\x30"
    ACK1 = b"\x10\x31"
    WACK = b"\x10\x3b"


class BlockKind(IntEnum):
    """The byte that opens a block."""

    HEADER = 0x01
    DATA = 0x02


class ResponseCode(Enum):
    """What the second handshake answers."""

    OK = "00"
    UNKNOWN_ID = "01"
    WRONG_VERSION = "02"
    CONFLICT = "03"
    NO_DATA = "04"
    ERROR = "05"


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it came; `is_good`: its CRC is right and nothing of it is missing."""

    kind: BlockKind
    data: bytes
    is_last: bool
    is_good: bool

    def encode(self) -> bytes:
        """Return the block's bytes, with the right CRC."""
        end = bytes((ETX if self.is_last else ETB,))
        crc = crc16(self.data + end).to_bytes(CRC_BYTES, "little")
        return bytes((DLE, self.kind)) + self.data + bytes((DLE,)) + end + crc


Event = Control | Block


@dataclass(frozen=True, slots=True)
class Header:
    """A handshake: who speaks, and what it asks (operation) or answers (code)."""

    communication_id: str
    revision: str
    operation: str = ""
    code: ResponseCode | None = None

    def encode(self) -> bytes:
        """Return the header block."""
        code = self.code.value if self.code else ""
        text = code + self.communication_id + self.operation + self.revision
        return Block(BlockKind.HEADER, text.encode("ascii"), is_last=True, is_good=True).encode()


_REVISION = re.compile(r"R[0-9]{2}L[0-9]{2}$")
_CODES = {code.value: code for code in ResponseCode}


def header_of(block: Block) -> Header | None:
    """Read a header block; None if it is none.

    The field drawing of the standard puts the code before the id, its worked example behind it;
    machines do either. Where both places could be a code, 00 is believed: a wrong "accepted"
    shows in the next step, a wrong refusal would lose the report.
    """
    text = block.data.decode("latin-1")
    found = _REVISION.search(text)
    if found is None:
        return None
    rest, revision = text[: found.start()], found.group()
    if len(rest) == ID_CHARACTERS + 1:
        return Header(rest[:-1], revision, operation=rest[-1])
    if len(rest) != ID_CHARACTERS + 2:
        return None
    readings = [
        Header(name, revision, code=_CODES[code])
        for name, code in ((rest[2:], rest[:2]), (rest[:-2], rest[-2:]))
        if code in _CODES
    ]
    accepted = [header for header in readings if header.code is ResponseCode.OK]
    return next(iter(accepted or readings), None)


def blocks_of(report: bytes, size: int = BLOCK_DATA_BYTES) -> list[Block]:
    """Cut a report into data blocks."""
    parts = [report[start : start + size] for start in range(0, len(report), size)] or [b""]
    ends = [False] * (len(parts) - 1) + [True]
    return [
        Block(BlockKind.DATA, part, is_last=is_last, is_good=True)
        for part, is_last in zip(parts, ends, strict=True)
    ]


class _State(Enum):
    """Where in a frame the parser is."""

    IDLE = "idle"
    ESCAPE = "DLE outside a block"
    INSIDE = "in a block"
    INSIDE_ESCAPE = "DLE in a block"
    CHECK = "in the CRC"


_PLAIN = {control.value[0]: control for control in Control if len(control.value) == 1}
_PAIRS = {control.value[1]: control for control in Control if len(control.value) == 2}
_KINDS = {kind.value: kind for kind in BlockKind}


class DexParser:
    """A receive buffer: takes bytes as they come, gives controls and blocks as they are whole."""

    def __init__(self) -> None:
        self._state = _State.IDLE
        self._kind = BlockKind.DATA
        self._data = bytearray()
        self._check = bytearray()
        self._end = ETX

    @property
    def is_inside(self) -> bool:
        """Whether a frame has begun and is not whole."""
        return self._state is not _State.IDLE

    def feed(self, data: bytes) -> list[Event]:
        """Add bytes and return what they complete, in order."""
        taken = [self._take(byte) for byte in data]
        return [event for event in taken if event is not None]

    def give_up(self) -> Block | None:
        """Drop a frame that stopped; a block that stopped is returned as a bad one."""
        was_block = self._state not in {_State.IDLE, _State.ESCAPE}
        self._state = _State.IDLE
        return self._block(is_good=False) if was_block else None

    def _take(self, byte: int) -> Event | None:
        if self._state is _State.IDLE:
            return self._outside(byte)
        if self._state is _State.ESCAPE:
            return self._escaped(byte)
        if self._state is _State.INSIDE:
            return self._inside(byte)
        if self._state is _State.INSIDE_ESCAPE:
            return self._inside_escaped(byte)
        return self._checked(byte)

    def _outside(self, byte: int) -> Event | None:
        if byte == DLE:
            self._state = _State.ESCAPE
            return None
        return _PLAIN.get(byte)

    def _escaped(self, byte: int) -> Event | None:
        if byte == DLE:
            return None
        self._state = _State.IDLE
        if byte in _KINDS:
            self._begin(byte)
            return None
        return _PAIRS.get(byte) or _PLAIN.get(byte)

    def _inside(self, byte: int) -> Event | None:
        if byte == DLE:
            self._state = _State.INSIDE_ESCAPE
        elif byte != SYN:
            self._data.append(byte)
        return self.give_up() if len(self._data) > BLOCK_BYTES_MAX else None

    def _inside_escaped(self, byte: int) -> Event | None:
        self._state = _State.INSIDE
        if byte in {ETX, ETB}:
            self._state, self._end = _State.CHECK, byte
        elif byte in _KINDS:
            self._begin(byte)  # the sender started anew
        elif byte != SYN:
            return self.give_up()
        return None

    def _checked(self, byte: int) -> Event | None:
        self._check.append(byte)
        if len(self._check) < CRC_BYTES:
            return None
        self._state = _State.IDLE
        crc = crc16(bytes((*self._data, self._end)))
        return self._block(is_good=crc == int.from_bytes(self._check, "little"))

    def _begin(self, byte: int) -> None:
        self._state = _State.INSIDE
        self._kind = _KINDS[byte]
        self._data.clear()
        self._check.clear()

    def _block(self, *, is_good: bool) -> Block:
        return Block(self._kind, bytes(self._data), is_last=self._end == ETX, is_good=is_good)
