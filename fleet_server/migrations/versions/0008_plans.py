"""Plan versions, wishes for plans, who a visit is meant for and how likely it is late.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from fleet_server.database import Json, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

VISIT_COLUMNS = (
    ("resolve_by", UtcDateTime()),
    ("planned_for", sa.String(length=36)),
    ("locked_to", sa.String(length=36)),
    ("moved_on", sa.Date()),
    ("late_probability", sa.Float()),
    ("arrival_p80_at", UtcDateTime()),
    ("risk_at", UtcDateTime()),
)


def upgrade() -> None:
    with op.batch_alter_table("visits") as table:
        for name, kind in VISIT_COLUMNS:
            table.add_column(sa.Column(name, kind, nullable=True))
        table.add_column(sa.Column("moves", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "dispatch_plans",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("saved_seconds", sa.Float(), nullable=False),
        sa.Column("breaches_removed", sa.Integer(), nullable=False),
        sa.Column("accepted_moved", sa.Integer(), nullable=False),
        sa.Column("took_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch_plans")),
    )
    op.create_index(op.f("ix_dispatch_plans_region"), "dispatch_plans", ["region"])
    op.create_table(
        "dispatch_moves",
        sa.Column("plan_id", sa.String(length=36), nullable=False),
        sa.Column("visit_id", sa.String(length=36), nullable=False),
        sa.Column("giver", sa.String(length=36), nullable=True),
        sa.Column("taker", sa.String(length=36), nullable=True),
        sa.Column("arrival_before", UtcDateTime(), nullable=True),
        sa.Column("arrival_after", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=30), nullable=False),
        sa.Column("numbers", Json, nullable=False),
        sa.Column("reason_zh", sa.String(length=200), nullable=False),
        sa.Column("reason_en", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["dispatch_plans.id"],
            name=op.f("fk_dispatch_moves_plan_id_dispatch_plans"),
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visits.id"], name=op.f("fk_dispatch_moves_visit_id_visits")
        ),
        sa.PrimaryKeyConstraint("plan_id", "visit_id", name=op.f("pk_dispatch_moves")),
    )
    op.create_index(op.f("ix_dispatch_moves_visit_id"), "dispatch_moves", ["visit_id"])
    op.create_table(
        "dispatch_wishes",
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("visit_ids", Json, nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("wished_at", UtcDateTime(), nullable=False),
        sa.Column("wished_by", sa.String(length=80), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("region", "tier", name=op.f("pk_dispatch_wishes")),
    )
    op.create_table(
        "dispatch_rounds",
        sa.Column("region", sa.String(length=40), nullable=False),
        sa.Column("round_at", UtcDateTime(), nullable=False),
        sa.Column("night_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("region", name=op.f("pk_dispatch_rounds")),
    )


def downgrade() -> None:
    for dropped in ("dispatch_rounds", "dispatch_wishes", "dispatch_moves", "dispatch_plans"):
        op.drop_table(dropped)
    with op.batch_alter_table("visits") as table:
        table.drop_column("moves")
        for name, _ in VISIT_COLUMNS:
            table.drop_column(name)
