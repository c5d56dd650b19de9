"""DEX frames: the published vectors, whole, byte by byte and with rubbish around."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.drivers.audit.dex.frames import (
    BLOCK_BYTES_MAX,
    Block,
    BlockKind,
    Control,
    DexParser,
    Header,
    ResponseCode,
    blocks_of,
    header_of,
)

REQUEST = Header("1234567890", "R00L06", operation="R")
REPLY = Header("QRS7654321", "R00L06", code=ResponseCode.OK)
VECTORS = {
    b"\x10\x01" + b"1234567890RR00L06" + b"\x10\x03\xe1\xbd": REQUEST,
    b"\x10\x01" + b"00QRS7654321R00L06" + b"\x10\x03\x53\x11": REPLY,
}
texts = st.binary(max_size=245).map(lambda data: bytes(byte % 96 + 32 for byte in data))
blocks = st.builds(
    Block,
    st.just(BlockKind.DATA),
    texts,
    is_last=st.booleans(),
    is_good=st.just(True),  # noqa: FBT003
)
events = st.one_of(st.sampled_from(Control), blocks)
rubbish = st.binary(max_size=20).map(
    lambda data: bytes(byte for byte in data if byte not in b"\x04\x05\x10\x15")
)


def wire_of(event: Control | Block) -> bytes:
    return event.value if isinstance(event, Control) else event.encode()


@pytest.mark.parametrize(("wire", "header"), VECTORS.items())
def test_every_published_vector_is_built_and_parsed(wire: bytes, header: Header) -> None:
    assert header.encode() == wire
    (block,) = DexParser().feed(wire)
    assert isinstance(block, Block)
    assert block.is_good
    assert header_of(block) == header


def test_control_pairs_are_those_of_the_standard() -> None:
    wire = bytes.fromhex("05 10 30 10 31 10 3B 15 04")
    assert DexParser().feed(wire) == [
        Control.ENQ,
        Control.ACK0,
        Control.ACK1,
        Control.WACK,
        Control.NAK,
        Control.EOT,
    ]


@given(st.lists(events, min_size=1, max_size=5), rubbish, rubbish)
def test_frames_parse_alike_whole_and_byte_by_byte_with_rubbish_around(
    sent: list[Control | Block], before: bytes, after: bytes
) -> None:
    wire = before + b"".join(map(wire_of, sent)) + after
    by_byte = DexParser()
    assert DexParser().feed(wire) == sent
    assert [event for byte in wire for event in by_byte.feed(bytes((byte,)))] == sent


@given(blocks, st.integers(2, 246))
def test_filler_inside_a_block_is_no_part_of_it(block: Block, place: int) -> None:
    wire = block.encode()
    place = min(place, len(block.data) + 2)
    assert DexParser().feed(wire[:place] + b"\x10\x16\x16" + wire[place:]) == [block]


@given(blocks, st.integers(0, 300), st.integers(1, 255))
@example(Block(BlockKind.DATA, b"", is_last=True, is_good=True), 1, 3)
def test_a_block_with_any_byte_wrong_is_not_good(block: Block, place: int, wrong: int) -> None:
    """But for its second byte, which the CRC leaves out: then it is a header that says nothing."""
    wire = bytearray(block.encode())
    wire[place % len(wire)] ^= wrong
    parser = DexParser()
    heard = parser.feed(bytes(wire))
    broken = parser.give_up()
    good = [event for event in [*heard, broken] if isinstance(event, Block) and event.is_good]
    assert all(event.kind is BlockKind.HEADER and header_of(event) is None for event in good)


@given(blocks, st.data())
def test_a_block_that_stops_is_told_when_it_is_given_up(block: Block, data: st.DataObject) -> None:
    wire = block.encode()
    parser = DexParser()
    assert parser.feed(wire[: data.draw(st.integers(2, len(wire) - 1))]) == []
    assert parser.is_inside
    broken = parser.give_up()
    assert broken is not None
    assert not broken.is_good
    assert parser.feed(wire) == [block]


def test_a_sender_that_starts_its_block_anew_is_followed() -> None:
    block = Block(BlockKind.DATA, b"PA1*1*100\r\n", is_last=False, is_good=True)
    assert DexParser().feed(block.encode()[:7] + block.encode()) == [block]


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_no_bytes_fail_and_a_block_without_end_is_dropped(chunks: list[bytes]) -> None:
    parser = DexParser()
    for chunk in chunks:
        parser.feed(chunk)
    parser.give_up()
    heard = parser.feed(b"\x10\x02" + b"x" * (BLOCK_BYTES_MAX + 1) + b"\x05")
    assert [event for event in heard if isinstance(event, Control)] == [Control.ENQ]


def test_a_response_is_read_with_its_code_on_either_side_of_the_id() -> None:
    for text in (b"00QRS7654321R00L06", b"QRS765432100R00L06"):
        header = header_of(Block(BlockKind.HEADER, text, is_last=True, is_good=True))
        assert header == REPLY
    refused = Block(BlockKind.HEADER, b"QRS765432102R01L01", is_last=True, is_good=True)
    assert header_of(refused) == Header("QRS7654321", "R01L01", code=ResponseCode.WRONG_VERSION)
    # Either place could be a code: 00 is believed.
    both = Block(BlockKind.HEADER, b"040123456700R00L06", is_last=True, is_good=True)
    assert header_of(both) == Header("0401234567", "R00L06", code=ResponseCode.OK)


@pytest.mark.parametrize("text", [b"", b"R00L06", b"00QRS7654321", b"99QRS7654399R00L06", b"\xff"])
def test_what_is_no_header_is_none(text: bytes) -> None:
    assert header_of(Block(BlockKind.HEADER, text, is_last=True, is_good=True)) is None


@given(st.binary(max_size=2_000), st.integers(1, 245))
def test_a_report_is_cut_into_blocks_of_which_only_the_last_says_so(
    report: bytes, size: int
) -> None:
    made = blocks_of(report, size)
    assert b"".join(block.data for block in made) == report
    assert [block.is_last for block in made] == [False] * (len(made) - 1) + [True]
