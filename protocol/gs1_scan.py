"""What a barcode scanner types -> GTIN, lot, dates, serial number. Pure; never guesses.

A scanner on USB is a keyboard, so all carriers arrive as one line of text. Three spellings occur:
- digits alone: EAN-8, EAN-13, UPC-A, ITF-14 (GS1 General Specifications, section 7.9);
- element strings, raw or with their AIs in brackets as printed below a symbol (section 7.8);
- a GS1 Digital Link URI (GS1 Digital Link Standard: URI Syntax 1.4, uncompressed form).

We keep AIs 01, 10, 11, 15, 17, 21 and 7003 and step over the others. Sections below are those of
the General Specifications, which keep their numbers from release to release; figures do not.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from protocol.errors import MalformedMessageError, UnreadableScanError
from protocol.gtin import checked_gtin

SCAN_CHARS_MAX = 2_048
"""A symbol carries far less (QR 4,296 digits are possible, no label has them); a bound on work."""
SEPARATOR = "\x1d"
"""GS, which stands for FNC1 between element strings (7.8.3)."""
_SHOWN_SEPARATOR = "\u241d"
"""How some scanners and apps make GS visible; it is in no value (7.11)."""

PREDEFINED_CHARS = {
    "00": 20,
    **dict.fromkeys(("01", "02", "03"), 16),
    "04": 18,
    **dict.fromkeys([str(ai) for ai in range(11, 20)], 8),
    "20": 4,
    **dict.fromkeys([str(ai) for ai in range(31, 37)], 10),
    "41": 16,
}
"""First two digits -> characters of the whole element string, AI included (7.8.5).

Only these need no separator behind them; every other ends at one, whatever its own length is.
"""
_ASSIGNED = frozenset(
    [
        *PREDEFINED_CHARS,
        *("10", "21", "22", "23", "24", "25", "30", "37", "39", "40", "42", "43"),
        *("70", "71", "72", "80", "81", "82"),
        *[str(ai) for ai in range(90, 100)],
    ]
)
"""First two digits that begin an AI at all (7.8.2)."""

KEPT = ("01", "10", "11", "15", "17", "21", "7003")
_EXPIRIES = ("17", "7003", "15")
"""Use by, expiry with time, best before. With several on a label the earliest counts."""
_QUALIFIERS = frozenset({"22", "10", "21", "235"})
"""What may follow `/01/{gtin}` in the path of a Digital Link (URI Syntax, section 4)."""
_SYMBOLOGY = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_ELEMENT_SYMBOLOGIES = frozenset({"]C1", "]d2", "]Q3", "]e0", "]J1"})
"""GS1-128, GS1 DataMatrix, GS1 QR, GS1 DataBar, GS1 DotCode: element strings inside (section 5)."""
_BRACKETED = re.compile(r"\((\d{2,4})\)")
_LINK = re.compile(r"https?://[^/?#]*([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_VALUE = re.compile(r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}""")
"""Lot and serial number: X..20 of the GS1 AI encodable character set 82 (7.11)."""


class ScanFault(StrEnum):
    """What is wrong with a scan, for whoever words it for people."""

    NO_CODE = "no_code"
    NO_GTIN = "no_gtin"
    BAD_GTIN = "bad_gtin"
    BAD_DATE = "bad_date"
    BAD_VALUE = "bad_value"
    BAD_LENGTH = "bad_length"
    CONTRADICTION = "contradiction"


class Scanned(msgspec.Struct, frozen=True):
    """One trade item as its label says. `expiry` is the last day it may be sold."""

    gtin: str
    lot: str | None = None
    expiry: date | None = None
    production: date | None = None
    serial: str | None = None


def parse_scan(text: str, this_year: int) -> Scanned:
    """Line of a scanner -> trade item. `this_year` decides the century of dates (7.12).

    Raises UnreadableScanError.
    """
    line = text.strip(" \t\r\n").replace(_SHOWN_SEPARATOR, SEPARATOR)
    if not line or len(line) > SCAN_CHARS_MAX:
        raise UnreadableScanError(ScanFault.NO_CODE, f"1 to {SCAN_CHARS_MAX} characters")
    return _item(_kept(_pairs(line)), this_year)


def _pairs(line: str) -> Iterable[tuple[str, str]]:
    """AI and value of every element string, in the spelling that this line has."""
    found = _SYMBOLOGY.match(line)
    symbology = found.group() if found else ""
    data = line[len(symbology) :].lstrip(SEPARATOR)
    link = _LINK.fullmatch(data.partition("#")[0])
    if link is not None:
        return _linked(link.group(1), link.group(2) or "")
    if data.startswith("("):
        return _bracketed(data)
    plain = data.isascii() and data.isdigit() and len(data) in {8, 12, 13, 14}
    if plain and symbology not in _ELEMENT_SYMBOLOGIES:
        return [("01", data)]
    return _elements(data)


def _elements(data: str) -> Iterator[tuple[str, str]]:
    """Raw element strings, one after the other."""
    while data:
        first = data[:2]
        if first not in _ASSIGNED:
            raise UnreadableScanError(ScanFault.NO_CODE, f"no GS1 identifier begins with {first!r}")
        size = PREDEFINED_CHARS.get(first)
        if size is None:
            element, _, data = data.partition(SEPARATOR)
        else:
            element, data = data[:size], data[size:].removeprefix(SEPARATOR)
            if len(element) < size or SEPARATOR in element:
                detail = f"({first}) needs {size - 2} characters"
                raise UnreadableScanError(ScanFault.BAD_LENGTH, detail)
        ai = "7003" if element.startswith("7003") else first
        yield ai, element[len(ai) :]


def _bracketed(data: str) -> Iterator[tuple[str, str]]:
    """`(01)...(10)...`: a value ends where the next bracketed AI begins."""
    head, *rest = _BRACKETED.split(data)
    if head or not rest:
        raise UnreadableScanError(ScanFault.NO_CODE, "brackets hold an identifier of 2 to 4 digits")
    for ai, value in zip(rest[::2], rest[1::2], strict=True):
        if ai[:2] not in _ASSIGNED:
            raise UnreadableScanError(ScanFault.NO_CODE, f"({ai}) is no GS1 identifier")
        yield ai, value.rstrip(SEPARATOR)


def _linked(path: str, query: str) -> list[tuple[str, str]]:
    """Path and query of a Digital Link: `/any/stem/01/{gtin}/10/{lot}?17={date}`."""
    parts = path.rstrip("/").split("/")
    for at, part in enumerate(parts):
        key, qualifiers = parts[at + 1 : at + 2], parts[at + 2 :]
        if part != "01" or not key or len(qualifiers) % 2:
            continue
        if not set(qualifiers[::2]) <= _QUALIFIERS:
            continue
        pairs = [("01", key[0]), *zip(qualifiers[::2], qualifiers[1::2], strict=True)]
        attributes = [tuple(one.split("=", 1)) for one in re.split("[&;]", query) if "=" in one]
        pairs += [(name, value) for name, value in attributes if name != "01"]
        return [(ai, _unescaped(value)) for ai, value in pairs]
    raise UnreadableScanError(ScanFault.NO_GTIN, "the address has no /01/ with a GTIN")


def _unescaped(value: str) -> str:
    """Percent-decoding of the characters a value may have (RFC 3986, 2.1); all are ASCII."""
    return _PERCENT.sub(lambda found: chr(int(found.group(1), 16)), value)


def _kept(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for ai, value in pairs:
        if ai in KEPT and kept.setdefault(ai, value) != value:
            raise UnreadableScanError(ScanFault.CONTRADICTION, f"({ai}) stands there twice")
    return kept


def _item(kept: dict[str, str], this_year: int) -> Scanned:
    if "01" not in kept:
        raise UnreadableScanError(ScanFault.NO_GTIN, "no GTIN, AI (01)")
    try:
        gtin = checked_gtin(kept["01"])
    except MalformedMessageError as error:
        raise UnreadableScanError(ScanFault.BAD_GTIN, error.reason) from error
    expiries = [_date(ai, kept[ai], this_year) for ai in _EXPIRIES if ai in kept]
    return Scanned(
        gtin=gtin,
        lot=_word("10", kept),
        expiry=min(expiries) if expiries else None,
        production=_date("11", kept["11"], this_year) if "11" in kept else None,
        serial=_word("21", kept),
    )


def _word(ai: str, kept: dict[str, str]) -> str | None:
    value = kept.get(ai)
    if value is not None and not _VALUE.fullmatch(value):
        detail = f"({ai}) has 1 to 20 letters, digits or signs of GS1"
        raise UnreadableScanError(ScanFault.BAD_VALUE, detail)
    return value


def _date(ai: str, value: str, this_year: int) -> date:
    """YYMMDD, for AI 7003 with HHMM behind it; day 00 is the last day of the month (section 3)."""
    digits = 10 if ai == "7003" else 6
    if len(value) != digits or not (value.isascii() and value.isdigit()):
        raise UnreadableScanError(ScanFault.BAD_DATE, f"({ai}) has {digits} digits")
    year, month, day = _full_year(int(value[:2]), this_year), int(value[2:4]), int(value[4:6])
    try:
        found = date(year, month, day or 1)
    except ValueError as error:
        raise UnreadableScanError(ScanFault.BAD_DATE, f"({ai}){value}: {error}") from error
    return found if day else date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _full_year(two_digits: int, this_year: int) -> int:
    """From 49 years ago to 50 years ahead (7.12)."""
    century, year_of_century = this_year - this_year % 100, this_year % 100
    difference = two_digits - year_of_century
    if difference >= 51:
        return century - 100 + two_digits
    return century + two_digits + (100 if difference <= -50 else 0)
