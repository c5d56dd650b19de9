"""Reports of attached machines into the journal, bounded to what an event can carry.

What the report says goes whole where it fits. Else the raw segments go first, then details of the
selections: counts, money, events and the quality of the CRC are never left out.
"""

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
DROPPED_IN_ORDER = ("other_segments", "temperatures", "problems")
LIST_MAX = 50
"""Entries kept of each list of a report that is still too large."""


class Audits:
    """Writes `audit.read`."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def keep(self, reading: AuditReading) -> None:
        """Append one report. Raises StorageError; the machine will be read again."""
        report: dict[str, Any] = msgspec.to_builtins(reading.report)
        body = AuditRead(reading.part, str(reading.report.crc_quality), fitting(report))
        with self._store.transaction():
            self._outbox.append("audit.read", body)


def fitting(report: dict[str, Any]) -> dict[str, Any]:
    """Report small enough for one event; `left_out` names what had to go."""
    left_out: list[str] = []
    for key in DROPPED_IN_ORDER:
        if _fits(report):
            return report
        if key in report:
            left_out.append(key)
            report = {name: value for name, value in report.items() if name != key}
            report[LEFT_OUT] = left_out
    if _fits(report):
        return report
    shortened = {
        name: value[:LIST_MAX] if isinstance(value, list) else value
        for name, value in report.items()
    }
    return {**shortened, LEFT_OUT: [*left_out, f"lists past {LIST_MAX}"]}


def _fits(report: dict[str, Any]) -> bool:
    return len(msgspec.json.encode(report)) <= BODY_BYTES_MAX - SPARE_BYTES
