"""Alembic's entry: runs on the connection `migrate` hands over, never on one of its own."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

import fleet_server.wiring  # noqa: F401  # imports every feature, so every table is known
from fleet_server.database import Table, UtcDateTime
from fleet_server.migrations import is_declared


def render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their names in drafts of migrations."""
    if kind == "type" and isinstance(item, UtcDateTime | JSON):
        name = "UtcDateTime" if isinstance(item, UtcDateTime) else "Json"
        autogen.imports.add(f"from fleet_server.database import {name}")
        return f"{name}()" if name == "UtcDateTime" else name
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
    render_item=render,
    compare_type=True,
    include_name=is_declared,
)

with context.begin_transaction():
    context.run_migrations()
