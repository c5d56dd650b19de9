"""A clock counts its steps: nobody asks its history for the newest any more.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("steps", sa.Integer(), nullable=False, server_default="0")
    op.add_column("service_clocks", column)
    op.execute(
        "UPDATE service_clocks SET steps = (SELECT count(*) FROM service_clock_steps"
        " WHERE service_clock_steps.clock_id = service_clocks.id)"
    )
    with op.batch_alter_table("service_clocks") as table:
        table.alter_column("steps", server_default=None)


def downgrade() -> None:
    op.drop_column("service_clocks", "steps")
