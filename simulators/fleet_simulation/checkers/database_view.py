"""The server's database as an outsider reads it: plain SQL, none of the server's code."""

import sqlite3
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


class DatabaseView:
    """Read-only connection to one SQLite file; opened anew after a restore."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._seen = -1

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._seen = None, -1

    def changed(self) -> bool:
        """Whether anybody committed since this was asked last."""
        (version,) = self._open().execute("PRAGMA data_version").fetchone()
        changed = bool(version != self._seen)
        self._seen = version
        return changed

    def rows(self, sql: str, *parameters: object) -> list[Row]:
        """All rows."""
        return self._open().execute(sql, parameters).fetchall()

    def value(self, sql: str, *parameters: object) -> Any:
        """First column of the first row; None where there is none."""
        row = self._open().execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
        return self._connection
