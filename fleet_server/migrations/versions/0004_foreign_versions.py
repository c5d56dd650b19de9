"""Versions cabinets hold that this database did not issue (ADR 0021).

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from fleet_server.database import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "foreign_versions",
        sa.Column("cabinet_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("named_at", UtcDateTime(), nullable=False),
        sa.Column("overtaken_at", UtcDateTime(), nullable=True),
        sa.Column("doubted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("cabinet_id", "kind", name=op.f("pk_foreign_versions")),
    )


def downgrade() -> None:
    op.drop_table("foreign_versions")
