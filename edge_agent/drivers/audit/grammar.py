"""The grammar of an EVA-DTS report: bytes -> segments (EVA-DTS 6.2, chapter 2), pure.

`ID*element*element...` a line. Nothing is refused: lines that are no segment are kept as text,
any line end counts, and bytes are read as UTF-8 or else Latin-1, line by line, so that one bad
byte costs one letter. Bounds cut what is beyond them and say so.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_agent.drivers.audit.notes import Notes

REPORT_BYTES_MAX = 1024 * 1024  # a hundred times the longest report of the field (9 KB)
LINES_MAX = 20_000
ELEMENTS_MAX = 64  # the widest segment of the standard has 20
ELEMENT_CHARACTERS_MAX = 256  # texts of makers have 40
TEXT_LINES_MAX = 50
WIDE_HEAD_BYTES = 16  # a report begins with ASCII; more would let one foreign letter decide

_LINE = re.compile(rb"[^\r\n]+(?:\r\n|\r|\n)?")
_SEGMENT = re.compile(r"([A-Za-z]{1,3}[0-9]{0,3})[ \t]*\*(.*)", re.DOTALL)
_BARE_SEGMENT = re.compile(r"(?:[A-Za-z]{2}[0-9]{1,2}|ST|SE|LS|LE|DXS|DXE|G85)", re.IGNORECASE)
# Text may stand before DXS in its own line; only with `*VA*` is it surely no element.
_EMBEDDED_START = re.compile(rb"DXS\*[^*\r\n]{0,40}\*VA\b", re.IGNORECASE)
_ESCAPE = re.compile(r"\^([0-9A-Fa-f]{2})\^")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")  # more digits are no counter of the standard (10)
_CONTROL = "".join(map(chr, range(32))) + " \x7f\ufeff"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty: where it begins, its bytes, whether a line end followed."""

    start: int
    body: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. `line` counts lines that are not empty, `start` is its place in the bytes."""

    id: str
    elements: tuple[str, ...]
    line: int = 0
    start: int = 0

    def text(self, position: int) -> str:
        """Return an element by its number in the standard, PA102 as 2; "" if it is not there."""
        return self.elements[position - 1] if position <= len(self.elements) else ""

    def number(self, position: int, notes: Notes) -> int | None:
        """Return an element as a whole number; None if it is empty or, noted, no number."""
        text = self.text(position)
        if not text:
            return None
        if _NUMBER.fullmatch(text):
            return int(text)
        notes.add(f"{self.id}{position:02}: {text!r} is no number")
        return None

    @property
    def is_empty(self) -> bool:
        """Whether no element says anything."""
        return not any(self.elements)


@dataclass(frozen=True, slots=True)
class Pages:
    """The bytes in hand, their segments, and the lines that are none."""

    data: bytes
    lines: tuple[Line, ...]
    segments: tuple[Segment, ...]
    text: tuple[str, ...]


def read_pages(data: bytes, notes: Notes) -> Pages:
    """Split a report into lines and segments."""
    data = _bounded(_plain(data, notes), notes)
    lines = tuple(_lines(data, notes))
    segments, text = _segments(lines, notes)
    return Pages(data, lines, segments, text)


def _plain(data: bytes, notes: Notes) -> bytes:
    """Undo what editors do to a report: UTF-16, and a byte order mark."""
    encoding = _wide_encoding(data[:WIDE_HEAD_BYTES])
    if encoding:
        notes.add("saved as UTF-16")
        return data[: 2 * REPORT_BYTES_MAX + 4].decode(encoding, "replace").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def _wide_encoding(head: bytes) -> str:
    """Name the UTF-16 a file begins in, by its mark or by a NUL beside every letter."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    even, odd = head[0::2], head[1::2]
    if all(even) and odd and not any(odd):
        return "utf-16-le"
    return "utf-16-be" if odd and all(odd) and not any(even) else ""


def _bounded(data: bytes, notes: Notes) -> bytes:
    if len(data) <= REPORT_BYTES_MAX:
        return data
    notes.add(f"longer than {REPORT_BYTES_MAX} bytes; the rest was not read")
    return data[:REPORT_BYTES_MAX]


def _lines(data: bytes, notes: Notes) -> Iterator[Line]:
    for count, found in enumerate(_LINE.finditer(data)):
        if count >= LINES_MAX:
            notes.add(f"more than {LINES_MAX} lines; the rest was not read")
            return
        body = found.group().rstrip(b"\r\n")
        yield Line(found.start(), body, ended=len(found.group()) > len(body))


def _segments(lines: Sequence[Line], notes: Notes) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    segments: list[Segment] = []
    texts: list[str] = []
    for number, line in enumerate(lines):
        prefix, segment = _segment_of(line, number, notes)
        if segment is not None:
            segments.append(segment)
        if prefix:
            texts.append(prefix)
    if texts:
        notes.add(f"{len(texts)} lines are no segments, the first: {texts[0]!r}")
    if segments and lines and not lines[-1].ended and segments[-1].line == len(lines) - 1:
        segments[-1] = _cut(segments[-1], segments, notes)
    return tuple(segments), tuple(texts[:TEXT_LINES_MAX])


def _segment_of(line: Line, number: int, notes: Notes) -> tuple[str, Segment | None]:
    """Return the text before a segment, and the segment, if there is one."""
    begin = _EMBEDDED_START.search(line.body)
    split = begin.start() if begin else _unsure_start(line.body)
    prefix = _decoded(line.body[:split], notes).strip(_CONTROL)
    text = _decoded(line.body[split:], notes).strip(_CONTROL)
    found = _SEGMENT.fullmatch(text)
    start = line.start + split + _blanks(line.body[split:])
    if found:
        elements = tuple(_element(part) for part in _parts(found.group(2), notes))
        return prefix[:ELEMENT_CHARACTERS_MAX], Segment(
            found.group(1).upper(), elements, number, start
        )
    if _BARE_SEGMENT.fullmatch(text):
        return prefix, Segment(text.upper(), (), number, start)
    return (prefix + text)[:ELEMENT_CHARACTERS_MAX], None


def _blanks(body: bytes) -> int:
    """Count what stands before the first letter: the check begins at the letter."""
    return len(body) - len(body.lstrip(_CONTROL.encode()))


def _unsure_start(body: bytes) -> int:
    """Where a DXS begins behind text that is no segment itself; 0 if none does."""
    place = body.find(b"DXS*")
    return place if place > 0 and b"*" not in body[:place] else 0


def _parts(text: str, notes: Notes) -> list[str]:
    parts = text.split("*", ELEMENTS_MAX)
    if len(parts) > ELEMENTS_MAX:
        notes.add(f"a segment has more than {ELEMENTS_MAX} elements; the rest was not read")
    return parts[:ELEMENTS_MAX]


def _element(text: str) -> str:
    """Undo `^2A^` and drop the blanks that makers pad texts with."""
    plain = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)
    return plain.strip(_CONTROL)[:ELEMENT_CHARACTERS_MAX]


def _decoded(body: bytes, notes: Notes) -> str:
    if body.isascii():
        return body.decode("ascii")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        notes.add("bytes beyond ASCII, read as Latin-1")
        return body.decode("latin-1")
    notes.add("bytes beyond ASCII, read as UTF-8")
    return text


def _cut(last: Segment, segments: Sequence[Segment], notes: Notes) -> Segment:
    """Give up the last element of a file that stops in a line: half a number is a wrong number.

    A file that merely lacks its last line end is told by its DXE, or by a whole G85.
    """
    whole_check = last.id == "G85" and len(last.text(1)) >= 4
    if whole_check or any(segment.id == "DXE" for segment in segments):
        return last
    shown = "*".join((last.id, *last.elements))
    notes.add(f"stops inside a line: {shown!r}; its last element is not used")
    return Segment(last.id, last.elements[:-1], last.line, last.start)
