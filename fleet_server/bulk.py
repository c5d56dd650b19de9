"""Many rows in one statement: COPY and `unnest` on PostgreSQL, executemany on SQLite.

For the few tables that grow with the traffic. The ORM costs some 40 us a row, COPY about one; all
stays in the transaction of the session, and what the session holds is flushed before.
"""

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Dialect,
    Integer,
    LargeBinary,
    SmallInteger,
    bindparam,
    func,
    select,
)
from sqlalchemy import Table as Relation
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet_server.database import Table, UtcDateTime

Row = tuple[Any, ...]


def insert_rows(
    session: Session, table: type[Table], columns: Sequence[str], rows: Sequence[Row]
) -> None:
    """Insert `rows`, each with a value for each of `columns`, in that order.

    Values are what the ORM takes; columns left out get the database's own default.
    """
    if not rows:
        return
    session.flush()
    relation = _relation(table)
    is_server = session.get_bind().dialect.name == "postgresql"
    if is_server:
        _copy(session, relation, tuple(columns), rows)
    else:
        connection = session.connection()
        statement = _insert_statement(relation, tuple(columns))
        bound = _bound(relation, tuple(columns), connection.dialect)
        connection.exec_driver_sql(statement, _through(bound, rows))


def update_rows(  # a statement has these parts
    session: Session,
    table: type[Table],
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> int:
    """Set `columns` of the rows named by `keys`; each of `rows` holds keys, then values.

    Returns how many rows were found and changed. Keys must name one row each, once.
    """
    if not rows:
        return 0
    session.flush()
    relation = _relation(table)
    connection = session.connection()
    names = (*keys, *columns)
    bound = _bound(relation, names, connection.dialect)
    if connection.dialect.name == "postgresql":
        statement = _update_from_arrays(relation, tuple(keys), tuple(columns))
        arrays = tuple(list(column) for column in zip(*_through(bound, rows), strict=True))
        return connection.exec_driver_sql(statement, arrays).rowcount
    statement = _update_one(relation, tuple(keys), tuple(columns))
    turned = [(*row[len(keys) :], *row[: len(keys)]) for row in _through(bound, rows)]
    return connection.exec_driver_sql(statement, turned).rowcount


def one_of(
    session: Session,
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    values: Iterable[str],
) -> ColumnElement[bool]:
    """`column IN values` as one parameter: the statement is the same for one value and for 500."""
    kept = sorted(set(values))
    if session.get_bind().dialect.name == "postgresql":
        return column == func.any(bindparam(None, kept, ARRAY(column.type)))
    entries = func.json_each(bindparam(None, json.dumps(kept))).table_valued("value")
    return column.in_(select(entries.c.value))


def _relation(table: type[Table]) -> Relation:
    relation = table.__table__
    assert isinstance(relation, Relation)  # noqa: S101  # every table of ours is one
    return relation


def _copy(session: Session, relation: Relation, columns: Row, rows: Sequence[Row]) -> None:
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    bound = _bound(relation, columns, connection.dialect)
    names = ", ".join(f'"{name}"' for name in columns)
    statement = f'COPY "{relation.name}" ({names}) FROM STDIN'
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in _through(bound, rows):
                copy.write_row(row)
    except psycopg.Error as error:
        # SQLAlchemy does not see this call: callers get its errors all the same.
        if driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            connection_invalidated=bool(driver.closed),
            dialect=connection.dialect,
        ) from error


def _through(
    bound: Sequence[tuple[int, Callable[[Any], Any]]], rows: Sequence[Row]
) -> Sequence[Row]:
    """Rows as the driver takes them."""
    if not bound:
        return rows
    changed = []
    for row in rows:
        values = list(row)
        for place, process in bound:
            values[place] = process(values[place])
        changed.append(tuple(values))
    return changed


@functools.lru_cache(maxsize=256)
def _bound(
    relation: Relation, columns: Row, dialect: Dialect
) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """Place -> what makes a driver's value of ours, for the columns that need it."""
    found = []
    for place, name in enumerate(columns):
        kind = relation.c[name].type
        if dialect.name == "postgresql" and isinstance(kind, UtcDateTime):
            found.append((place, _instant_text))
        elif dialect.name == "postgresql" and isinstance(kind, JSON):
            found.append((place, _json_text))
        elif dialect.name != "postgresql":
            process = kind.dialect_impl(dialect).bind_processor(dialect)
            if process is not None:
                found.append((place, process))
    return tuple(found)


def _instant_text(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _json_text(value: object) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


@functools.lru_cache(maxsize=256)
def _insert_statement(relation: Relation, columns: Row) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    return f'INSERT INTO "{relation.name}" ({names}) VALUES ({marks})'  # noqa: S608  # our own names


@functools.lru_cache(maxsize=256)
def _update_one(relation: Relation, keys: Row, columns: Row) -> str:
    setting = ", ".join(f'"{name}" = ?' for name in columns)
    naming = " AND ".join(f'"{name}" = ?' for name in keys)
    return f'UPDATE "{relation.name}" SET {setting} WHERE {naming}'  # noqa: S608  # same


@functools.lru_cache(maxsize=256)
def _update_from_arrays(relation: Relation, keys: Row, columns: Row) -> str:
    names = (*keys, *columns)
    arrays = ", ".join(f"%s::{_array_kind(relation.c[name])}[]" for name in names)
    setting = ", ".join(f'"{name}" = given."{name}"' for name in columns)
    naming = " AND ".join(f'it."{name}" = given."{name}"' for name in keys)
    given = ", ".join(f'"{name}"' for name in names)
    return (
        f'UPDATE "{relation.name}" AS it SET {setting} '  # noqa: S608  # same
        f"FROM unnest({arrays}) AS given ({given}) WHERE {naming}"
    )


def _array_kind(column: Column[Any]) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (UtcDateTime, "timestamptz"),
        (Date, "date"),
        (Boolean, "boolean"),
        (BigInteger, "bigint"),
        (SmallInteger, "smallint"),
        (Integer, "integer"),
        (LargeBinary, "bytea"),
        (JSON, "jsonb"),
    )
    return next((name for kind, name in kinds if isinstance(column.type, kind)), "text")
