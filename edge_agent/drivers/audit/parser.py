"""Bytes -> AuditReport: never raises, never refuses what can be read."""

from edge_agent.drivers.audit import envelope, events, maker_lines, money
from edge_agent.drivers.audit.grammar import Segment, read_pages
from edge_agent.drivers.audit.identification import identification
from edge_agent.drivers.audit.notes import Notes
from edge_agent.drivers.audit.report import AuditReport, RawSegment
from edge_agent.drivers.audit.segment_index import SegmentIndex
from edge_agent.drivers.audit.selections import raw, selections

OTHER_SEGMENTS_MAX = 2_000
ENVELOPE = ("ST", "G85", "SE", "DXE", "LS", "LE")


def parse_report(data: bytes) -> AuditReport:
    """Read an EVA-DTS report, whole or not; what is odd about it stands in `problems`."""
    notes = Notes()
    pages = read_pages(data, notes)
    segments = envelope.chosen(pages, notes)
    if not segments:
        notes.add("no segment was found: this is no EVA-DTS report")
    se_count = envelope.count(segments, notes)
    check = envelope.check(pages, segments, notes)
    index = SegmentIndex(segments, notes)
    for name in ENVELOPE:
        index.every(name)
    return AuditReport(
        crc_quality=check.quality,
        crc_reported=check.reported,
        crc_computed=check.computed,
        se_count=se_count,
        identification=identification(index, notes),
        totals=money.totals(index, notes),
        selections=selections(index, notes),
        cash=money.cash(index, notes),
        cashless=money.cashless(index, notes),
        events=events.events(index, notes),
        reads=events.reads(index, notes),
        power_outages=events.power_outages(index, notes),
        temperatures=maker_lines.temperatures(index),
        maker_errors=maker_lines.errors(index),
        maker_health=maker_lines.health(index),
        other_segments=_others(index.untaken(), notes),
        text=pages.text,
        problems=notes.problems(),
    )


def _others(segments: list[Segment], notes: Notes) -> tuple[RawSegment, ...]:
    if len(segments) > OTHER_SEGMENTS_MAX:
        notes.add(f"{len(segments)} other segments; the first {OTHER_SEGMENTS_MAX} were kept")
    return raw(segments[:OTHER_SEGMENTS_MAX])
