"""The migrated schema is the declared schema, on both databases."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import JSON, inspect

import fleet_server.wiring  # noqa: F401  # imports every feature, so every table is known
from fleet_server.database import Table, UtcDateTime, connect
from fleet_server.migrations import is_declared, migrate


def same_type(
    _context: Any, _inspected: Any, _column: Any, _old: Any, declared: Any
) -> bool | None:
    """Our own types are named differently by each database; the rest is compared by alembic."""
    return False if isinstance(declared, UtcDateTime | JSON) else None


def test_the_migrated_schema_is_the_declared_one(database_url: str) -> None:
    engine = connect(database_url)
    with engine.connect() as connection:
        opts = {"compare_type": same_type, "include_name": is_declared}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Table.metadata) == []
        names = inspect(connection).get_table_names()
        tables = {name for name in names if is_declared(name, "table")}
    engine.dispose()
    assert tables == {*Table.metadata.tables, "alembic_version"}


def test_migrating_again_changes_nothing(database_url: str) -> None:
    engine = connect(database_url)
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        assert set(Table.metadata.tables) <= set(inspect(connection).get_table_names())
    engine.dispose()
