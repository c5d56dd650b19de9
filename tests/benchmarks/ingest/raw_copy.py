"""The limit: raw COPY of the rows a load wrote, all tables, into tables of the same indexes."""

import io
import time

import psycopg

TABLES = (
    "journal_events",
    "telemetry_batches",
    "sales",
    "sale_lines",
    "stock_lines",
    "stock_movements",
    "faults",
    "fault_history",
    "tickets",
    "ticket_history",
    "live_changes",
)


def events_per_second(dsn: str, events: int) -> float:
    """Copy out what the load wrote, time the way back in; events a second."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        kept: dict[str, bytes] = {}
        for table in TABLES:
            cursor.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
            out = io.BytesIO()
            limited = f"(SELECT * FROM {table} LIMIT {10 * events})"  # noqa: S608  # our own names
            with cursor.copy(f"COPY {limited} TO STDOUT") as copy:
                for chunk in copy:
                    out.write(chunk)
            kept[table] = out.getvalue()
        connection.commit()
        began = time.perf_counter()  # noqa: TID251  # a benchmark measures
        for table, data in kept.items():
            with cursor.copy(f"COPY bench_{table} FROM STDIN") as copy:
                copy.write(data)
        connection.commit()
        seconds = time.perf_counter() - began  # noqa: TID251  # same
        for table in TABLES:
            cursor.execute(f"DROP TABLE bench_{table}")
        connection.commit()
        stored = kept["journal_events"].count(b"\n")
    return stored / seconds
