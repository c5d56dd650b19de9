"""Months of journal and telemetry: made ahead on PostgreSQL, dropped when their time is over.

Each partitioned table has a default partition, so that nothing is refused when no month was made
(a clock that jumped, a server that slept): it should stay empty. SQLite has no partitions: there
old rows are deleted, a portion in each sweep.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, text, tuple_

from fleet_server.ingest.models import JournalEvent, TelemetryBatchRow
from fleet_server.logs import get_logger
from fleet_server.transactions import Transaction

log = get_logger("ingest")

MONTHS_AHEAD = 2
"""Months made before they begin: a server that is not started for a while finds them."""
LOOK_EVERY = timedelta(hours=1)
DELETED_PER_SWEEP = 2_000
"""Rows of one sweep on SQLite: some 20 ms, so that ingest hardly waits."""

PARTITIONED: tuple[type[JournalEvent] | type[TelemetryBatchRow], ...] = (
    JournalEvent,
    TelemetryBatchRow,
)


@dataclass(frozen=True)
class Retention:
    """Whole months kept besides the running one; 0 keeps everything."""

    journal_months: int
    telemetry_months: int


def month_of(at: datetime) -> int:
    """UTC month as a number: 202611."""
    return at.year * 100 + at.month


def following(month: int, steps: int = 1) -> int:
    """Month that many steps later; earlier for a negative number."""
    count = month // 100 * 12 + month % 100 - 1 + steps
    return count // 12 * 100 + count % 12 + 1


def make_months(tx: Transaction) -> None:
    """Make the partitions of this month and the next ones; safe to run again."""
    if tx.session.get_bind().dialect.name != "postgresql":
        return
    first = month_of(tx.now)
    for table in PARTITIONED:
        name = table.__tablename__
        there = set(_partitions(tx, name))
        for step in range(MONTHS_AHEAD + 1):
            month = following(first, step)
            if month not in there:
                _make(tx, name, month)


class MonthKeeper:
    """Sweep: looks at the months once an hour, and on while SQLite has rows left to delete."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._next: datetime | None = None

    def look(self, tx: Transaction) -> None:
        """Look, if it is time."""
        if self._next is None or tx.now >= self._next:
            is_done = forget_old_months(self._retention, tx)
            self._next = tx.now + LOOK_EVERY if is_done else None


def forget_old_months(retention: Retention, tx: Transaction) -> bool:
    """Make the months to come, drop those whose time is over; whether nothing old is left."""
    make_months(tx)
    months = (retention.journal_months, retention.telemetry_months)
    return all(
        _forget(tx, table, following(month_of(tx.now), -kept))
        for table, kept in zip(PARTITIONED, months, strict=True)
        if kept > 0
    )


def _make(tx: Transaction, name: str, month: int) -> None:
    """Make one month; what came before it was there moves over from the default partition."""
    made, bounds = f"{name}_{month}", f"FROM ({month}) TO ({following(month)})"
    early = f"DELETE FROM {name}_default WHERE month = {month} RETURNING *"  # noqa: S608  # our names
    for statement in (
        f"CREATE TABLE {made} (LIKE {name} INCLUDING ALL)",
        f"WITH early AS ({early}) INSERT INTO {made} SELECT * FROM early",  # noqa: S608  # same
        f"ALTER TABLE {name} ATTACH PARTITION {made} FOR VALUES {bounds}",
    ):
        tx.session.execute(text(statement))
    log.info("month.made", table=name, month=month)


def _forget(
    tx: Transaction, table: type[JournalEvent] | type[TelemetryBatchRow], oldest: int
) -> bool:
    if tx.session.get_bind().dialect.name == "postgresql":
        name = table.__tablename__
        for month in _partitions(tx, name):
            if month < oldest:
                tx.session.execute(text(f"DROP TABLE {name}_{month}"))
                log.info("month.dropped", table=name, month=month)
    key = (table.cabinet_id, table.id, table.month)
    old = select(*key).where(table.month < oldest).limit(DELETED_PER_SWEEP)
    deleted = tx.session.execute(delete(table).where(tuple_(*key).in_(old)))
    return cast("CursorResult[Any]", deleted).rowcount < DELETED_PER_SWEEP


def _partitions(tx: Transaction, name: str) -> Iterator[int]:
    """Months that have a partition."""
    rows: Sequence[str] = tx.session.scalars(
        text(
            "SELECT child.relname FROM pg_inherits "
            "JOIN pg_class child ON child.oid = inhrelid "
            "JOIN pg_class parent ON parent.oid = inhparent WHERE parent.relname = :name"
        ),
        {"name": name},
    ).all()
    return (int(month) for row in rows if (month := row.rpartition("_")[2]).isdigit())
