"""Published and captured FA FB frames; parsing whole, byte by byte, with rubbish around."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.readings import DispenseOutcome
from edge_agent.drivers.spiral_board.fa_fb import meanings
from edge_agent.drivers.spiral_board.fa_fb.frames import (
    ACK,
    FRAME_BYTES_MAX,
    POLL,
    TEXT_BYTES_MAX,
    FaFbCommand,
    FaFbFrame,
    FaFbParser,
    fields_of,
    first_of_eight,
    text_of,
)

# All check bytes recomputed and found right; docs/hardware/fa-fb.md names where each was seen.
CAPTURED = {
    "FA FB 41 00 40": POLL,
    "FA FB 42 00 43": ACK,
    "FA FB 31 01 01 30": FaFbFrame(FaFbCommand.SYNCHRONIZE, 1),
    "FA FB 53 01 01 52": FaFbFrame(FaFbCommand.ASK_DELIVERY, 1),
    "FA FB 03 03 01 00 0D 0D": FaFbFrame(FaFbCommand.BUY, 1, b"\x00\x0d"),
    "FA FB 01 04 01 00 0D 00 08": FaFbFrame(FaFbCommand.CHECK_SELECTION, 1, b"\x00\x0d\x00"),
    "FA FB 06 05 01 01 01 00 0D 0E": FaFbFrame(FaFbCommand.DRIVE, 1, b"\x01\x01\x00\x0d"),
    "FA FB 06 05 A6 01 00 00 3C 99": FaFbFrame(FaFbCommand.DRIVE, 0xA6, b"\x01\x00\x00\x3c"),
    "FA FB 04 04 A3 01 00 3C 9F": FaFbFrame(FaFbCommand.DISPENSING_STATUS, 0xA3, b"\x01\x00\x3c"),
    "FA FB 04 04 A4 02 00 3C 9B": FaFbFrame(FaFbCommand.DISPENSING_STATUS, 0xA4, b"\x02\x00\x3c"),
    "FA FB 04 04 40 03 00 01 43": FaFbFrame(FaFbCommand.DISPENSING_STATUS, 0x40, b"\x03\x00\x01"),
    "FA FB 11 0C 41 00 01 00 00 26 AC 04 04 00 01 03 D4": FaFbFrame(
        FaFbCommand.SELECTION_INFO, 0x41, bytes.fromhex("00 01 00 00 26 AC 04 04 00 01 03")
    ),
    "FA FB 21 06 D5 01 00 01 86 A0 D5": FaFbFrame(
        FaFbCommand.MONEY_NOTICE, 0xD5, bytes.fromhex("01 00 01 86 A0")
    ),
    "FA FB 52 21 54 00 01 00 00 13 00 00 00 00 00 00 00 00 00"
    " 30 30 30 30 30 30 30 30 30 30 13 AA AA AA AA AA AA AA 8D": FaFbFrame(
        FaFbCommand.MACHINE_STATUS,
        0x54,
        bytes.fromhex("00 01 00 00 13 00") + bytes(8) + b"0" * 10 + b"\x13" + b"\xaa" * 7,
    ),
}
any_frame = st.one_of(
    st.sampled_from([POLL, ACK]),
    st.builds(
        FaFbFrame,
        st.sampled_from([command for command in FaFbCommand if command not in {0x41, 0x42}]),
        st.integers(1, 255),
        st.binary(max_size=TEXT_BYTES_MAX - 1),
    ),
)
no_start = st.binary(max_size=20).map(lambda rubbish: rubbish.replace(b"\xfa", b""))


def parsed(text: str) -> FaFbFrame:
    (frame,) = FaFbParser().feed(bytes.fromhex(text))
    return frame


def captured(start: str) -> dict[str, int]:
    """Fields of the one captured frame that begins so."""
    (text,) = [text for text in CAPTURED if text.startswith(start)]
    fields = fields_of(parsed(text))
    assert fields is not None
    return fields


@pytest.mark.parametrize(("text", "frame"), CAPTURED.items())
def test_every_captured_frame_is_built_and_parsed(text: str, frame: FaFbFrame) -> None:
    assert frame.encode() == bytes.fromhex(text)
    assert parsed(text) == frame


@given(st.lists(any_frame, min_size=1, max_size=4), no_start, no_start)
def test_frames_parse_alike_whole_and_byte_by_byte_with_rubbish_around(
    sent: list[FaFbFrame], before: bytes, after: bytes
) -> None:
    wire = before + b"".join(frame.encode() for frame in sent) + after
    by_byte = FaFbParser()
    assert FaFbParser().feed(wire) == sent
    assert [frame for byte in wire for frame in by_byte.feed(bytes((byte,)))] == sent


@pytest.mark.parametrize("text", CAPTURED)
@pytest.mark.parametrize("rubbish", ["FA", "FA FA", "FA FB", "FA FB 41 01", "FA FB 04 FF", "FB 42"])
def test_a_false_start_costs_only_itself(text: str, rubbish: str) -> None:
    assert FaFbParser().feed(bytes.fromhex(rubbish + text)) == [CAPTURED[text]]


@pytest.mark.parametrize("text", CAPTURED)
def test_a_frame_is_found_after_one_that_stopped_in_the_middle_was_forgotten(text: str) -> None:
    """Forgotten after a pause: cut off and followed by its repetition, an exclusive or can fit."""
    whole = bytes.fromhex(text)
    for cut in range(1, len(whole)):
        parser = FaFbParser()
        parser.feed(whole[:cut])
        parser.forget()
        assert parser.feed(whole) == [CAPTURED[text]]


@pytest.mark.parametrize("text", CAPTURED)
def test_a_frame_with_any_byte_wrong_or_lost_is_no_frame(text: str) -> None:
    whole = bytes.fromhex(text)
    for index in range(len(whole)):
        wrong = bytearray(whole)
        wrong[index] ^= 0x04
        assert FaFbParser().feed(bytes(wrong)) == []
        assert FaFbParser().feed(whole[:index] + whole[index + 1 :]) == []


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_the_parser_never_fails_and_holds_less_than_a_frame(chunks: list[bytes]) -> None:
    parser = FaFbParser()
    for chunk in chunks:
        for frame in parser.feed(chunk):
            fields_of(frame)
        assert parser.held_bytes < FRAME_BYTES_MAX


def test_the_fields_of_captured_frames_are_what_the_machines_meant() -> None:
    assert captured("FA FB 04 04 40") == {"status": 3, "selection": 1}
    assert captured("FA FB 11") == {
        "selection": 1,
        "price": 9_900,
        "inventory": 4,
        "capacity": 4,
        "product": 1,
        "status": 3,
    }
    assert captured("FA FB 21") == {"mode": 1, "amount": 100_000}
    machine = captured("FA FB 52")
    assert (machine["coin"], machine["door"], machine["temperature"]) == (1, 0, 19)
    assert first_of_eight(machine["temperatures"]) == 19


@pytest.mark.parametrize(
    ("first", "celsius"), [(0x13, 19), (0x00, 0), (0xEE, -18), (0xFF, -1), (0xAA, None)]
)
def test_a_temperature_is_signed_and_aa_is_not_read_yet(first: int, celsius: int | None) -> None:
    assert first_of_eight(first << 56 | 0xAAAAAAAAAAAAAA) == celsius


@pytest.mark.parametrize("size", [32, 39, 40])
def test_every_form_of_a_machine_status_is_read(size: int) -> None:
    fields = fields_of(FaFbFrame(FaFbCommand.MACHINE_STATUS, 1, b"\x00" * size))
    assert fields is not None
    assert {"bill", "coin", "card", "temperature_controller", "door", "temperatures"} <= set(fields)
    assert ("humidities" in fields) == (size > 32)


@pytest.mark.parametrize(
    "frame",
    [
        FaFbFrame(FaFbCommand.MACHINE_STATUS, 1, b"\x00" * 33),
        FaFbFrame(FaFbCommand.DISPENSING_STATUS, 1, b"\x02\x00"),
        FaFbFrame(0x71, 1, b"\x42\x00"),
    ],
)
def test_a_frame_of_unknown_layout_is_not_read_by_a_guess(frame: FaFbFrame) -> None:
    assert fields_of(frame) is None


@given(selection=st.integers(0, 0xFFFF), drop=st.integers(0, 1), elevator=st.integers(0, 1))
def test_what_is_built_by_a_layout_is_read_by_it(selection: int, drop: int, elevator: int) -> None:
    fields = {"drop_sensor": drop, "elevator": elevator, "selection": selection}
    text = text_of(FaFbCommand.DRIVE, **fields)
    assert fields_of(FaFbFrame(FaFbCommand.DRIVE, 9, text)) == fields


def test_every_status_that_ends_a_dispensing_has_words_and_others_end_nothing() -> None:
    assert set(meanings.DISPENSE_OUTCOMES) == set(meanings.DETAILS)
    on_the_way = {0x01, 0x10, 0x11, 0x14, 0x16, 0x18, 0x19, 0x21, 0x22, 0x23, 0x26, 0x77}
    assert not on_the_way & set(meanings.DISPENSE_OUTCOMES)
    done = {code for code, end in meanings.DISPENSE_OUTCOMES.items() if end == "dispensed"}
    assert done == {0x02, 0x24}
    assert meanings.DISPENSE_OUTCOMES[0xFF] is DispenseOutcome.ABORTED
    assert meanings.detail_of(0x77) == "status (0x77)"
