"""The one SQLite file of the agent, and the one place that commits (P-1).

Outbox, rules, stock, vends and commands share it, so that a fact and its effect are one
transaction. WAL with synchronous=FULL: a commit survives a power cut. No value is cached across a
rollback: parts read from the store, the page cache makes that cheap. A damaged store
(`store_damage.py`) is kept aside under a new name and an empty one begins; `lost` tells the rest
that something was forgotten.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from edge_agent.errors import EdgeError, MisuseError
from edge_agent.store_damage import (
    DamagedStoreError,
    check_whole,
    lost_commits,
    primary_code,
    register,
    told_as_damage,
)

STORE_FILE = "agent.sqlite"
BORN_FILE = "agent.born"
"""Stands beside the store from its first day: a store missing beside it was lost, not new."""
PAGE_BYTES = 1_024
"""A commit writes each page it touches whole: small pages wear the flash a third as much."""
BUSY_SECONDS = 1.0
"""Readers never hold us up; somebody who writes by hand may, for a moment."""

_VALUES = """\
CREATE TABLE value (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    seal INTEGER AS (row_seal(key, value)) STORED
) STRICT, WITHOUT ROWID;"""
LOST = "store.lost"
_LOST = f"\nINSERT INTO value VALUES ('{LOST}', 'yes');"
"""Written with the first schema step, so that a crash right after cannot hide the loss."""
TRY_AGAIN_SECONDS = 10.0
"""As often as free space is looked at; what waits by then is some hundred rows."""
KEPT_ASIDE_MAX = 2
"""Damaged stores kept for whoever wants to look; more would fill the disk that damages them."""
_COMPANIONS = ("", "-wal", "-shm")
_NO_ROOM = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
    }
)
"""Errors after which nothing of the transaction is written, and a later one may be."""

log = logging.getLogger(__name__)


class StorageError(EdgeError):
    """The disk is full, read-only, broken or held by another: nothing was written."""


class TransactionError(MisuseError):
    """A write outside of a transaction, or a transaction inside another."""


class Moment(StrEnum):
    """Where in a transaction the power may go; whoever tests that is told of each (`witness`)."""

    BEFORE_BEGIN = "before_begin"
    AFTER_STATEMENT = "after_statement"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"  # durable, and nothing was done because of it yet


Witness = Callable[[Moment], None]


class Patience:
    """How often a write that can wait is tried again on a disk that refuses: not at each step."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._again_at = 0.0

    def worn_out(self, elapsed: float) -> bool:
        """Whether to try now, at these elapsed seconds."""
        if self._store.writable:
            return True
        if elapsed < self._again_at:
            return False
        self._again_at = elapsed + TRY_AGAIN_SECONDS
        return True


class Store:
    """Connection of the core thread; nothing else touches it."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        *,
        set_aside: Path | None = None,
        witness: Witness | None = None,
    ) -> None:
        self.path = path
        self.set_aside = set_aside
        """Where a damaged store was kept at this opening."""
        self.writable = True
        """False from a failed write until someone proved that there is room again.

        One small write that fits into the last page proves nothing.
        """
        self.commits = 0
        """Transactions committed by this process; whoever caches compares it."""
        self._connection = connection
        self._inode = path.stat().st_ino
        self._witness = witness
        self._writing = False

    @classmethod
    def open(
        cls,
        directory: Path,
        steps: Sequence[str],
        *,
        now: datetime,
        witness: Witness | None = None,
    ) -> "Store":
        """Open or create the store and bring it to the last of the schema `steps`.

        Raises StorageError when the disk does not let us.
        """
        path = directory / STORE_FILE
        try:
            directory.mkdir(parents=True, exist_ok=True)
            known = (directory / BORN_FILE).exists()
            connection, set_aside = _connect_or_set_aside(path, steps, now, known=known)
            if not known:
                _write_durably(directory / BORN_FILE)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{path}: {error}") from error
        return cls(path, connection, set_aside=set_aside, witness=witness)

    @property
    def lost(self) -> bool:
        """Whether an earlier store of this cabinet is gone, and `admit_loss` was not called."""
        return self.value(LOST) is not None

    def note_loss(self) -> None:
        """Note, inside the caller's transaction, that this store forgot something."""
        self.remember(LOST, "yes")

    def admit_loss(self) -> None:
        """Note, inside the caller's transaction, that the loss has had its consequences."""
        self.forget(LOST)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is committed together, or not at all.

        Raises StorageError when the disk does not take it; then nothing was written.
        """
        if self._writing:
            raise TransactionError("a transaction is open already")
        try:
            self._tell(Moment.BEFORE_BEGIN)
            self._connection.execute("BEGIN IMMEDIATE")
            self._writing = True
            yield
            self._tell(Moment.BEFORE_COMMIT)
            self._connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if isinstance(error, sqlite3.OperationalError) and primary_code(error) in _NO_ROOM:
                if self.writable:
                    log.exception("store.not_writable")
                self.writable = False
                raise StorageError(f"{self.path}: {error}") from error
            raise
        finally:
            self._writing = False
        self.commits += 1
        self._tell(Moment.AFTER_COMMIT)

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Read all rows; the caller bounds them by LIMIT or by what the table can hold."""
        return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, *parameters: Any) -> tuple[Any, ...] | None:
        """Read the first row, if there is one."""
        found: tuple[Any, ...] | None = self._connection.execute(sql, parameters).fetchone()
        return found

    def write(self, sql: str, *parameters: Any) -> int:
        """Write inside the caller's transaction; return how many rows it changed."""
        if not self._writing:
            raise TransactionError("a write needs a transaction")
        changed = self._connection.execute(sql, parameters).rowcount
        self._tell(Moment.AFTER_STATEMENT)
        return changed

    def value(self, key: str) -> str | None:
        """Read one remembered value."""
        found = self.row("SELECT value FROM value WHERE key = ?", key)
        return None if found is None else str(found[0])

    def remember(self, key: str, value: str) -> None:
        """Keep one value, inside the caller's transaction."""
        self.write(
            "INSERT INTO value VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    def forget(self, key: str) -> None:
        """Drop one remembered value, inside the caller's transaction."""
        self.write("DELETE FROM value WHERE key = ?", key)

    def free_bytes(self) -> int:
        """Free space for us on the disk of the store."""
        room = os.statvfs(self.path.parent)
        return room.f_bavail * room.f_frsize

    def spare_bytes(self) -> int:
        """Free space inside the file: what was deleted leaves room there, never on the disk."""
        (pages,), (page_bytes,) = self.rows("PRAGMA freelist_count") + self.rows("PRAGMA page_size")
        return int(pages) * int(page_bytes)

    @property
    def in_place(self) -> bool:
        """Whether the next start will find this file: nobody deleted or replaced it."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def close(self) -> None:
        """Close the file; it may be closed twice."""
        self._connection.close()

    def _tell(self, moment: Moment) -> None:
        if self._witness is not None:
            self._witness(moment)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _connect_or_set_aside(
    path: Path, steps: Sequence[str], now: datetime, *, known: bool
) -> tuple[sqlite3.Connection, Path | None]:
    aside = None
    if not path.exists() and _files_of(path):
        aside = _set_aside(path, now)  # the power went while one was set aside
    try:
        return _connect(path, steps, lost=known or aside is not None), aside
    except DamagedStoreError:
        aside = _set_aside(path, now)
        log.exception("store.damaged", extra={"kept_as": str(aside)})
    return _connect(path, steps, lost=True), aside


def _connect(path: Path, steps: Sequence[str], *, lost: bool) -> sqlite3.Connection:
    """Open a sound store, or begin one; `lost`: one that begins says it was another before."""
    if lost_commits(path.with_name(path.name + "-wal")):
        raise DamagedStoreError("the log goes on behind a frame that is wrong")
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        register(connection)
        with told_as_damage():
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # heeded by a new file alone
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            check_whole(connection, (_VALUES, *steps))
        _migrate(connection, (_VALUES + (_LOST if lost else ""), *steps))
        _begin_log(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _begin_log(connection: sqlite3.Connection) -> None:
    """Begin the log anew, so that no torn rest of an earlier power cut lies behind later commits.

    A full disk does not allow it; the log is good as it is.
    """
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _migrate(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Each step is one transaction with its number in user_version."""
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    if done > len(steps):
        raise StorageError(f"the store has schema {done}, this agent knows {len(steps)}")
    for number, script in enumerate(steps[done:], start=done + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )


def _set_aside(path: Path, now: datetime) -> Path:
    """Move the store out of the way, its database first.

    A power cut in between leaves a log without its database, which is found and moved at the next
    start. The other way round a database without its log would be believed.
    """
    stamp = now.strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 0
    while _files_of(aside):
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for file in _files_of(path):
        file.replace(file.with_name(file.name.replace(path.name, aside.name, 1)))
    _forget_oldest(path)
    return aside


def _files_of(path: Path) -> list[Path]:
    files = [path.with_name(path.name + suffix) for suffix in _COMPANIONS]
    return [file for file in files if file.exists()]


def _forget_oldest(path: Path) -> None:
    kept = sorted(
        (file for file in path.parent.glob(f"{path.name}.damaged-*") if _is_database(file)),
        key=lambda file: file.stat().st_mtime_ns,
    )
    for old in kept[:-KEPT_ASIDE_MAX]:
        for file in _files_of(old):
            file.unlink()


def _is_database(path: Path) -> bool:
    return not path.name.endswith(_COMPANIONS[1:])


def _write_durably(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
