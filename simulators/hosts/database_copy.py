"""An older copy of a server's database, kept and put back: a restore from a backup.

SQLite: the backup API, while the server runs. PostgreSQL: a template database, for which every
connection has to go; for the server's parts that is a database that is away for a second. The
database that was lost is kept beside it, so that what it held can be compared.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from simulators.errors import SimulatorError

SQLITE_PARTS = ("", "-wal", "-shm")
"""Endings of the files that are one database."""


class DatabaseCopy:
    """One copy of the database at `url`."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        if not self._url.database:
            raise SimulatorError(f"{url} names no database")
        self._name = self._url.database

    @property
    def lost_url(self) -> str:
        """Where the database that was replaced can be read, after `put_back`."""
        return self._url.set(database=self._beside("lost")).render_as_string(hide_password=False)

    def keep(self) -> None:
        """Keep a copy as of now; the server may run."""
        if self._is_sqlite:
            _back_up(Path(self._name), Path(self._beside("copy")))
            return
        with self._alone() as connection:
            _execute(connection, "CREATE DATABASE {} TEMPLATE {}", self._beside("copy"), self._name)

    def put_back(self) -> None:
        """Put the copy in the place of the database; every part of the server is stopped."""
        if self._is_sqlite:
            for part in SQLITE_PARTS:
                if Path(self._name + part).exists():
                    Path(self._name + part).rename(self._beside("lost") + part)
            shutil.copy(self._beside("copy"), self._name)
            return
        with self._alone() as connection:
            _execute(connection, "ALTER DATABASE {} RENAME TO {}", self._name, self._beside("lost"))
            _execute(connection, "CREATE DATABASE {} TEMPLATE {}", self._name, self._beside("copy"))
            _execute(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS true", self._beside("lost"))

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _beside(self, what: str) -> str:
        return f"{self._name}.{what}" if self._is_sqlite else f"{self._name}_{what}"

    @contextmanager
    def _alone(self) -> Iterator[psycopg.Connection]:
        """Keep everybody else out of the database, and let them in again."""
        plain = self._url.set(drivername="postgresql", database="postgres")
        address = plain.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            _execute(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS false", self._name)
            try:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (self._name,),
                )
                yield connection
            finally:
                _execute(connection, "ALTER DATABASE {} ALLOW_CONNECTIONS true", self._name)


def _execute(connection: psycopg.Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _back_up(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(target)) as copy:
        ours.backup(copy)
