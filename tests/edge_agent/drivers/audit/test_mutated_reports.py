"""Reports broken at random: never an exception, and nothing that is still readable is lost.

Without the real reports beside the clone, the one report of `samples.py` is broken alone.
"""

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.report import AuditReport, CrcQuality
from tests.edge_agent.drivers.audit.samples import REAL_REPORTS, WHOLE

REPORTS = [WHOLE, *(path.read_bytes() for path in sorted(REAL_REPORTS.glob("*.[de]*")))]
quickly = settings(deadline=None, max_examples=60)  # a long report takes 10 ms on a busy machine
any_report = st.sampled_from(REPORTS)
places = st.integers(0, 9_000)
no_report = st.text(
    st.characters(codec="ascii", exclude_characters="*\r\n", categories=("L", "N", "P", "Zs"))
)


def taken(report: AuditReport) -> dict[str, object]:
    """Everything but what it says of its own form, and JSON on the way."""
    plain: dict[str, object] = msgspec.json.decode(msgspec.json.encode(report))
    for name in ("crc_quality", "crc_reported", "crc_computed", "se_count", "problems", "text"):
        del plain[name]
    return plain


@quickly
@given(st.binary(max_size=2_000))
def test_no_bytes_at_all_raise(data: bytes) -> None:
    taken(parse_report(data))


@quickly
@given(any_report, st.lists(st.tuples(places, st.integers(0, 255)), max_size=30))
def test_no_flipped_bytes_raise(data: bytes, flips: list[tuple[int, int]]) -> None:
    flipped = bytearray(data)
    for place, byte in flips:
        flipped[place % len(data)] = byte
    taken(parse_report(bytes(flipped)))


@quickly
@given(any_report, places)
def test_a_report_cut_anywhere_keeps_every_selection_that_is_whole(data: bytes, cut: int) -> None:
    cut %= len(data)
    whole = parse_report(data).selections
    report = parse_report(data[:cut])
    complete = report.selections[:-1]
    before = {row.selection: row for row in whole}
    for row in complete:
        # LA1 lines stand behind all selections and may be cut off.
        assert msgspec.structs.replace(row, other_segments=()) == msgspec.structs.replace(
            before[row.selection], other_segments=()
        )
    lines = data[:cut].replace(b"\r\n", b"\n").split(b"\n")[:-1]
    assert len(report.selections) >= sum(line.startswith(b"PA1*") for line in lines)
    for row in report.selections[-1:]:
        full = before[row.selection]
        for name in ("price_minor", "vends_since_init", "value_since_init_minor"):
            assert getattr(row, name) in {None, getattr(full, name)}


@quickly
@given(any_report, st.sets(st.integers(0, 500)))
def test_lost_lines_cost_only_themselves(data: bytes, lost: set[int]) -> None:
    lines = data.splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines) if number not in lost]
    report = parse_report(b"".join(kept))
    names = [line.split(b"*")[1].strip().decode() for line in kept if line.startswith(b"PA1*")]
    assert [row.selection for row in report.selections] == names


@quickly
@given(any_report, no_report)
@example(WHOLE, "ST")
@example(WHOLE, "G8")
def test_text_before_the_report_costs_nothing(data: bytes, before: str) -> None:
    for glue in (b"", b"\r\n") if data[:3] == b"DXS" else (b"\r\n",):
        _check_same(parse_report(before.encode() + glue + data), parse_report(data))


def _check_same(report: AuditReport, plain: AuditReport) -> None:
    assert report.crc_quality is plain.crc_quality
    assert report.identification == plain.identification
    assert report.selections == plain.selections
    assert report.events == plain.events


@quickly
@given(any_report, st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r\n"]))
def test_no_line_end_costs_anything(data: bytes, end: bytes) -> None:
    plain = data.replace(b"\r\n", b"\n")
    report = parse_report(plain.replace(b"\n", end))
    assert report == parse_report(data)


@quickly
@given(any_report, st.integers(0, 0xFFFF), st.booleans())
def test_any_check_leaves_the_content_alone(data: bytes, check: int, lower: bool) -> None:  # noqa: FBT001
    if b"G85*" not in data:
        return
    place = data.index(b"G85*") + 4
    digits = f"{check:04x}" if lower else f"{check:04X}"
    report = parse_report(data[:place] + digits.encode() + data[place + 4 :])
    assert taken(report) == taken(parse_report(data))
    right = int(parse_report(data).crc_computed, 16)
    if check not in {right, right >> 8 | (right & 0xFF) << 8}:
        assert report.crc_quality in {CrcQuality.MISMATCH, CrcQuality.PLACEHOLDER, CrcQuality.OK}
    else:
        assert report.crc_quality is CrcQuality.OK
