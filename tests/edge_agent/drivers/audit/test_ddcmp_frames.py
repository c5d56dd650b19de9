"""DDCMP messages: the published vectors, whole, byte by byte and with rubbish around."""

import inspect
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.audit.ddcmp import frames
from edge_agent.drivers.audit.ddcmp.frames import (
    Ack,
    Data,
    DdcmpParser,
    Message,
    Nack,
    Stack,
    Start,
)

VECTORS: dict[str, Message] = {
    "05 06 40 00 00 01 5C 55": Start(),
    "05 01 40 01 00 01 B8 55": Ack(1),
    "81 02 40 05 03 01 A3 20 77 FF 67 B0": Data(3, 5, frames.finish()),
}
numbers = st.integers(0, 255)
messages = st.one_of(
    st.builds(Start, numbers),
    st.builds(Stack, numbers, numbers),
    st.builds(Ack, numbers),
    st.builds(Nack, numbers, st.integers(0, 63)),
    st.builds(Data, numbers, numbers, st.binary(max_size=300), st.booleans()),
)
no_start = st.binary(max_size=20).map(
    lambda rubbish: bytes(byte for byte in rubbish if byte not in b"\x05\x81")
)


@pytest.mark.parametrize(("text", "message"), VECTORS.items())
def test_every_published_vector_is_built_and_parsed(text: str, message: Message) -> None:
    assert message.encode() == bytes.fromhex(text)
    assert DdcmpParser().feed(bytes.fromhex(text)) == [message]


def test_the_audit_is_asked_for_with_the_published_bytes_of_list_two() -> None:
    wire = Data(2, 1, frames.read_audit()).encode()
    assert wire[8:].hex(" ").upper() == "77 E2 00 02 01 00 00 00 00 F0 41"


def test_list_one_cannot_be_asked_for() -> None:
    """It resets the interval counters of the driver who collects the cash."""
    assert inspect.signature(frames.read_audit).parameters == {}
    builders = [frames.read_audit(), frames.finish(), frames.who_are_you(1, 1, _moment())]
    assert [body[1] for body in builders] == [0xE2, 0xFF, 0xE0]
    assert not any(name for name in vars(frames) if "write" in name.lower())


def _moment() -> datetime:
    return datetime(2026, 11, 25, 2, 3, 4, tzinfo=UTC)


def test_who_are_you_holds_codes_and_time_in_bcd_and_the_route_person() -> None:
    body = frames.who_are_you(1234, 5, _moment())
    assert body.hex(" ") == "77 e0 00 12 34 00 05 25 11 26 02 03 04 00 00 0c"


def test_a_reply_says_yes_or_why_not() -> None:
    assert frames.refusal(bytes.fromhex("88 E0 01 00 00")) is None
    # Met in the field with a wrong pass code, CRC EB 96 [V].
    assert frames.refusal(bytes.fromhex("88 E0 00 01")) == 1
    assert frames.refusal(b"\x88\xe0") == 0
    assert frames.is_reply(b"\x88\xe0\x01", frames.WHO_ARE_YOU)
    assert not frames.is_reply(b"\x88\xe2\x01", frames.WHO_ARE_YOU)


@given(st.lists(messages, min_size=1, max_size=4), no_start, no_start)
def test_messages_parse_alike_whole_and_byte_by_byte_with_rubbish_around(
    sent: list[Message], before: bytes, after: bytes
) -> None:
    wire = before + b"".join(message.encode() for message in sent) + after
    by_byte = DdcmpParser()
    assert DdcmpParser().feed(wire) == sent
    assert [message for byte in wire for message in by_byte.feed(bytes((byte,)))] == sent


@given(st.builds(Data, numbers, numbers, st.binary(min_size=1, max_size=50)), st.data())
def test_a_body_with_a_wrong_byte_makes_a_message_that_is_not_good(
    message: Data, data: st.DataObject
) -> None:
    wire = bytearray(message.encode())
    wire[data.draw(st.integers(8, len(wire) - 1))] ^= data.draw(st.integers(1, 255))
    (heard,) = DdcmpParser().feed(bytes(wire))
    assert isinstance(heard, Data)
    assert (heard.is_good, heard.number) == (False, message.number)


def test_a_message_that_stops_is_told_when_it_is_given_up() -> None:
    wire = Data(4, 2, b"\x99\x01PA1*1*100").encode()
    parser = DdcmpParser()
    assert parser.feed(wire[:15]) == []
    assert parser.is_inside
    (broken,) = parser.give_up()
    assert isinstance(broken, Data)
    assert not broken.is_good
    assert parser.feed(wire) == [Data(4, 2, b"\x99\x01PA1*1*100")]


def test_a_false_start_gives_way_to_the_message_behind_it() -> None:
    parser = DdcmpParser()
    assert parser.feed(b"\x81\x05\x05" + Ack(7).encode()[:4]) == []
    assert parser.feed(Ack(7).encode()[4:]) == [Ack(7)]
    assert parser.feed(b"\x05\x01") == []
    assert parser.give_up() == []
    assert not parser.is_inside


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_no_bytes_fail_and_nothing_longer_than_a_message_is_held(chunks: list[bytes]) -> None:
    parser = DdcmpParser()
    for chunk in chunks:
        parser.feed(chunk)
        assert len(parser._buffer) <= 8 + frames.BODY_BYTES_MAX + 2
    parser.give_up()
