"""Rows of a profile: what they make of raw words, and how few requests read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.modbus.frames import Function
from edge_agent.drivers.modbus.profile import Profile, Row, RowKind, blocks_of, moved

HOLDING = Function.READ_HOLDING


def row(address: int, kind: RowKind = RowKind.SIGNED, function: Function = HOLDING) -> Row:
    return Row(f"at {function.value}:{address}", function, address, kind)


def asked(*rows: Row, words_max: int = 125, bit_gap_max: int = 0) -> list[tuple[int, int]]:
    profile = Profile("any", 9_600, 0.3, rows, words_max=words_max, bit_gap_max=bit_gap_max)
    return [(block.start, block.count) for block in blocks_of(profile)]


def test_rows_side_by_side_are_read_at_once_and_others_apart() -> None:
    assert asked(row(3), row(7), row(2), row(4, function=Function.READ_INPUT)) == [
        (2, 2),
        (7, 1),
        (4, 1),
    ]


def test_values_of_two_words_follow_each_other() -> None:
    assert asked(row(8, RowKind.SIGNED_32), row(6, RowKind.FLOAT_32), row(10)) == [(6, 5)]


def test_several_rows_of_one_register_are_one_query() -> None:
    bits = [Row(f"bit {bit}", HOLDING, 4, RowKind.WORD_BIT, bit=bit) for bit in (10, 12)]
    assert asked(row(3), *bits) == [(3, 2)]


def test_no_query_is_longer_than_the_device_answers() -> None:
    rows = [row(address, RowKind.SIGNED_32) for address in range(0, 80, 2)]
    assert asked(*rows, words_max=32) == [(0, 32), (32, 32), (64, 16)]


def test_gaps_are_read_along_only_between_bits() -> None:
    coils = [row(number, RowKind.BIT, Function.READ_COILS) for number in (1, 9, 20)]
    assert asked(*coils, bit_gap_max=8) == [(1, 9), (20, 1)]
    assert asked(row(1), row(3), bit_gap_max=8) == [(1, 1), (3, 1)]


@given(
    st.sets(st.integers(0, 300), min_size=1, max_size=40),
    st.integers(2, 40),
    st.sampled_from([RowKind.SIGNED, RowKind.SIGNED_32]),
)
def test_every_row_is_read_from_its_own_address(
    addresses: set[int], words_max: int, kind: RowKind
) -> None:
    """Whatever the grouping: memory holds its own address in each word."""
    profile = Profile(
        "any", 9_600, 0.3, tuple(row(address, kind) for address in addresses), words_max=words_max
    )
    found: dict[str, float] = {}
    for block in blocks_of(profile):
        assert block.count <= words_max
        found |= block.values(range(block.start, block.start + block.count))
    assert set(found) == {each.name for each in profile.rows}
    for each in profile.rows:
        words = range(each.address, each.address + each.size)
        assert found[each.name] == each.value_of(words)


@pytest.mark.parametrize(
    ("kind", "scale", "words", "value"),
    [
        (RowKind.SIGNED, 0.1, (0xFF33,), -20.5),
        (RowKind.UNSIGNED, 0.1, (0xFF33,), 6533.1),
        (RowKind.SIGNED_32, 1.0, (0x0001, 0x0002), 65_538.0),
        (RowKind.SIGNED_32, 1.0, (0xFFFF, 0xFFFE), -2.0),
        (RowKind.FLOAT_32, 1.0, (0x3F80, 0x0000), 1.0),
        (RowKind.FLOAT_32_LOW_FIRST, 1.0, (0x0000, 0x3F80), 1.0),
        (RowKind.BIT, 1.0, (1,), 1.0),
    ],
)
def test_raw_words_become_a_quantity(
    kind: RowKind, scale: float, words: tuple[int, ...], value: float
) -> None:
    one = Row("x", HOLDING, 0, kind, scale)
    assert one.value_of(words) == value
    assert one.words_of(value) == words


def test_a_bit_of_a_status_word_is_picked_out() -> None:
    motion = Row("motion", HOLDING, 4, RowKind.WORD_BIT, bit=12)
    assert [motion.value_of((word,)) for word in (0x1000, 0xEFFF)] == [1.0, 0.0]


def test_a_float_that_is_no_number_stays_none() -> None:
    weight = row(0, RowKind.FLOAT_32)
    assert math.isnan(weight.value_of((0x7FC0, 0)))
    assert math.isinf(weight.value_of((0x7F80, 0)))


def test_a_row_moves_without_changing_what_it_means() -> None:
    assert moved(row(5), 8, name="second") == Row("second", HOLDING, 13, RowKind.SIGNED)
