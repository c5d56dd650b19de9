"""Whether the files of the store still say what was written: three checks at each opening.

SQLite notices torn pages, not altered ones, and silently ends its write-ahead log at the first
frame that is wrong. A lot number that flips, or a recall that falls off the log, would be believed
and sold by. So every row carries a seal (a CRC-32 of its columns, computed by SQLite as it writes),
the text of the schema has to be ours, and a log that goes on behind a wrong frame is damaged.
Torn writes of a power cut are no damage: only the last transaction of the log can be torn.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from edge_agent.errors import OutsideError

SEAL = "seal"
"""Column of every table: what `row_seal` said of the others when the row was written."""
_PLAIN = 0  # `hidden` of PRAGMA table_xinfo, for a column that is written
COMMITS_TORN_MAX = 1
"""A power cut tears the last transaction alone: each one before it was synced (FULL)."""
# https://www.sqlite.org/walformat.html, "WAL header" and "WAL frame header"; checksums: fileformat2
# section 4.2. The checksum is of the byte order that the lowest bit of the magic names.
_MAGIC = 0x377F0682
_HEADER = Struct(">IIIIIIII")
_FRAME = Struct(">IIIIII")
_CHUNK_BYTES = 8
_MASK = 0xFFFFFFFF

_NOT_THE_DATA = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
"""Errors that say something about the disk or the moment, nothing about what is written."""


class DamagedStoreError(OutsideError):
    """The store does not say what was written into it; nothing of it can be trusted."""


def primary_code(error: sqlite3.Error) -> int:
    """Primary result code of an error; extended ones carry it in their low byte (rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def row_seal(*columns: object) -> int:
    """Seal of a row: CRC-32 over its columns; finds flipped bits, not a forger."""
    seal = 0
    for column in columns:
        data = column if isinstance(column, bytes) else str(column).encode()
        seal = zlib.crc32(b"\0", zlib.crc32(data, seal))
    return seal


def register(connection: sqlite3.Connection) -> None:
    """Let the schema use `row_seal`. Readers of other columns do not need it."""
    connection.create_function("row_seal", -1, row_seal, deterministic=True)


@contextmanager
def told_as_damage() -> Iterator[None]:
    """Raise DamagedStoreError for any error of SQLite that is about the data."""
    try:
        yield
    except UnicodeDecodeError as error:  # a schema that is rubbish, told in its own bytes
        raise DamagedStoreError(f"not text: {error.reason}") from error
    except sqlite3.Error as error:
        if primary_code(error) in _NOT_THE_DATA:
            raise
        raise DamagedStoreError(str(error)) from error


def check_whole(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Check an open store that was brought so far by some of `steps`. Raises DamagedStoreError."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise DamagedStoreError(f"integrity_check: {verdict}")
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    with closing(sqlite3.connect(":memory:")) as ours:
        register(ours)
        ours.executescript("\n".join(steps[:done]))
        if done <= len(steps) and _schema(ours) != _schema(connection):
            raise DamagedStoreError(f"the schema is not that of version {done}")
    for table, columns in sealed_tables(connection).items():
        _check_seals(connection, table, columns)


def sealed_tables(connection: sqlite3.Connection) -> dict[str, list[str]]:
    """Tables whose rows are sealed, with the columns that are written."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    found = {}
    for (table,) in tables:
        columns = connection.execute(f"PRAGMA table_xinfo({table})").fetchall()
        if any(column[1] == SEAL for column in columns):
            found[table] = [column[1] for column in columns if column[6] == _PLAIN]
    return found


def lost_commits(log: Path) -> bool:
    """Whether a write-ahead log holds commits that its reader will not see.

    A log that is not there, or ends in one torn transaction, lost nothing.
    """
    try:
        with log.open("rb") as file:
            return _lost_commits(file)
    except FileNotFoundError:
        return False


def _schema(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


def _check_seals(connection: sqlite3.Connection, table: str, columns: list[str]) -> None:
    # The names are those of our own schema, which was compared before.
    wrong = connection.execute(
        f"SELECT 1 FROM {table} WHERE {SEAL} IS NOT row_seal({', '.join(columns)}) LIMIT 1"  # noqa: S608
    )
    if wrong.fetchone() is not None:
        raise DamagedStoreError(f"a row of {table} was altered")


def _lost_commits(file: BinaryIO) -> bool:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return False
    magic, _, page_bytes, _, *salts, sum_0, sum_1 = _HEADER.unpack(header)
    if magic & ~1 != _MAGIC:
        return any(header)  # a log is begun in one sector: rubbish there was no power cut
    words = Struct(">II" if magic & 1 else "<II")
    sums = _summed(words, header[: _HEADER.size - _CHUNK_BYTES], (0, 0))
    if sums != (sum_0, sum_1):
        return True
    unseen: int | None = None
    while len(frame := file.read(_FRAME.size + page_bytes)) == _FRAME.size + page_bytes:
        _, pages_at_commit, *found, sum_0, sum_1 = _FRAME.unpack_from(frame)
        if unseen is None:
            sums = _summed(words, frame[:_CHUNK_BYTES], sums)
            sums = _summed(words, frame[_FRAME.size :], sums)
            if found != salts or sums != (sum_0, sum_1):
                unseen = 0
        if unseen is not None and found == salts and pages_at_commit:
            unseen += 1
    return (unseen or 0) > COMMITS_TORN_MAX


def _summed(words: Struct, data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for left, right in words.iter_unpack(data):
        first = (first + left + second) & _MASK
        second = (second + right + first) & _MASK
    return first, second
