"""What ingest itself does with events: dates those that were taken without a trusted clock."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, literal_column, select

from fleet_server.bulk import update_rows
from fleet_server.ingest.events import Received
from fleet_server.ingest.models import JournalEvent
from fleet_server.transactions import Transaction
from protocol.events import ClockAnchored
from protocol.journal import ClockQuality

KEY = ("cabinet_id", "id", "month")
UNSYNCED: ColumnElement[str] = literal_column("'unsynced'")
"""Spelled out, so that the partial index of those rows is used."""
DATED_MAX = 10_000
"""Events of one boot that are dated anew in one transaction: a week of a busy cabinet."""


def on_clock_anchored(tx: Transaction, received: Sequence[Received]) -> None:
    """`clock.anchored`: date the unsynced events of that boot by their monotonic time (P-18).

    What features made of such an event (a sale, a fault) keeps the time it came with; the journal
    is what a dispute is settled by.
    """
    for one in received:
        if isinstance(one.body, ClockAnchored):
            _date(tx, one.cabinet_id, one.body)


def _date(tx: Transaction, cabinet_id: str, anchor: ClockAnchored) -> None:
    undated = tx.session.execute(
        select(JournalEvent.id, JournalEvent.month, JournalEvent.mono_ms)
        .where(
            JournalEvent.cabinet_id == cabinet_id,
            JournalEvent.boot == anchor.boot,
            JournalEvent.clock == UNSYNCED,
        )
        .limit(DATED_MAX)
    )
    rows = [
        (
            cabinet_id,
            row.id,
            row.month,
            anchor.at - timedelta(milliseconds=anchor.mono_ms - row.mono_ms),
            ClockQuality.HOLDOVER,
        )
        for row in undated
    ]
    update_rows(tx.session, JournalEvent, KEY, ("at", "clock"), rows)
