"""The envelope of a report: DXS, ST ... G85, SE, DXE; which report to read, its count and check.

A capture may hold several reports, because a read that broke off was repeated: the one with the
most segments is read. Anything missing or miscounted is noted and costs nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge_agent.drivers.audit.crc import crc16
from edge_agent.drivers.audit.grammar import Line, Pages, Segment
from edge_agent.drivers.audit.notes import Notes
from edge_agent.drivers.audit.report import CrcQuality, SegmentCount

LINE_END = b"\r\n"
# 31 of 50 reports of one fleet hold 2321 (hardware reference 1.3.5); the other two are what
# memory holds when nothing was ever written.
PLACEHOLDERS = frozenset({0x2321, 0x0000, 0xFFFF})
CHECK_DIGITS = 4
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Check:
    """What G85 is worth: as reported, and as it should be."""

    quality: CrcQuality
    reported: str
    computed: str


def chosen(pages: Pages, notes: Notes) -> tuple[Segment, ...]:
    """Return the segments of the fullest report in the bytes."""
    starts = [index for index, segment in enumerate(pages.segments) if segment.id == "DXS"]
    if len(starts) < 2:
        return pages.segments
    bounds = [0, *starts[1:], len(pages.segments)]
    reports = [pages.segments[begin:end] for begin, end in pairwise(bounds)]
    best = max(range(len(reports)), key=lambda index: (len(reports[index]), index))
    notes.add(f"{len(reports)} reports; number {best + 1} is the longest and was read")
    return reports[best]


def count(segments: Sequence[Segment], notes: Notes) -> SegmentCount:
    """Count from ST through SE, both included; without SE to the end of the report."""
    for name in ("DXS", "ST", "SE", "DXE"):
        if not any(segment.id == name for segment in segments):
            notes.add(f"no {name}")
    first = body_start(segments)
    if first is None:
        return SegmentCount(None, 0)
    end = next((row for row in segments if row.id == "SE" and row.line >= first.line), None)
    last = end or segments[-1]
    found = last.line - first.line + 1
    expected = end.number(1, notes) if end else None
    if expected is not None and expected != found:
        notes.add(f"SE counts {expected} segments, {found} found")
    return SegmentCount(expected, found)


def body_start(segments: Sequence[Segment]) -> Segment | None:
    """Return the ST behind DXS; without one what follows DXS; without that the first segment.

    A stray ST in what stands before the report begins nothing.
    """
    starts = [index + 1 for index, segment in enumerate(segments) if segment.id == "DXS"]
    behind = segments[starts[0] if starts else 0 :]
    first = next((segment for segment in behind if segment.id == "ST"), None)
    return first or next(iter(behind), None)


def check(pages: Pages, segments: Sequence[Segment], notes: Notes) -> Check:
    """Compare G85 with the CRC from the S of ST to the line end before G85."""
    begin = body_start(segments)
    printed = next(
        (row for row in segments if row.id == "G85" and begin and row.start > begin.start), None
    )
    if begin is None or printed is None or not printed.text(1):
        notes.add("no G85")
        return Check(CrcQuality.ABSENT, "", "")
    first, last = begin.start, printed.start
    lines = [
        line for line in pages.lines if first < line.start + len(line.body) and line.start < last
    ]
    normalised = _normalised(lines, first)
    computed = crc16(normalised)
    quality = _quality(printed.text(1), pages.data[first:last], normalised, notes)
    if quality is not CrcQuality.OK:
        notes.add(f"G85 is {printed.text(1)}, computed {computed:04X}")
    return Check(quality, printed.text(1), f"{computed:04X}")


def _normalised(lines: Sequence[Line], first: int) -> bytes:
    """Return the body with the line ends it left the machine with; editors save LF alone."""
    bodies = [line.body[max(0, first - line.start) :] for line in lines]
    return b"".join(body + LINE_END for body in bodies)


def _quality(reported: str, raw: bytes, normalised: bytes, notes: Notes) -> CrcQuality:
    if len(reported) > CHECK_DIGITS or not _HEXADECIMAL.issuperset(reported):
        return CrcQuality.MISMATCH
    value = int(reported, 16)
    for body, how in (
        (normalised, ""),
        (normalised.removesuffix(LINE_END), "without its last line end"),
        (raw, "with its line ends as they are"),
    ):
        crc = crc16(body)
        for candidate, order in ((crc, ""), (_swapped(crc), "bytes swapped")):
            if value == candidate:
                _note_manner(how, order, notes)
                return CrcQuality.OK
    return CrcQuality.PLACEHOLDER if value in PLACEHOLDERS else CrcQuality.MISMATCH


def _note_manner(how: str, order: str, notes: Notes) -> None:
    if manner := ", ".join(word for word in (how, order) if word):
        notes.add(f"G85 matches {manner}")


def _swapped(crc: int) -> int:
    return crc >> 8 | (crc & 0xFF) << 8
