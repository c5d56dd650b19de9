"""DDCMP messages, pure (EVA-DTS 6.2, chapters 3 and 6).

    05 06 40 00 mbd 01 CRC      START, with the fastest rate of the master (code)
    05 07 40 sbd mbd 01 CRC     STACK, with that of the machine
    05 01 40 rr 00 01 CRC       ACK of message rr
    05 02 40+e rr 00 01 CRC     NACK, error e; rr came last
    81 len 40+len rr xx 01 CRC  body CRC    data message xx; C0 for 40: the last of a list

CRC-16 with start 0, low byte first, over the header and again over the body.

Of the commands only reading list 2 exists here. List 1 is the same audit, but reading it resets
the interval counters at the next vend: the driver who collects the cash would find his counters
gone. So no function takes a list number, and writing is not built at all.
"""

from dataclasses import dataclass
from datetime import datetime

from edge_agent.drivers.audit.crc import crc16

CONTROL = 0x05
DATA = 0x81
START, STACK, ACK, NACK = 0x06, 0x07, 0x01, 0x02
SELECT = 0x40
LAST = 0x80
STATION = 0x01  # point to point
HEADER_BYTES = 8
CRC_BYTES = 2
BODY_BYTES_MAX = 0x3FFF  # 14 bits of length
NUMBERS = 256
ERROR_BODY_CRC = 2

COMMAND, REPLY, AUDIT_DATA = 0x77, 0x88, 0x99
WHO_ARE_YOU, READ_DATA, FINISH = 0xE0, 0xE2, 0xFF
ACCEPTED = 0x01
_READ_ONLY_LIST = 0x02
_ROUTE_PERSON = 0x0C

BAUD_RATES = {2: 2_400, 3: 4_800, 4: 9_600, 5: 19_200, 6: 38_400, 7: 57_600, 8: 115_200}
"""By code; 0 means: stay as we are."""


@dataclass(frozen=True, slots=True)
class Start:
    """The master opens the link and says how fast it could go."""

    baud_code: int = 0

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return _control(START, SELECT, 0, self.baud_code)


@dataclass(frozen=True, slots=True)
class Stack:
    """The machine accepts, and says how fast it could go."""

    baud_code: int = 0
    master_baud_code: int = 0

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return _control(STACK, SELECT, self.baud_code, self.master_baud_code)


@dataclass(frozen=True, slots=True)
class Ack:
    """Message `received`, and all before it, came well."""

    received: int

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return _control(ACK, SELECT, self.received, 0)


@dataclass(frozen=True, slots=True)
class Nack:
    """What came after message `received` was wrong."""

    received: int
    error: int = ERROR_BODY_CRC

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return _control(NACK, SELECT | self.error & 0x3F, self.received, 0)


@dataclass(frozen=True, slots=True)
class Data:
    """Data message `number`; it also acknowledges `received`. Good: its body's CRC is right."""

    number: int
    received: int
    body: bytes
    is_last: bool = False
    is_good: bool = True

    def encode(self) -> bytes:
        """Return the message's bytes, with the right CRCs."""
        size = len(self.body)
        flags = SELECT | (LAST if self.is_last else 0)
        head = (DATA, size & 0xFF, flags | size >> 8, self.received, self.number, STATION)
        return _with_crc(bytes(head)) + _with_crc(self.body)


Message = Start | Stack | Ack | Nack | Data


def who_are_you(security_code: int, pass_code: int, now: datetime) -> bytes:
    """Introduce ourselves as a route person; codes of 0 to 9999 in BCD, 0 where none is set."""
    moment = bytes.fromhex(now.strftime("%d%m%y%H%M%S"))
    codes = bytes.fromhex(f"{security_code:04}{pass_code:04}")
    return bytes((COMMAND, WHO_ARE_YOU, 0)) + codes + moment + bytes((0, 0, _ROUTE_PERSON))


def read_audit() -> bytes:
    """Ask for the audit without resetting anything: list 2, record 1, all of it."""
    return bytes((COMMAND, READ_DATA, 0, _READ_ONLY_LIST, 1, 0, 0, 0, 0))


def finish() -> bytes:
    """End the session."""
    return bytes((COMMAND, FINISH))


def is_reply(body: bytes, command: int) -> bool:
    """Say whether a body answers this command."""
    return body[:2] == bytes((REPLY, command))


def refusal(body: bytes) -> int | None:
    """Return the reason of a reply that says no; None if it says yes.

    The byte behind the command is 01 for yes; the one behind that says why not.
    """
    if body[2:3] == bytes((ACCEPTED,)):
        return None
    return body[3] if len(body) > 3 else 0


def audit_bytes(body: bytes) -> bytes | None:
    """Return the piece of the report in a body, or None if it holds none."""
    return body[2:] if body[:1] == bytes((AUDIT_DATA,)) else None


class DdcmpParser:
    """A receive buffer: takes bytes as they come, gives the messages that are whole.

    A header whose CRC is wrong is skipped byte by byte, so rubbish costs only itself. A body whose
    CRC is wrong makes a message that is not good.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_inside(self) -> bool:
        """Whether a message may have begun and is not whole."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Message]:
        """Add bytes and return the messages they complete, in order."""
        self._buffer += data
        messages: list[Message] = []
        while self._buffer:
            if self._buffer[0] not in {CONTROL, DATA}:
                del self._buffer[0]
                continue
            if len(self._buffer) < HEADER_BYTES:
                break
            header = bytes(self._buffer[:HEADER_BYTES])
            size = _message_bytes(header)
            if len(self._buffer) < size:
                break
            message = _message(header, bytes(self._buffer[HEADER_BYTES:size])) if size > 1 else None
            del self._buffer[:size]
            if message is not None:
                messages.append(message)
        return messages

    def give_up(self) -> list[Message]:
        """Drop a message that stopped; what was mistaken for its body may hold others."""
        header = bytes(self._buffer[:HEADER_BYTES])
        stopped = len(header) == HEADER_BYTES and header[0] == DATA and _is_whole(header)
        rest = bytes(self._buffer[1:])
        self._buffer.clear()
        broken: list[Message] = []
        if stopped:
            broken.append(Data(header[4], header[3], b"", bool(header[2] & LAST), is_good=False))
        return broken + (self.feed(rest) if rest and not stopped else [])


def _message_bytes(header: bytes) -> int:
    """Return how many bytes to take: a whole message, or 1 to skip one."""
    if not _is_whole(header):
        return 1
    if header[0] == CONTROL:
        return HEADER_BYTES
    return HEADER_BYTES + (header[1] | (header[2] & 0x3F) << 8) + CRC_BYTES


def _message(header: bytes, body: bytes) -> Message | None:
    if header[0] == DATA:
        is_last = bool(header[2] & LAST)
        return Data(header[4], header[3], body[:-CRC_BYTES], is_last, is_good=_is_whole(body))
    kind, flags, first, second = header[1:5]
    if kind == START:
        return Start(second)
    if kind == STACK:
        return Stack(first, second)
    if kind == ACK:
        return Ack(first)
    return Nack(first, flags & 0x3F) if kind == NACK else None


def _control(kind: int, flags: int, first: int, second: int) -> bytes:
    return _with_crc(bytes((CONTROL, kind, flags, first, second, STATION)))


def _with_crc(body: bytes) -> bytes:
    return body + crc16(body).to_bytes(CRC_BYTES, "little")


def _is_whole(frame: bytes) -> bool:
    return crc16(frame[:-CRC_BYTES]) == int.from_bytes(frame[-CRC_BYTES:], "little")
