"""Scans as USB scanners type them: golden labels, every spelling, rubbish, round trips."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import UnreadableScanError
from protocol.gs1_scan import SCAN_CHARS_MAX, SEPARATOR, ScanFault, Scanned, parse_scan
from protocol.gtin import check_digit

YEAR = 2026
GTIN = "06901234567892"
FULL = Scanned(GTIN, "L-7/B", date(2026, 12, 31), date(2026, 11, 1), "S001")

LETTERS = "ABCXYZabcxyz0123456789!\"%&'*+,-./:;<=>?_"
"""Without brackets, which printed element strings cannot tell from those of an AI."""
words = st.text(LETTERS, min_size=1, max_size=20)
dates = st.dates(date(YEAR - 49, 1, 1), date(YEAR + 50, 12, 31))
gtins = st.from_regex(r"[0-9]{13}", fullmatch=True).map(lambda body: body + str(check_digit(body)))
items = st.builds(
    Scanned,
    gtin=gtins,
    lot=st.none() | words,
    expiry=st.none() | dates,
    production=st.none() | dates,
    serial=st.none() | words,
)


def elements(item: Scanned) -> list[tuple[str, str]]:
    pairs = [
        ("01", item.gtin),
        ("10", item.lot),
        ("17", six_digits(item.expiry)),
        ("21", item.serial),
        ("11", six_digits(item.production)),
    ]
    return [(ai, value) for ai, value in pairs if value is not None]


def six_digits(day: date | None) -> str | None:
    return None if day is None else day.strftime("%y%m%d")


def raw(item: Scanned) -> str:
    variable = {"10", "21"}
    return "".join(
        ai + value + (SEPARATOR if ai in variable else "") for ai, value in elements(item)
    )


def bracketed(item: Scanned) -> str:
    return "".join(f"({ai}){value}" for ai, value in elements(item))


def linked(item: Scanned) -> str:
    in_path = {"01", "10", "21"}
    told = elements(item)
    path = "".join(f"/{ai}/{escaped(value)}" for ai, value in told if ai in in_path)
    query = "&".join(f"{ai}={value}" for ai, value in told if ai not in in_path)
    return f"https://id.example.org/some/stem{path}?{query}"


def escaped(value: str) -> str:
    return "".join(one if one.isalnum() else f"%{ord(one):02X}" for one in value)


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("6901234567892", GTIN),
        ("06901234567892", GTIN),
        ("036000291452", "00036000291452"),
        ("96385074", "00000096385074"),
        ("16901234567899", "16901234567899"),
        ("]E06901234567892", GTIN),
        ("]I116901234567899", "16901234567899"),
        (" 6901234567892\r\n", GTIN),
    ],
    ids=["EAN-13", "ITF-14 of a unit", "UPC-A", "EAN-8", "ITF-14", "]E0", "]I1", "with Enter"],
)
def test_digits_alone_are_a_gtin(text: str, gtin: str) -> None:
    assert parse_scan(text, YEAR) == Scanned(gtin)


@pytest.mark.parametrize(
    "text",
    [
        "01069012345678921726123111261101" + "10L-7/B" + SEPARATOR + "21S001",
        "]d201069012345678921726123111261101" + "10L-7/B" + SEPARATOR + "21S001",
        "]C101069012345678921726123111261101" + "21S001" + SEPARATOR + "10L-7/B",
        SEPARATOR + "010690123456789210L-7/B\x1d1726123111261101" + "21S001\x1d",
        "010690123456789210L-7/B\u241d1726123111261101" + "21S001",
        "(01)06901234567892(17)261231(11)261101(10)L-7/B(21)S001",
        "https://example.org/01/06901234567892/10/L-7%2FB/21/S001?17=261231&11=261101",
        "HTTPS://EXAMPLE.ORG/01/06901234567892/10/L-7%2fB/21/S001?11=261101;17=261231#top",
        "]Q1http://example.org/a/b/01/6901234567892/10/L-7%2FB/21/S001/?17=261231&11=261101&s=1",
    ],
)
def test_a_label_reads_the_same_in_every_spelling(text: str) -> None:
    assert parse_scan(text, YEAR) == FULL


def test_other_element_strings_are_stepped_over_by_their_known_lengths() -> None:
    text = "00123456789012345675" + "3103001250" + "20" + "07" + "4101234567890128"
    text += "240PART-1" + SEPARATOR + "8005001234" + SEPARATOR + "01" + GTIN + "10A1"
    assert parse_scan(text, YEAR) == Scanned(GTIN, "A1")


def test_a_separator_behind_a_predefined_length_is_forgiven() -> None:
    assert parse_scan(f"01{GTIN}{SEPARATOR}17261231{SEPARATOR}10A", YEAR).lot == "A"


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("261100", date(2026, 11, 30)),
        ("270200", date(2027, 2, 28)),
        ("280200", date(2028, 2, 29)),
        ("261200", date(2026, 12, 31)),
        ("261231", date(2026, 12, 31)),
        ("760101", date(2076, 1, 1)),
        ("770101", date(1977, 1, 1)),
    ],
)
def test_day_00_is_the_last_of_its_month_and_the_century_is_the_nearest(
    value: str, day: date
) -> None:
    assert parse_scan(f"01{GTIN}17{value}", YEAR).expiry == day


def test_the_century_turns_with_the_year() -> None:
    assert parse_scan(f"01{GTIN}17040229", 2096).expiry == date(2104, 2, 29)
    assert parse_scan(f"01{GTIN}17991231", 2004).expiry == date(1999, 12, 31)


def test_the_earliest_of_several_last_days_counts() -> None:
    text = f"(01){GTIN}(17)261231(15)261201(7003)2611301200"
    assert parse_scan(text, YEAR).expiry == date(2026, 11, 30)
    assert parse_scan(f"01{GTIN}70032611301200{SEPARATOR}17261231", YEAR).expiry == date(
        2026, 11, 30
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ScanFault.NO_CODE),
        ("4711", ScanFault.NO_CODE),
        ("hello", ScanFault.NO_CODE),
        ("(1)06901234567892", ScanFault.NO_CODE),
        ("(01", ScanFault.NO_CODE),
        ("(99x)1(01)06901234567892", ScanFault.NO_CODE),
        ("(47)11", ScanFault.NO_CODE),
        ("9" * (SCAN_CHARS_MAX + 1), ScanFault.NO_CODE),
        ("10LOT", ScanFault.NO_GTIN),
        ("https://example.org/", ScanFault.NO_GTIN),
        ("https://example.org/01/", ScanFault.NO_GTIN),
        ("https://example.org/01/06901234567892/10", ScanFault.NO_GTIN),
        ("https://example.org/01/06901234567892/99/x", ScanFault.NO_GTIN),
        ("6901234567890", ScanFault.BAD_GTIN),
        ("0106901234567890", ScanFault.BAD_GTIN),
        ("https://example.org/01/products", ScanFault.BAD_GTIN),
        ("010690123456789", ScanFault.BAD_LENGTH),
        (f"01{GTIN}1726123", ScanFault.BAD_LENGTH),
        (f"01{GTIN}172612{SEPARATOR}31", ScanFault.BAD_LENGTH),
        (f"01{GTIN}17261331", ScanFault.BAD_DATE),
        (f"01{GTIN}17260230", ScanFault.BAD_DATE),
        (f"01{GTIN}17260000", ScanFault.BAD_DATE),
        (f"01{GTIN}1726123a", ScanFault.BAD_DATE),
        (f"(01){GTIN}(17)20261231", ScanFault.BAD_DATE),
        (f"01{GTIN}10", ScanFault.BAD_VALUE),
        (f"01{GTIN}10A B", ScanFault.BAD_VALUE),
        (f"01{GTIN}10" + "A" * 21, ScanFault.BAD_VALUE),
        (f"01{GTIN}10批次", ScanFault.BAD_VALUE),
        (f"01{GTIN}10A{SEPARATOR}10B", ScanFault.CONTRADICTION),
    ],
)
def test_what_is_no_trade_item_is_a_typed_error(text: str, fault: ScanFault) -> None:
    with pytest.raises(UnreadableScanError) as raised:
        parse_scan(text, YEAR)
    assert raised.value.fault == fault
    assert raised.value.detail


@given(items)
def test_every_item_comes_back_from_every_spelling(item: Scanned) -> None:
    for spelling in (raw(item), "]C1" + raw(item), bracketed(item), linked(item)):
        assert parse_scan(spelling, YEAR) == item


@given(items, st.integers(0, 200), st.characters())
def test_one_wrong_character_is_read_or_refused_and_never_crashes(
    item: Scanned, at: int, wrong: str
) -> None:
    text = raw(item)
    at %= len(text)
    _read_or_refused(text[:at] + wrong + text[at + 1 :])


@given(st.text() | st.text("]CdQ0123456789()/:?&=%\x1dhtps.A", max_size=80))
def test_rubbish_is_refused_and_never_crashes(text: str) -> None:
    _read_or_refused(text)


def _read_or_refused(text: str) -> None:
    try:
        found = parse_scan(text, YEAR)
    except UnreadableScanError:
        return
    assert len(found.gtin) == 14
    first, last = date(YEAR - 49, 1, 1), date(YEAR + 50, 12, 31)
    assert all(day is None or first <= day <= last for day in (found.expiry, found.production))
