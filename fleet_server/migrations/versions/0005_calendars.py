"""Clocks count by calendars, promises and escalations; documents are published here.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from fleet_server.database import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def timebase() -> sa.Column[str]:
    return sa.Column("timebase", sa.String(length=80), server_default="real", nullable=False)


def upgrade() -> None:
    op.create_table(
        "service_documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_documents")),
        sa.UniqueConstraint("kind", "name", "version", name="uq_service_documents"),
    )
    with op.batch_alter_table("service_policy_in_force") as table:
        table.add_column(
            sa.Column("chosen_by", sa.String(length=80), server_default="", nullable=False)
        )
    with op.batch_alter_table("sites") as table:
        for name in ("calendar", "contract"):
            table.add_column(
                sa.Column(name, sa.String(length=40), server_default="", nullable=False)
            )
    with op.batch_alter_table("service_clock_steps") as table:
        table.add_column(timebase())
        table.add_column(sa.Column("until", UtcDateTime(), nullable=True))
    with op.batch_alter_table("service_clocks") as table:
        table.add_column(timebase())
        table.add_column(sa.Column("begun_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("policy_due_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("promised_at", UtcDateTime(), nullable=True))
        table.add_column(sa.Column("escalations", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("acknowledged_at", UtcDateTime(), nullable=True))
    op.create_index("ix_service_clocks_timebase", "service_clocks", ["timebase"])
    op.execute("UPDATE service_clocks SET begun_at = started_at, policy_due_at = due_at")
    with op.batch_alter_table("service_clocks") as table:
        table.alter_column("begun_at", existing_type=UtcDateTime(), nullable=False)
        table.alter_column("policy_due_at", existing_type=UtcDateTime(), nullable=False)


def downgrade() -> None:
    op.drop_index("ix_service_clocks_timebase", "service_clocks")
    with op.batch_alter_table("service_clocks") as table:
        for name in (
            "acknowledged_at",
            "escalations",
            "promised_at",
            "policy_due_at",
            "begun_at",
            "timebase",
        ):
            table.drop_column(name)
    with op.batch_alter_table("service_clock_steps") as table:
        table.drop_column("until")
        table.drop_column("timebase")
    with op.batch_alter_table("sites") as table:
        table.drop_column("contract")
        table.drop_column("calendar")
    with op.batch_alter_table("service_policy_in_force") as table:
        table.drop_column("chosen_by")
    op.drop_table("service_documents")
