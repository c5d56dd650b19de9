"""Alembic's entry: runs on the connection `migrate` hands over, never on one of its own."""

from alembic import context

import fleet_server.wiring  # noqa: F401  # imports every feature, so every table is known
from fleet_server.database import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    compare_type=True,
)

with context.begin_transaction():
    context.run_migrations()
