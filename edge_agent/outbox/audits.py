"""Reports of attached machines into the journal, bounded to what an event can carry.

What the report says goes whole where it fits. Else details go first, in the order of the table
below, then lists and texts are cut ever shorter: counts and money of the machine as a whole, and
the quality of the CRC, always go. A machine may send anything, so every report is made to fit.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.outbox.store import BODY_BYTES_MAX, Outbox
from edge_agent.store import Store
from protocol.events import AuditRead

AUDIT_KINDS = frozenset({"dex", "ddcmp"})
"""Kinds of device that read reports."""
SPARE_BYTES = 1024
"""For the rest of the event around the report."""
LEFT_OUT = "left_out"

Report = dict[str, Any]


class Audits:
    """Writes `audit.read`."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def keep(self, reading: AuditReading) -> None:
        """Append one report. Raises StorageError; the machine will be read again."""
        report: Report = msgspec.to_builtins(reading.report)
        body = AuditRead(reading.part, str(reading.report.crc_quality), fitting(report))
        with self._store.transaction():
            self._outbox.append("audit.read", body)


def fitting(report: Report) -> Report:
    """Report small enough for one event; `left_out` names what had to go."""
    left_out: list[str] = []
    for name, without in _DETAILS.items():
        if _fits(report):
            return report
        left_out.append(name)
        report = {**without(report), LEFT_OUT: left_out}
    for entries, characters in _BOUNDS:
        if _fits(report):
            return report
        how = [*left_out, f"lists past {entries}", f"texts past {characters}"]
        report = {**_cut(report, entries, characters), LEFT_OUT: how}
    return report


def _emptied(key: str) -> Callable[[Report], Report]:
    return lambda report: {**report, key: []} if key in report else report


def _emptied_in_each(rows: str, key: str) -> Callable[[Report], Report]:
    def without(report: Report) -> Report:
        return {**report, rows: [{**row, key: []} for row in report.get(rows, ())]}

    return without


_DETAILS: dict[str, Callable[[Report], Report]] = {
    "other_segments": _emptied("other_segments"),
    "selections.other_segments": _emptied_in_each("selections", "other_segments"),
    "events.occurrences": _emptied_in_each("events", "occurrences"),
    "text": _emptied("text"),
    "problems": _emptied("problems"),
}
"""What goes, in this order, and how."""

_BOUNDS = ((400, 64), (100, 64), (50, 32), (25, 16), (10, 16), (5, 8))
"""Entries of a list, characters of a text. By the last a report has at most 25 entries and 150
texts: under 30 KiB, whatever letters they hold."""


def _cut(value: Any, entries: int, characters: int) -> Any:
    if isinstance(value, str):
        return value[:characters]
    if isinstance(value, dict):
        return {key: _cut(one, entries, characters) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(one, entries, characters) for one in value[:entries]]
    return value


def _fits(report: Report) -> bool:
    return len(msgspec.json.encode(report)) <= BODY_BYTES_MAX - SPARE_BYTES
