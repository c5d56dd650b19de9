"""CPU, memory and bytes of each part of a running server, taken as differences of two looks."""

from dataclasses import dataclass

import psutil
import psycopg

from tests.benchmarks.ingest.stack import Stack

MICROSECONDS = 1e6


@dataclass(frozen=True)
class Look:
    """CPU seconds since each part began, and its memory in bytes, at one moment."""

    cpu_seconds: dict[str, float]
    rss_bytes: dict[str, int]

    def cpu_since(self, earlier: "Look", part: str) -> float:
        """CPU seconds a part took between two looks."""
        return self.cpu_seconds[part] - earlier.cpu_seconds[part]


def look(made: Stack) -> Look:
    """Look at broker, ingest and database now."""
    parts = {
        "broker": [psutil.Process(made.broker.pid)],
        "ingest": [psutil.Process(one.pid) for one in made.fleet.ingests],
        "database": _family(made),
    }
    return Look(
        {part: sum(_cpu_seconds(one) for one in family) for part, family in parts.items()},
        {part: sum(_rss_bytes(one) for one in family) for part, family in parts.items()},
    )


def _family(made: Stack) -> list[psutil.Process]:
    """The postmaster and its children; backends of our pools live as long as the pools."""
    if made.postgres is None:
        return []
    postmaster = psutil.Process(made.postgres.pid)
    return [postmaster, *postmaster.children(recursive=True)]


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # What ended children took is counted with their parent: an autovacuum worker, say.
    return float(times.user + times.system + times.children_user + times.children_system)


def _rss_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def log_position(dsn: str) -> int:
    """Bytes ever written to PostgreSQL's write-ahead log."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
    return int(found[0]) if found else 0


def table_bytes(dsn: str) -> dict[str, int]:
    """Size of each table with indexes and out-of-line values; months count with their table."""
    sql = """
        SELECT coalesce(parent.relname, own.relname), sum(pg_total_relation_size(own.oid))
        FROM pg_class own
        LEFT JOIN pg_inherits link ON link.inhrelid = own.oid
        LEFT JOIN pg_class parent ON parent.oid = link.inhparent
        WHERE own.relkind = 'r' AND own.relnamespace = 'public'::regnamespace
        GROUP BY 1"""
    with psycopg.connect(dsn) as connection:
        return {name: int(size) for name, size in connection.execute(sql)}


def rows(dsn: str, table: str) -> int:
    """Rows of one of our tables."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # ours
    return int(found[0]) if found else 0
