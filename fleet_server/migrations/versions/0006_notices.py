"""Notices leave by address: deliveries, receipts, preferences, who is on call.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from fleet_server.database import Json, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("kind", sa.String(length=60), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("must_acknowledge", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.create_index(batch_op.f("ix_notices_created_at"), ["created_at"], unique=False)
    op.create_table(
        "notice_receipts",
        sa.Column("notice_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_notice_receipts_notice_id_notices")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notice_receipts_user_id_users")
        ),
        sa.PrimaryKeyConstraint("notice_id", "user_id", name=op.f("pk_notice_receipts")),
    )
    op.create_table(
        "notice_addresses",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("lane", sa.String(length=80), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("leased_until", UtcDateTime(), nullable=True),
        sa.Column("served_at", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("window_began_at", UtcDateTime(), nullable=True),
        sa.Column("window_sent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_addresses")),
        sa.UniqueConstraint("owner", "digest", name=op.f("uq_notice_addresses_owner")),
    )
    op.create_index("ix_notice_addresses_digest", "notice_addresses", ["digest"])
    op.create_table(
        "notice_deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("notice_id", sa.String(length=36), nullable=False),
        sa.Column("address_id", sa.String(length=36), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("language", sa.String(length=4), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["notice_addresses.id"],
            name=op.f("fk_notice_deliveries_address_id_notice_addresses"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notices.id"], name=op.f("fk_notice_deliveries_notice_id_notices")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notice_deliveries_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_deliveries")),
        sa.UniqueConstraint(
            "notice_id", "address_id", name=op.f("uq_notice_deliveries_notice_address")
        ),
    )
    op.create_index(
        "ix_notice_deliveries_due", "notice_deliveries", ["address_id", "state", "next_attempt_at"]
    )
    op.create_index("ix_notice_deliveries_notice_id", "notice_deliveries", ["notice_id"])
    op.create_index("ix_notice_deliveries_state", "notice_deliveries", ["state", "created_at"])
    op.create_index("ix_notice_deliveries_user_id", "notice_deliveries", ["user_id"])
    op.create_table(
        "notice_preferences",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("language", sa.String(length=4), nullable=False),
        sa.Column("quiet_from", sa.String(length=5), nullable=True),
        sa.Column("quiet_to", sa.String(length=5), nullable=True),
        sa.Column("time_zone", sa.String(length=40), nullable=False),
        sa.Column("channels_normal", Json, nullable=True),
        sa.Column("channels_urgent", Json, nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notice_preferences_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_preferences")),
    )
    op.create_table(
        "on_call_turns",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_on_call_turns_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call_turns")),
    )
    op.create_index("ix_on_call_turns_ends_at", "on_call_turns", ["ends_at"])
    op.create_index("ix_on_call_turns_user_id", "on_call_turns", ["user_id"])


def downgrade() -> None:
    for table in (
        "on_call_turns",
        "notice_preferences",
        "notice_deliveries",
        "notice_addresses",
        "notice_receipts",
    ):
        op.drop_table(table)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notices_created_at"))
        batch_op.drop_column("must_acknowledge")
        batch_op.drop_column("kind")
