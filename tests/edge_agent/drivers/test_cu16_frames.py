"""Vectors of the hardware reference 1.1 A; parsing whole, byte by byte, with rubbish around."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.lock_board.cu16 import frames
from edge_agent.drivers.lock_board.cu16.frames import (
    FRAME_BYTES_MAX,
    Cu16Command,
    Cu16Frame,
    Cu16Parser,
)
from edge_agent.drivers.lock_board.readings import DoorState

ALL_CLOSED = bytes.fromhex("02 00 35 FF FF 00 00 03 38")
VECTORS = {
    "02 00 30 03 35": Cu16Frame(0x00, Cu16Command.STATUS),
    "02 00 31 03 36": Cu16Frame(0x00, Cu16Command.UNLOCK),
    "02 0F 31 03 45": Cu16Frame(0x0F, Cu16Command.UNLOCK),
    "02 00 32 03 37": Cu16Frame(0x00, Cu16Command.STATUS_ALL_BOARDS),
    "02 F0 32 03 27": Cu16Frame(0xF0, Cu16Command.STATUS_ALL_BOARDS),
    "02 00 33 03 38": Cu16Frame(0x00, Cu16Command.UNLOCK_ALL),
    "02 00 35 FF FF 00 00 03 38": Cu16Frame(0x00, Cu16Command.STATUS_REPLY, b"\xff\xff\0\0"),
}
any_frame = st.one_of(
    [
        st.builds(
            Cu16Frame,
            st.integers(0, 255),
            st.just(command),
            st.binary(min_size=length - 5, max_size=length - 5),
        )
        for command, lengths in frames.FRAME_BYTES.items()
        for length in lengths[:1]
    ]
)
no_start = st.binary(max_size=20).map(lambda rubbish: rubbish.replace(b"\x02", b"\x01"))


@pytest.mark.parametrize(("text", "frame"), VECTORS.items())
def test_every_published_vector_is_built_and_parsed(text: str, frame: Cu16Frame) -> None:
    assert frame.encode() == bytes.fromhex(text)
    assert Cu16Parser().feed(bytes.fromhex(text)) == [frame]


def test_requests_are_the_published_bytes() -> None:
    assert frames.status_request(0).hex(" ") == "02 00 30 03 35"
    assert frames.unlock_request(0, 1).hex(" ") == "02 00 31 03 36"
    assert frames.unlock_request(0, 16).hex(" ") == "02 0f 31 03 45"
    assert frames.status_request(3).hex(" ") == "02 30 30 03 65"


def test_a_latch_bit_of_one_is_a_closed_door_and_lock_one_is_the_lowest_bit() -> None:
    (frame,) = Cu16Parser().feed(Cu16Frame(0, Cu16Command.STATUS_REPLY, b"\x01\x80\0\0").encode())
    states = frames.door_states(frame)
    assert [lock for lock, state in enumerate(states, 1) if state is DoorState.CLOSED] == [1, 16]


@given(st.lists(st.sampled_from([DoorState.OPEN, DoorState.CLOSED]), min_size=16, max_size=16))
def test_what_a_board_says_is_what_is_read(states: list[DoorState]) -> None:
    (frame,) = Cu16Parser().feed(frames.status_reply(2, states))
    assert frames.door_states(frame) == tuple(states)


@given(st.lists(any_frame, min_size=1, max_size=4), no_start, no_start)
def test_frames_parse_alike_whole_and_byte_by_byte_with_rubbish_around(
    sent: list[Cu16Frame], before: bytes, after: bytes
) -> None:
    wire = before + b"".join(frame.encode() for frame in sent) + after
    by_byte = Cu16Parser()
    assert Cu16Parser().feed(wire) == sent
    assert [frame for byte in wire for frame in by_byte.feed(bytes((byte,)))] == sent


@pytest.mark.parametrize(
    "rubbish", ["02", "02 02", "02 00 35", "02 00 35 FF", "02 00 30 03", "02 00 30 03 36", "03 38"]
)
def test_a_false_start_costs_only_itself(rubbish: str) -> None:
    wire = bytes.fromhex(rubbish) + ALL_CLOSED
    assert [frame.command for frame in Cu16Parser().feed(wire)] == [Cu16Command.STATUS_REPLY]


@pytest.mark.parametrize("index", range(len(ALL_CLOSED)))
def test_a_frame_with_any_byte_wrong_or_lost_is_no_frame(index: int) -> None:
    wrong = bytearray(ALL_CLOSED)
    wrong[index] ^= 0x40
    assert Cu16Parser().feed(bytes(wrong)) == []
    assert Cu16Parser().feed(ALL_CLOSED[:index] + ALL_CLOSED[index + 1 :]) == []


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_the_parser_never_fails_and_holds_less_than_a_frame(chunks: list[bytes]) -> None:
    parser = Cu16Parser()
    for chunk in chunks:
        parser.feed(chunk)
        assert parser.held_bytes < FRAME_BYTES_MAX
