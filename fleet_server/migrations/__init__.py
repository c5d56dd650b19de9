"""Alembic migrations: the schema of SQLite and PostgreSQL, one path for both."""

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from fleet_server.database import alone

PARTITION = re.compile(r"_(default|\d{6})$")


def is_declared(name: str | None, kind: str, _parents: object = None) -> bool:
    """Whether a name in the database is one of our tables, and no month of one of them."""
    return kind != "table" or name is None or PARTITION.search(name) is None


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema; safe to run again."""
    with engine.begin() as connection:
        alone(connection)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
