"""GTIN as 14 digits with its check digit (GS1 General Specifications, section 7.9)."""

from protocol.errors import MalformedMessageError

GTIN_DIGITS = 14


def check_digit(body: str) -> int:
    """Check digit of the digits before it: weights 3 and 1 from the right."""
    weighted = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body))
    )
    return -weighted % 10


def checked_gtin(text: str) -> str:
    """GTIN-8, -12, -13 or -14 -> 14 digits; MalformedMessageError when it is none."""
    if not (text.isascii() and text.isdigit()) or len(text) not in {8, 12, 13, 14}:
        raise MalformedMessageError(f"{text!r} is no GTIN of 8, 12, 13 or 14 digits")
    gtin = text.zfill(GTIN_DIGITS)
    if check_digit(gtin[:-1]) != int(gtin[-1]):
        raise MalformedMessageError(f"GTIN {text}: the check digit is wrong")
    return gtin
