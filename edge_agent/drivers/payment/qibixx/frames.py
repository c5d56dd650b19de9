"""Text lines of a Qibixx MDB adapter, pure: bytes <-> words, words -> what they say of payment.

Sources: docs.qibixx.com/mdb-products api-general, api-cashless-master, vending-sessions-examples,
cashless-device-accept-a-vend-request-from-vmc-in-always-idle. The adapter's words begin in lower
case, ours in upper case, so an echo is never taken for a word. Amounts are decimal text in the
currency's main unit ("1.50"); they become whole minor units without a float between.
"""

import re
from dataclasses import dataclass

from edge_agent.drivers.readings import PaymentEvent

LINE_BYTES_MAX = 128  # the longest known word (a status with setup data) has about 50
LINE_END = b"\n"
SPEAKERS = frozenset("cdvhr")
"""Cashless slave, cashless master, version, hardware, and what the VMC acknowledged."""
OWN_ERROR = "D,ERR"  # one error is printed in upper case: "cashless master is on"
STATUS_ANSWER = "#"  # parts a status asked for (D,STATUS) from the setup data behind it
DECIMALS_MAX = 4  # no currency has more
_AMOUNT = re.compile(r"(\d{1,9})(?:\.(\d{1,6}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Word:
    """One line of the adapter: who speaks, and the fields behind."""

    speaker: str
    fields: tuple[str, ...]

    def begins(self, *fields: str) -> bool:
        """Say whether it begins with these fields."""
        return self.fields[: len(fields)] == fields

    @property
    def text(self) -> str:
        """Its fields as they came, for logs and details."""
        return ",".join(self.fields)


@dataclass(frozen=True, slots=True)
class Said:
    """What a word says of the payment peripheral; `amount_minor` where it names an amount."""

    event: PaymentEvent
    amount_minor: int | None = None
    detail: str = ""


class WordParser:
    """Finds words in a stream. Rubbish and lines too long are passed by, up to their end."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False

    def feed(self, data: bytes) -> list[Word]:
        """Take more bytes; return the words they complete."""
        *lines, rest = (self._rest + data).replace(b"\r", LINE_END).split(LINE_END)
        if lines and self._too_long:
            del lines[0]
            self._too_long = False
        self._too_long |= len(rest) > LINE_BYTES_MAX
        self._rest = b"" if self._too_long else rest
        return [word for line in lines if (word := word_of(line)) is not None]


def word_of(line: bytes) -> Word | None:
    """A line without its end -> a word; None for everything that is none."""
    if len(line) > LINE_BYTES_MAX or not line.isascii():
        return None
    text = line.decode("ascii").strip()
    if not text.isprintable():
        return None
    if text.startswith(OWN_ERROR):
        text = text[:1].lower() + text[1:]
    speaker, *fields = (field.strip().strip('"') for field in text.split(","))
    return Word(speaker, tuple(fields)) if speaker in SPEAKERS and fields else None


def command(*fields: str) -> bytes:
    """Our line to the adapter."""
    return ",".join(fields).encode("ascii") + LINE_END


def minor_of(text: str, decimals: int) -> int | None:
    """Decimal text -> minor units; None for what is no whole number of them ("-1", "1.005")."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        return None
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        return None
    return int(whole + fraction.ljust(decimals, "0"))


def text_of(minor: int, decimals: int) -> str:
    """Minor units (0 or more) -> decimal text."""
    digits = str(minor).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


def said(word: Word, decimals: int) -> Said | None:
    """What a word says of the peripheral; None for answers that say nothing of it."""
    if word.speaker not in "cd":
        return None
    if word.begins("ERR"):
        return Said(PaymentEvent.ERROR, detail=word.text)
    if word.begins("VEND", "SUCCESS"):
        return Said(PaymentEvent.VENDED)
    if not word.begins("STATUS") or len(word.fields) < 2:
        return None
    return _slave(word, decimals) if word.speaker == "c" else _master(word, decimals)


_SLAVE = {
    "INACTIVE": PaymentEvent.INACTIVE,
    "OFFLINE": PaymentEvent.INACTIVE,
    "DISABLED": PaymentEvent.DISABLED,
    "ENABLED": PaymentEvent.ENABLED,
    "IDLE": PaymentEvent.SESSION,  # MDB "session idle": a credit waits for a selection
    "VEND": PaymentEvent.SESSION,
}
_MASTER = {
    "RESET": PaymentEvent.RESET,
    "OFF": PaymentEvent.INACTIVE,
    "INIT": PaymentEvent.DISABLED,  # the reader answers and waits to be enabled
    "IDLE": PaymentEvent.ENABLED,
    "CREDIT": PaymentEvent.SESSION,
    "VEND": PaymentEvent.SESSION,
}


def _slave(word: Word, decimals: int) -> Said | None:
    """`c,STATUS,<state>[,<amount>[,<item>]]`."""
    state, *more = word.fields[1:]
    if state not in _SLAVE:
        return None
    amount = minor_of(more[0], decimals) if more else None
    return Said(_SLAVE[state], amount, word.text)


def _master(word: Word, decimals: int) -> Said | None:
    """`d,STATUS,<state>[,<amount>...]`, or asked for: `d,STATUS,<state>,...,#,<setup data>`."""
    state, *more = word.fields[1:]
    if STATUS_ANSWER in more:
        return _standing(state)
    if state == "RESULT" and more:
        if more[0] != "1":
            return Said(PaymentEvent.DENIED, detail=word.text)
        amount = minor_of(more[1], decimals) if len(more) > 1 else None
        return Said(PaymentEvent.APPROVED, amount, word.text)
    if state not in _MASTER:
        return None
    amount = minor_of(more[0], decimals) if state == "CREDIT" and more else None
    return Said(_MASTER[state], amount, word.text)


def _standing(state: str) -> Said | None:
    """A state that is asked for is no event: RESET means that no reader answers."""
    if state == "RESET":
        return Said(PaymentEvent.INACTIVE)
    known = _MASTER.get(state)
    return None if known in (None, PaymentEvent.SESSION) else Said(known)
