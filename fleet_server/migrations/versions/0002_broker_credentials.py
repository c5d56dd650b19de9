"""Credentials in the forms Mosquitto and NATS check; a revision that tells of their change.

Cabinets that joined before keep their SHA-256 alone: at those brokers they join again.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cabinets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("credential_mosquitto", sa.String(length=128)))
        batch_op.add_column(sa.Column("credential_nats", sa.String(length=60)))
        batch_op.add_column(
            sa.Column("credential_revision", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.create_index(
            batch_op.f("ix_cabinets_credential_revision"), ["credential_revision"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("cabinets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cabinets_credential_revision"))
        batch_op.drop_column("credential_revision")
        batch_op.drop_column("credential_nats")
        batch_op.drop_column("credential_mosquitto")
