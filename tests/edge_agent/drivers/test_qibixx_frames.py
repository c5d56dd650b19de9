"""Words of a Qibixx adapter: lines whole, byte by byte, amid rubbish; amounts without floats."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.payment.qibixx.frames import (
    LINE_BYTES_MAX,
    Said,
    Word,
    WordParser,
    command,
    minor_of,
    said,
    text_of,
    word_of,
)
from edge_agent.drivers.readings import PaymentEvent

SESSION = (
    b"c,STATUS,INACTIVE\r\nc,1\r\nr,ACK\r\nc,STATUS,DISABLED\r\nc,STATUS,ENABLED\r\n"
    b"c,STATUS,VEND,1.00,5\r\nr,ACK\r\nc,VEND,SUCCESS\r\nc,STATUS,IDLE\r\nc,STATUS,ENABLED\r\n"
)
"""The slave's half of docs.qibixx.com, vending-sessions-examples, selection first."""

WORDS = [
    Word("c", ("STATUS", "INACTIVE")),
    Word("c", ("1",)),
    Word("r", ("ACK",)),
    Word("c", ("STATUS", "DISABLED")),
    Word("c", ("STATUS", "ENABLED")),
    Word("c", ("STATUS", "VEND", "1.00", "5")),
    Word("r", ("ACK",)),
    Word("c", ("VEND", "SUCCESS")),
    Word("c", ("STATUS", "IDLE")),
    Word("c", ("STATUS", "ENABLED")),
]


def test_a_session_is_read_whole() -> None:
    assert WordParser().feed(SESSION) == WORDS


def test_a_session_is_read_byte_by_byte() -> None:
    parser = WordParser()
    assert [word for byte in SESSION for word in parser.feed(bytes((byte,)))] == WORDS


@given(st.lists(st.binary(max_size=300).filter(lambda line: b"\n" not in line), max_size=5))
def test_words_are_found_amid_rubbish_of_any_length(rubbish: list[bytes]) -> None:
    """Every line of rubbish is one, so no word of ours hides in it; it may be a word itself."""
    lines = [line.replace(b"\r", b"") + b"\n" for line in rubbish]
    words = [word for line in lines if (word := word_of(line[:-1])) is not None]
    found = WordParser().feed(b"".join(lines) + SESSION)
    assert found == words + WORDS


@given(st.binary(max_size=2_000), st.integers(1, 400))
def test_no_bytes_break_the_parser_nor_fill_it(data: bytes, size: int) -> None:
    parser = WordParser()
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
    assert parser.feed(b"\nv,1,2\n")[-1] == Word("v", ("1", "2"))


def test_a_line_without_end_is_dropped_up_to_its_end() -> None:
    parser = WordParser()
    for _ in range(50):
        assert parser.feed(b"c,STATUS,ENABLED," * 10) == []
    assert parser.feed(b"c,STATUS,IDLE\nc,STATUS,DISABLED\n") == [Word("c", ("STATUS", "DISABLED"))]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"C,1",
        b"D,STATUS",
        b"V",
        b"c",
        b"x,1,2",
        b"c,\xff",
        b"c,STATUS\x00",
        b"c," + b"A" * LINE_BYTES_MAX,
    ],
)
def test_an_echo_and_other_lines_are_no_words(line: bytes) -> None:
    assert word_of(line) is None


@pytest.mark.parametrize(
    ("line", "event", "amount_minor"),
    [
        ("c,STATUS,INACTIVE", PaymentEvent.INACTIVE, None),
        ("c,STATUS,OFFLINE", PaymentEvent.INACTIVE, None),
        ("c,STATUS,DISABLED", PaymentEvent.DISABLED, None),
        ("c,STATUS,ENABLED", PaymentEvent.ENABLED, None),
        ("c,STATUS,IDLE,20.00", PaymentEvent.SESSION, 2_000),
        ("c,STATUS,VEND,1.00,2", PaymentEvent.SESSION, 100),
        ("c,VEND,SUCCESS", PaymentEvent.VENDED, None),
        ('c,ERR,"START -3"', PaymentEvent.ERROR, None),
        ("c,ERR,VEND 3", PaymentEvent.ERROR, None),
        ("d,STATUS,RESET", PaymentEvent.RESET, None),
        ("d,STATUS,OFF", PaymentEvent.INACTIVE, None),
        ("d,STATUS,INIT,1", PaymentEvent.DISABLED, None),
        ("d,STATUS,IDLE", PaymentEvent.ENABLED, None),
        ("d,STATUS,CREDIT,4.00,-1", PaymentEvent.SESSION, 400),
        ("d,STATUS,CREDIT,-1", PaymentEvent.SESSION, None),
        ("d,STATUS,VEND", PaymentEvent.SESSION, None),
        ("d,STATUS,RESULT,1,1.50", PaymentEvent.APPROVED, 150),
        ("d,STATUS,RESULT,-1", PaymentEvent.DENIED, None),
        ('d,ERR,"-1"', PaymentEvent.ERROR, None),
        ('D,ERR,"cashless master is on"', PaymentEvent.ERROR, None),
        # Asked for by D,STATUS: how it stands, which is no event.
        ("d,STATUS,INIT,1,#,3,1756,1,2,30,8", PaymentEvent.DISABLED, None),
        ("d,STATUS,IDLE,#,3,1756,1,2,30,8", PaymentEvent.ENABLED, None),
        ("d,STATUS,RESET,#", PaymentEvent.INACTIVE, None),
    ],
)
def test_each_word_says_one_thing(line: str, event: PaymentEvent, amount_minor: int | None) -> None:
    word = word_of(line.encode())
    assert word is not None
    told = said(word, 2)
    assert told is not None
    assert (told.event, told.amount_minor) == (event, amount_minor)


@pytest.mark.parametrize(
    "line",
    [
        "v,4.0.2.0,0123",
        "h,2.1,0011",
        "r,ACK",
        "c,1",
        "c,STATUS",
        "c,STATUS,DANCING",
        "d,STATUS,VEND,#,3,1756",
        "d,STATUS,RESULT,1,1.50,#,3",
    ],
)
def test_answers_that_say_nothing_of_the_peripheral_are_no_events(line: str) -> None:
    word = word_of(line.encode())
    assert word is not None
    assert said(word, 2) is None


def test_an_error_keeps_its_words() -> None:
    word = word_of(b'c,ERR,"VEND -3"')
    assert word is not None
    assert said(word, 2) == Said(PaymentEvent.ERROR, detail="ERR,VEND -3")


@pytest.mark.parametrize(
    ("text", "decimals", "minor"),
    [
        ("1.5", 2, 150),
        ("1", 2, 100),
        ("1.500000", 2, 150),
        ("0.07", 2, 7),
        ("500", 0, 500),
        ("1.005", 2, None),
        ("-1", 2, None),
        ("", 2, None),
        ("1e3", 2, None),
        ("1,5", 2, None),
        ("٣", 2, None),
    ],
)
def test_decimal_text_becomes_minor_units_or_nothing(
    text: str, decimals: int, minor: int | None
) -> None:
    assert minor_of(text, decimals) == minor


@given(st.integers(0, 99_999_999), st.integers(0, 4))
def test_amounts_are_exact_both_ways(minor: int, decimals: int) -> None:
    text = text_of(minor, decimals)
    assert Decimal(text) == Decimal(minor).scaleb(-decimals)
    assert minor_of(text, decimals) == minor


def test_our_lines_end_with_a_line_feed() -> None:
    assert command("C", "VEND", "1.00") == b"C,VEND,1.00\n"
