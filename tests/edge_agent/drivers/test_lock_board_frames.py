"""Vectors of the hardware reference 1.1 B-E; parsing whole, byte by byte, with rubbish around."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.lock_board.cu48 import frames as cu48
from edge_agent.drivers.lock_board.cu48.frames import Cu48Code, Cu48Form, Cu48Frame, Cu48Parser
from edge_agent.drivers.lock_board.eight_a import frames as eight_a
from edge_agent.drivers.lock_board.eight_a.frames import (
    AllLocksFrame,
    AnswerParser,
    EightAHead,
    LockFrame,
    RequestParser,
)
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.winnsen import frames as winnsen
from edge_agent.drivers.lock_board.winnsen.frames import (
    WinnsenFrame,
    WinnsenFunction,
    WinnsenParser,
)
from edge_agent.drivers.lock_board.wkly import frames as wkly
from edge_agent.drivers.lock_board.wkly.frames import WklyCommand, WklyFrame, WklyParser
from edge_agent.drivers.receive_buffer import ReceiveBuffer

OPEN, CLOSED, UNKNOWN = DoorState.OPEN, DoorState.CLOSED, DoorState.UNKNOWN
BYTE = st.integers(0, 255)
EIGHT_A = (
    st.sampled_from(eight_a.BOARDS),
    st.integers(0, eight_a.LOCKS),
    st.sampled_from(eight_a.CODES),
)


@dataclass(frozen=True)
class Protocol:
    """One direction of one family: its parser, its frames, the bytes that can start one."""

    parser: Callable[[], ReceiveBuffer[Any]]
    frames: st.SearchStrategy[Any]
    starts: bytes
    bytes_max: int
    vectors: dict[str, Any]


def request_form() -> Cu48Parser:
    return Cu48Parser(Cu48Form.REQUEST)


def open_reply_form() -> Cu48Parser:
    return Cu48Parser(Cu48Form.OPEN_REPLY)


def status_form() -> Cu48Parser:
    return Cu48Parser(Cu48Form.STATUS_REPLY)


def status_form_with_length() -> Cu48Parser:
    return Cu48Parser(Cu48Form.STATUS_REPLY_WITH_LENGTH)


def wkly_frames(command: WklyCommand, data: st.SearchStrategy[bytes]) -> st.SearchStrategy[Any]:
    return st.builds(WklyFrame, BYTE, st.just(command), data)


def counted(head: bytes) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=30).map(lambda values: head + bytes((len(values),)) + values)


PROTOCOLS = {
    "wkly": Protocol(
        WklyParser,
        st.one_of(
            wkly_frames(WklyCommand.OPEN, st.sampled_from([b"\x01", b"\xff", b"\x00\x01\x01"])),
            wkly_frames(WklyCommand.DOOR_CHANGED, st.binary(min_size=2, max_size=2)),
            wkly_frames(WklyCommand.OPEN_TOGETHER, counted(b"")),
            wkly_frames(WklyCommand.QUERY_ALL, st.one_of(st.just(b""), counted(b"\x00"))),
        ).filter(lambda frame: frame.data != b"\x00" or frame.command is WklyCommand.OPEN),
        b"W",
        wkly.FRAME_BYTES_MAX,
        {
            "57 4B 4C 59 09 00 82 01 83": WklyFrame(0, WklyCommand.OPEN, b"\x01"),
            "57 4B 4C 59 09 00 83 01 82": WklyFrame(0, WklyCommand.QUERY, b"\x01"),
            "57 4B 4C 59 08 00 84 85": WklyFrame(0, WklyCommand.QUERY_ALL),
            "57 4B 4C 59 08 00 86 87": WklyFrame(0, WklyCommand.OPEN_ALL),
            "57 4B 4C 59 0C 00 80 03 01 02 03 86": WklyFrame(
                0, WklyCommand.OPEN_TOGETHER, b"\x03\x01\x02\x03"
            ),
            "57 4B 4C 59 0E 00 84 00 04 00 01 01 00 87": WklyFrame(
                0, WklyCommand.QUERY_ALL, b"\x00\x04\x00\x01\x01\x00"
            ),
            "57 4B 4C 59 0A 00 85 01 01 86": WklyFrame(0, WklyCommand.DOOR_CHANGED, b"\x01\x01"),
            "57 4B 4C 59 0A 00 85 02 00 84": WklyFrame(0, WklyCommand.DOOR_CHANGED, b"\x02\x00"),
            "57 4B 4C 59 09 00 80 FF 7F": WklyFrame(0, WklyCommand.OPEN_TOGETHER, b"\xff"),
        },
    ),
    "8a requests": Protocol(
        RequestParser,
        st.builds(LockFrame, st.sampled_from(list(EightAHead)), *EIGHT_A),
        bytes(EightAHead),
        eight_a.SHORT_BYTES,
        {
            "8A 01 01 11 9B": LockFrame(EightAHead.OPEN, 1, 1, 0x11),
            "8A 01 00 11 9A": LockFrame(EightAHead.OPEN, 1, 0, 0x11),
            "80 01 01 33 B3": LockFrame(EightAHead.QUERY, 1, 1, 0x33),
            "80 01 00 33 B2": LockFrame(EightAHead.QUERY, 1, 0, 0x33),
        },
    ),
    "8a answers": Protocol(
        AnswerParser,
        st.one_of(
            st.builds(AllLocksFrame, EIGHT_A[0], st.integers(0, 2**24 - 1)),
            st.builds(LockFrame, st.sampled_from(list(EightAHead)[1:]), *EIGHT_A),
        ),
        bytes(EightAHead),
        eight_a.FRAME_BYTES_MAX,
        {
            "80 01 01 01 01 33 B3": AllLocksFrame(1, 0x010101),
            "8A 01 01 00 8A": LockFrame(EightAHead.OPEN, 1, 1, 0x00),
        },
    ),
    "cu48 requests": Protocol(
        request_form,
        st.builds(
            Cu48Frame,
            BYTE,
            BYTE,
            st.sampled_from([Cu48Code.STATUS, Cu48Code.OPEN]),
            st.just(b"\x03"),
        ),
        b"\x02",
        6,
        {
            "02 00 00 60 03 65": Cu48Frame(0, 0, Cu48Code.STATUS, b"\x03"),
            "02 00 00 61 03 66": Cu48Frame(0, 0, Cu48Code.OPEN, b"\x03"),
        },
    ),
    "cu48 open replies": Protocol(
        open_reply_form,
        st.builds(
            Cu48Frame,
            BYTE,
            BYTE,
            st.sampled_from([Cu48Code.SUCCESS, Cu48Code.FAILURE]),
            st.just(b"\x00"),
        ),
        b"\x02",
        6,
        {"02 00 00 75 00 77": Cu48Frame(0, 0, Cu48Code.SUCCESS, b"\x00")},
    ),
    "cu48 status": Protocol(
        status_form,
        st.builds(
            Cu48Frame,
            BYTE,
            st.just(0),
            st.just(Cu48Code.SUCCESS),
            st.binary(min_size=6, max_size=6),
        ),
        b"\x02",
        11,
        {"02 00 00 75 FF FF FF FF FF FF 71": Cu48Frame(0, 0, Cu48Code.SUCCESS, b"\xff" * 6)},
    ),
    "cu48 status with length": Protocol(
        status_form_with_length,
        st.builds(
            Cu48Frame,
            BYTE,
            st.just(0),
            st.just(Cu48Code.SUCCESS),
            st.binary(min_size=6, max_size=6).map(lambda data: b"\x06" + data),
        ),
        b"\x02",
        12,
        {
            "02 00 00 75 06 FF FF FF FF FF FF 77": Cu48Frame(
                0, 0, Cu48Code.SUCCESS, b"\x06" + b"\xff" * 6
            )
        },
    ),
    "winnsen": Protocol(
        WinnsenParser,
        st.one_of(
            [
                st.builds(
                    WinnsenFrame,
                    st.just(function),
                    BYTE,
                    st.binary(min_size=length - 5, max_size=length - 5),
                )
                for function, length in winnsen.FRAME_BYTES.items()
            ]
        ),
        b"\x90",
        winnsen.FRAME_BYTES_MAX,
        {
            "90 06 05 00 01 03": WinnsenFrame(WinnsenFunction.UNLOCK, 0, b"\x01"),
            "90 06 12 00 01 03": WinnsenFrame(WinnsenFunction.STATUS, 0, b"\x01"),
            "90 07 85 00 01 01 03": WinnsenFrame(WinnsenFunction.UNLOCK_REPLY, 0, b"\x01\x01"),
            "90 07 92 00 01 05 03": WinnsenFrame(WinnsenFunction.STATUS_REPLY, 0, b"\x01\x05"),
        },
    ),
}
VECTORS = [
    (name, text, frame)
    for name, protocol in PROTOCOLS.items()
    for text, frame in protocol.vectors.items()
]
CHECKED = [row for row in VECTORS if row[0] != "winnsen"]
each_protocol = pytest.mark.parametrize("name", PROTOCOLS)


@pytest.mark.parametrize(("name", "text", "frame"), VECTORS)
def test_every_published_vector_is_built_and_parsed(name: str, text: str, frame: Any) -> None:
    assert frame.encode() == bytes.fromhex(text)
    assert PROTOCOLS[name].parser().feed(bytes.fromhex(text)) == [frame]


@each_protocol
@given(data=st.data())
def test_frames_parse_alike_whole_and_byte_by_byte_with_rubbish_around(
    name: str, data: st.DataObject
) -> None:
    protocol = PROTOCOLS[name]
    no_start = st.binary(max_size=20).map(lambda raw: raw.translate(None, protocol.starts))
    sent = data.draw(st.lists(protocol.frames, min_size=1, max_size=4))
    before, after = data.draw(no_start), data.draw(no_start)
    wire = before + b"".join(frame.encode() for frame in sent) + after
    by_byte = protocol.parser()
    assert protocol.parser().feed(wire) == sent
    assert [frame for byte in wire for frame in by_byte.feed(bytes((byte,)))] == sent


@pytest.mark.parametrize(("name", "text", "frame"), VECTORS)
def test_a_false_start_costs_only_itself(name: str, text: str, frame: Any) -> None:
    """The frame is found after each of its own beginnings, cut off."""
    whole = bytes.fromhex(text)
    for cut in range(1, len(whole)):
        assert PROTOCOLS[name].parser().feed(whole[:cut] + whole)[-1] == frame


@pytest.mark.parametrize(("name", "text", "frame"), CHECKED)
def test_a_frame_with_any_byte_wrong_or_lost_is_no_frame(
    name: str,
    text: str,
    frame: Any,  # noqa: ARG001  # parametrized with the vectors
) -> None:
    whole = bytes.fromhex(text)
    for index in range(len(whole)):
        wrong = bytearray(whole)
        wrong[index] ^= 0x40
        assert PROTOCOLS[name].parser().feed(bytes(wrong)) == []
        assert PROTOCOLS[name].parser().feed(whole[:index] + whole[index + 1 :]) == []


@pytest.mark.parametrize("index", [0, 1, 2, 6])
def test_a_winnsen_frame_of_another_shape_is_no_frame(index: int) -> None:
    """It has no check byte; station, lock and status are compared by the driver."""
    wrong = bytearray.fromhex("90 07 92 00 01 05 03")
    wrong[index] ^= 0x40
    assert WinnsenParser().feed(bytes(wrong)) == []


@each_protocol
@given(chunks=st.lists(st.binary(max_size=50), max_size=20))
def test_a_parser_never_fails_and_holds_less_than_a_frame(name: str, chunks: list[bytes]) -> None:
    protocol = PROTOCOLS[name]
    parser = protocol.parser()
    for chunk in chunks:
        parser.feed(chunk)
        assert parser.held_bytes < protocol.bytes_max


def test_requests_are_the_published_bytes() -> None:
    assert wkly.open_request(0, 1).hex(" ") == "57 4b 4c 59 09 00 82 01 83"
    assert wkly.query_all_request(0).hex(" ") == "57 4b 4c 59 08 00 84 85"
    assert eight_a.open_request(1, 1).hex(" ") == "8a 01 01 11 9b"
    assert eight_a.query_all_request(1).hex(" ") == "80 01 00 33 b2"
    assert cu48.status_request(0).hex(" ") == "02 00 00 60 03 65"
    assert cu48.open_request(0, 1).hex(" ") == "02 00 00 61 03 66"
    assert cu48.open_request(0, 48).hex(" ") == "02 00 2f 61 03 95"
    assert winnsen.unlock_request(0, 1).hex(" ") == "90 06 05 00 01 03"
    assert winnsen.status_request(3, 16).hex(" ") == "90 06 12 03 10 03"


def test_a_wkly_board_says_zero_for_open_and_one_for_closed() -> None:
    (frame,) = WklyParser().feed(bytes.fromhex("57 4B 4C 59 0E 00 84 00 04 00 01 01 00 87"))
    assert wkly.door_states(frame) == (OPEN, CLOSED, CLOSED, OPEN)
    reply = wkly.query_all_reply(0, [OPEN, UNKNOWN, CLOSED])
    (unread,) = WklyParser().feed(reply)
    assert wkly.door_states(unread) == (OPEN, UNKNOWN, CLOSED)


def test_an_8a_board_says_a_bit_of_one_for_closed_and_lock_one_is_the_lowest() -> None:
    (frame,) = AnswerParser().feed(bytes.fromhex("80 01 01 01 01 33 B3"))
    assert isinstance(frame, AllLocksFrame)
    states = eight_a.door_states(frame)
    assert [lock for lock, state in enumerate(states, 1) if state is CLOSED] == [1, 9, 17]


@pytest.mark.parametrize("form", [Cu48Form.STATUS_REPLY, Cu48Form.STATUS_REPLY_WITH_LENGTH])
def test_a_cu48_board_says_a_bit_of_one_for_closed_in_both_its_forms(form: Cu48Form) -> None:
    states = [CLOSED if lock in {1, 16, 48} else OPEN for lock in range(1, 49)]
    (frame,) = Cu48Parser(form).feed(cu48.status_reply(0, states, form))
    assert cu48.door_states(frame) == tuple(states)


def test_a_broken_wkly_length_does_not_hold_back_what_follows() -> None:
    """Else one wrong byte would delay up to 255 bytes of door reports."""
    event = bytes.fromhex("57 4B 4C 59 0A 00 85 01 01 86")
    assert len(WklyParser().feed(b"WKLY\xff" + event[5:] + event)) == 1
    assert len(WklyParser().feed(b"WKLY\xff\x00\x84\x00\x04\x00" + event)) == 1
