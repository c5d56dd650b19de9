"""Tables of ingest: cursors, journal, telemetry, gaps, dead letters.

Journal and telemetry grow with the traffic: on PostgreSQL they are partitioned by `month` (the
UTC month of receipt, as 202611), so that old months go by dropping a table (`partitions.py`).
"""

from datetime import datetime

from sqlalchemy import BigInteger, Float, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class Cursor(Table):
    """How far one lane of one epoch of one cabinet is committed; kept for ever (P-3)."""

    __tablename__ = "cursors"

    cabinet_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    lane: Mapped[str] = mapped_column(String(10), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(64), primary_key=True)
    generation: Mapped[int] = mapped_column(Integer)
    """1 for the first epoch seen; only the highest accepts."""
    committed: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class JournalEvent(Table):
    """One event of a cabinet, byte for byte as it was sent."""

    __tablename__ = "journal_events"

    cabinet_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    mono_ms: Mapped[int] = mapped_column(BigInteger)
    boot: Mapped[str] = mapped_column(String(64))
    clock: Mapped[str] = mapped_column(String(12))
    type: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        # Second line behind the cursors (P-3): a database cannot look across partitions.
        Index("uq_journal_events_position", "cabinet_id", "epoch", "seq", "month", unique=True),
        # Only what still has to be dated (P-18): a handful of rows.
        Index(
            "ix_journal_events_unsynced",
            "cabinet_id",
            "boot",
            postgresql_where=text("clock = 'unsynced'"),
            sqlite_where=text("clock = 'unsynced'"),
        ),
        {"postgresql_partition_by": "RANGE (month)"},
    )


class TelemetryBatchRow(Table):
    """Samples of one batch in one row, as JSON."""

    __tablename__ = "telemetry_batches"

    cabinet_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    month: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[str] = mapped_column(String(64))
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    samples: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_telemetry_batches_cabinet_at", "cabinet_id", "ends_at"),
        {"postgresql_partition_by": "RANGE (month)"},
    )


class TelemetryHour(Table):
    """What one metric of one part did in one hour (UTC): for charts of weeks and years."""

    __tablename__ = "telemetry_hours"

    cabinet_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    part: Mapped[str] = mapped_column(String(64), primary_key=True)
    metric: Mapped[str] = mapped_column(String(64), primary_key=True)
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    low: Mapped[float] = mapped_column(Float)
    high: Mapped[float] = mapped_column(Float)
    total: Mapped[float] = mapped_column(Float)
    """Sum of all samples: divided by `count` it is the mean."""


class JournalGap(Table):
    """Events the cabinet no longer held when the server missed them (P-3)."""

    __tablename__ = "journal_gaps"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(String(32), index=True)
    lane: Mapped[str] = mapped_column(String(10))
    epoch: Mapped[str] = mapped_column(String(64))
    first: Mapped[int] = mapped_column(BigInteger)
    last: Mapped[int] = mapped_column(BigInteger)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeadLetter(Table):
    """What could not be read or handled, with its bytes (P-6)."""

    __tablename__ = "dead_letters"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(String(32), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    epoch: Mapped[str] = mapped_column(String(64), default="")
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    type: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
