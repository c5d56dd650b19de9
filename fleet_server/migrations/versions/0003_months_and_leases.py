"""Journal and telemetry by month (partitions on PostgreSQL), hours of telemetry, leases.

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

from fleet_server.database import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MONTH = {
    "postgresql": "CAST(to_char({} AT TIME ZONE 'UTC', 'YYYYMM') AS integer)",
    "sqlite": "CAST(strftime('%Y%m', {}) AS integer)",
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "telemetry_hours",
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("part", sa.String(length=64), nullable=False),
        sa.Column("metric", sa.String(length=64), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint(
            "cabinet_id", "part", "metric", "hour", name=op.f("pk_telemetry_hours")
        ),
    )
    for name in ("uq_journal_events_position", "ix_journal_events_cabinet_at"):
        op.drop_index(name, table_name="journal_events")
    op.drop_index("ix_telemetry_batches_cabinet_at", table_name="telemetry_batches")
    _replace(dialect, "journal_events", _journal(), "received_at")
    _replace(dialect, "telemetry_batches", _telemetry(), "ends_at")
    op.create_index(
        "uq_journal_events_position",
        "journal_events",
        ["cabinet_id", "epoch", "seq", "month"],
        unique=True,
    )
    op.create_index(
        "ix_journal_events_unsynced",
        "journal_events",
        ["cabinet_id", "boot"],
        postgresql_where=sa.text("clock = 'unsynced'"),
        sqlite_where=sa.text("clock = 'unsynced'"),
    )
    op.create_index(
        "ix_telemetry_batches_cabinet_at", "telemetry_batches", ["cabinet_id", "ends_at"]
    )


def downgrade() -> None:
    raise CommandError("months are not taken apart again: restore the backup made before")


def _replace(dialect: str, name: str, columns: list[sa.Column[Any]], month_from: str) -> None:
    former = f"{name}_before_months"
    op.rename_table(name, former)
    if dialect == "postgresql":
        op.execute(f"ALTER TABLE {former} DROP CONSTRAINT pk_{name}")
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint("cabinet_id", "id", "month", name=op.f(f"pk_{name}")),
        postgresql_partition_by="RANGE (month)",
    )
    if dialect == "postgresql":
        op.execute(f"CREATE TABLE {name}_default PARTITION OF {name} DEFAULT")
    names = ", ".join(column.name for column in columns)
    kept = ", ".join(
        MONTH[dialect].format(month_from) if column.name == "month" else column.name
        for column in columns
    )
    op.execute(f"INSERT INTO {name} ({names}) SELECT {kept} FROM {former}")  # noqa: S608  # our own names
    op.drop_table(former)


def _journal() -> list[sa.Column[Any]]:
    return [
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("mono_ms", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("clock", sa.String(length=12), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    ]


def _telemetry() -> list[sa.Column[Any]]:
    return [
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.String(length=64), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
    ]
