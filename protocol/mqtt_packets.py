"""MQTT 3.1.1 packets <-> bytes, for a client; pure, many packets at once.

In the manner of h11: no socket, no thread, no clock. Only what protocol v1 uses (P-0): clean
sessions, QoS 0 and 1, wills. Sections are those of MQTT Version 3.1.1 (OASIS, 29 October 2014).

Written for a server that reads 10,000 messages a second beside its work: one pass over each
chunk, slices instead of loops over bytes. ADR 0014 has the figures beside paho.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from protocol.errors import MalformedPacketError

CONNECT = b"\x10"
"""Fixed headers (2.2): packet type in the upper four bits, flags in the lower."""
PUBACK_HEAD = b"\x40\x02"
SUBSCRIBE = b"\x82"
UNSUBSCRIBE = b"\xa2"
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"

PROTOCOL = b"\x00\x04MQTT\x04"
"""Protocol name and level 4 (3.1.2.1, 3.1.2.2)."""
SUBSCRIPTION_REFUSED = 0x80
"""Return code of SUBACK (3.9.3)."""
LENGTH_MAX = 268_435_455
"""Remaining length of four bytes (2.2.3)."""
TEXT_BYTES_MAX = 65_535
"""Length of a string is two bytes (1.5.3)."""
PACKET_ID_MAX = 65_535
"""Packet identifiers are two bytes and never 0 (2.3.1)."""

_SUBACK_CODES = frozenset((0, 1, 2, SUBSCRIPTION_REFUSED))
_CONNACK, _PUBLISH, _PUBACK, _SUBACK, _UNSUBACK, _PINGRESP = 2, 3, 4, 9, 11, 13


class Connack(NamedTuple):
    """Answer to CONNECT (3.2); code 0 is yes."""

    session_present: bool
    code: int


class Publish(NamedTuple):
    """A message (3.3). `packet_id` is 0 for QoS 0."""

    topic: str
    payload: bytes
    qos: int
    packet_id: int
    retain: bool
    dup: bool


class Puback(NamedTuple):
    """Acknowledgement of a message of QoS 1 (3.4)."""

    packet_id: int


class Suback(NamedTuple):
    """Answer to SUBSCRIBE (3.9): a granted QoS or SUBSCRIPTION_REFUSED for each filter."""

    packet_id: int
    codes: bytes


class Unsuback(NamedTuple):
    """Answer to UNSUBSCRIBE (3.11)."""

    packet_id: int


class Pingresp(NamedTuple):
    """Answer to PINGREQ (3.13)."""


class Will(NamedTuple):
    """Message the broker publishes when the connection ends without DISCONNECT (3.1.2.5)."""

    topic: str
    payload: bytes
    qos: int = 1


Packet = Connack | Publish | Puback | Suback | Unsuback | Pingresp


def connect(
    client_id: str,
    *,
    user: str,
    password: bytes,
    keep_alive_seconds: int,
    will: Will | None = None,
) -> bytes:
    """CONNECT of a clean session (3.1)."""
    flags = 0xC2  # user name, password, clean session (3.1.2.3)
    body = _text(client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3
        body += _text(will.topic) + _data(will.payload)
    body += _text(user) + _data(password)
    head = PROTOCOL + bytes((flags,)) + keep_alive_seconds.to_bytes(2, "big")
    return CONNECT + _length(len(head) + len(body)) + head + body


def subscribe(packet_id: int, filters: Sequence[tuple[str, int]]) -> bytes:
    """SUBSCRIBE to filters, at least one, each with the highest QoS wanted (3.8)."""
    _expect_some(filters, "SUBSCRIBE")
    body = _id(packet_id)
    body += b"".join(_text(one) + bytes((qos,)) for one, qos in filters)
    return SUBSCRIBE + _length(len(body)) + body


def unsubscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """UNSUBSCRIBE from filters, at least one (3.10)."""
    _expect_some(filters, "UNSUBSCRIBE")
    body = _id(packet_id) + b"".join(_text(one) for one in filters)
    return UNSUBSCRIBE + _length(len(body)) + body


def publish(
    topic: str, payload: bytes, qos: int = 0, packet_id: int = 0, *, dup: bool = False
) -> bytes:
    """PUBLISH of QoS 0 or 1, never retained (3.3). `packet_id` counts for QoS 1 only."""
    name = _text(topic)
    if qos == 0:
        return b"".join((b"\x30", _length(len(name) + len(payload)), name, payload))
    if qos != 1:
        raise MalformedPacketError(f"QoS {qos} is not spoken here")
    return b"".join(
        (
            b"\x3a" if dup else b"\x32",
            _length(2 + len(name) + len(payload)),
            name,
            _id(packet_id),
            payload,
        )
    )


def puback(packet_id: int) -> bytes:
    """PUBACK (3.4)."""
    return PUBACK_HEAD + _id(packet_id)


class Reader:
    """Bytes of a connection -> packets, whole ones only.

    A topic must be UTF-8, and may hold what 3.3.2.1 forbids (NUL, wildcards): a broker that lets
    one through must not cost us the connection, whoever reads the topic refuses that message alone.
    """

    def __init__(self, limit_bytes: int) -> None:
        """`limit_bytes`: longest packet that is taken."""
        self._limit = limit_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        """Packets that are whole by now, in order.

        Raises MalformedPacketError for what no broker may send, or what exceeds the limit; the
        connection is of no use then (4.8).
        """
        data = self._rest + data if self._rest else data
        packets: list[Packet] = []
        at, end = 0, len(data)
        while end - at >= 2:
            length = data[at + 1]
            start = at + 2
            if length & 0x80:
                found = _remaining_length(data, at, end)
                if found is None:
                    break
                length, start = found
            if length > self._limit:
                raise MalformedPacketError(f"a packet of {length} bytes exceeds {self._limit}")
            stop = start + length
            if stop > end:
                break
            packets.append(_packet(data, data[at], start, stop))
            at = stop
        self._rest = data[at:] if at else data
        return packets


def _packet(data: bytes, head: int, start: int, stop: int) -> Packet:
    if head >> 4 == _PUBLISH:
        return _read_publish(data, head, start, stop)
    kind = _KINDS.get(head)
    if kind is None:
        raise MalformedPacketError(f"a packet with head {head:#04x} is none for a client")
    return kind(data[start:stop])


def _read_publish(data: bytes, head: int, start: int, stop: int) -> Publish:
    qos = head >> 1 & 3
    body = start + 2 + (data[start] << 8 | data[start + 1]) if stop - start >= 2 else stop + 1
    payload = body + 2 if qos else body
    if payload > stop or qos > 1:
        raise MalformedPacketError(f"PUBLISH of QoS {qos} with {stop - start} bytes")
    try:
        topic = data[start + 2 : body].decode()
    except UnicodeDecodeError as error:
        raise MalformedPacketError(f"the topic is no UTF-8: {error}") from error
    packet_id = data[body] << 8 | data[body + 1] if qos else 0
    if qos and packet_id == 0:
        raise MalformedPacketError("PUBLISH of QoS 1 with packet id 0")
    return Publish(topic, data[payload:stop], qos, packet_id, bool(head & 1), bool(head & 8))


def _remaining_length(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """Length of two to four bytes and where the body starts; None while bytes are missing."""
    length = shift = 0
    for place in range(at + 1, at + 5):
        if place >= end:
            return None
        length |= (data[place] & 0x7F) << shift
        if data[place] < 0x80:
            return length, place + 1
        shift += 7
    raise MalformedPacketError("the remaining length has more than four bytes")


def _read_connack(body: bytes) -> Connack:
    _expect(body, 2, "CONNACK")
    if body[0] > 1 or (body[0] and body[1]):  # reserved; a refusal keeps no session (3.2.2)
        raise MalformedPacketError(f"CONNACK with flags {body[0]:#04x} and code {body[1]}")
    return Connack(session_present=bool(body[0] & 1), code=body[1])


def _read_puback(body: bytes) -> Puback:
    _expect(body, 2, "PUBACK")
    return Puback(_read_id(body))


def _read_suback(body: bytes) -> Suback:
    if len(body) < 3:
        raise MalformedPacketError(f"SUBACK with {len(body)} bytes")
    codes = body[2:]
    if not _SUBACK_CODES.issuperset(codes):
        raise MalformedPacketError(f"SUBACK with codes {codes.hex(' ')}")
    return Suback(_read_id(body), codes)


def _read_unsuback(body: bytes) -> Unsuback:
    _expect(body, 2, "UNSUBACK")
    return Unsuback(_read_id(body))


def _read_pingresp(body: bytes) -> Pingresp:
    _expect(body, 0, "PINGRESP")
    return Pingresp()


_KINDS: dict[int, Callable[[bytes], Packet]] = {
    _CONNACK << 4: _read_connack,
    _PUBACK << 4: _read_puback,
    _SUBACK << 4: _read_suback,
    _UNSUBACK << 4: _read_unsuback,
    _PINGRESP << 4: _read_pingresp,
}
"""By the whole first byte: the flags of these are reserved and must be 0 (2.2.2)."""


def _read_id(body: bytes) -> int:
    packet_id = body[0] << 8 | body[1]
    if packet_id == 0:
        raise MalformedPacketError("a packet id is never 0")
    return packet_id


def _expect(body: bytes, length: int, name: str) -> None:
    if len(body) != length:
        raise MalformedPacketError(f"{name} with {len(body)} bytes")


def _expect_some(filters: Sequence[object], name: str) -> None:
    if not filters:
        raise MalformedPacketError(f"{name} without a filter")


def _id(packet_id: int) -> bytes:
    if not 0 < packet_id <= PACKET_ID_MAX:
        raise MalformedPacketError(f"{packet_id} is no packet id")
    return packet_id.to_bytes(2, "big")


def _length(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if value > LENGTH_MAX:
        raise MalformedPacketError(f"{value} bytes are more than a packet holds")
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _text(text: str) -> bytes:
    try:
        return _data(text.encode())
    except UnicodeEncodeError as error:
        raise MalformedPacketError(f"no UTF-8: {error}") from error


def _data(data: bytes) -> bytes:
    if len(data) > TEXT_BYTES_MAX:
        raise MalformedPacketError(f"{len(data)} bytes are more than a field holds")
    return len(data).to_bytes(2, "big") + data
