"""Ingest of the skeleton on PostgreSQL 18, exactly once, beside COPY of the same rows.

Without broker: messages are handed to `Ingest.accept` in this process, 500 at a time, so the
figure bounds what a broker could deliver. The full grid (brokers, peers, fault to ticket) comes
with the bulk ingest. Medians of RUNS runs; COPY is measured in the same run, same database.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import track
from sqlalchemy import text

from fleet_server.app import FleetServer, build
from fleet_server.mqtt_inbox import Inbound
from fleet_server.settings import Settings
from protocol.topics import UpKind
from tests.benchmarks.figures import Goal, report
from tests.registry import add_a_site, speaking_cabinet
from tests.server_fixtures import Postgres
from tests.speaking_cabinet import SpeakingCabinet

RUNS = 3
CABINETS = 200
EVENTS = 10_000
MESSAGES_AT_ONCE = 500
DOOR = {"door": "1", "cause": "sale"}


def run(console: Console) -> None:
    """Measure and report."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-bench-"))
    postgres = Postgres(folder)
    try:
        tens, singles, copies = [], [], []
        for _ in track(range(RUNS), "ingest", console=console):
            tens.append(_events_per_second(postgres, folder, batch=10))
            singles.append(_events_per_second(postgres, folder, batch=1))
            copies.append(_copy_rows_per_second(postgres, folder))
    finally:
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)
    figures = {
        "events_per_s": statistics.median(tens),
        "events_per_s_single": statistics.median(singles),
        "ratio_to_copy": statistics.median(
            ours / theirs for ours, theirs in zip(tens, copies, strict=True)
        ),
    }
    goals = {
        "events_per_s": Goal(">=", 10_000),
        "events_per_s_single": Goal(">=", 5_000),
        "ratio_to_copy": Goal(">=", 0.15),
    }
    report(console, "ingest", figures, goals, "in process, no broker; the walking skeleton")


def _server(postgres: Postgres, folder: Path) -> FleetServer:
    return build(Settings(data_dir=folder / "data", database_url=postgres.fresh_url()))


def _events_per_second(postgres: Postgres, folder: Path, batch: int) -> float:
    server = _server(postgres, folder)
    site = add_a_site(server)
    cabinets = [speaking_cabinet(server, f"C{number}", site) for number in range(CABINETS)]
    messages = list(_messages(cabinets, batch))
    began = time.perf_counter()  # noqa: TID251  # a benchmark measures
    for first in range(0, len(messages), MESSAGES_AT_ONCE):
        server.ingest.accept(messages[first : first + MESSAGES_AT_ONCE])
    seconds = time.perf_counter() - began  # noqa: TID251  # same
    with server.transactions.read() as tx:
        stored = tx.session.scalar(text("select count(*) from journal_events"))
    assert stored == EVENTS, f"{stored} of {EVENTS} stored"
    server.close()
    return EVENTS / seconds


def _messages(cabinets: list[SpeakingCabinet], batch: int) -> Iterator[Inbound]:
    for cabinet in cabinets:
        for _ in range(EVENTS // len(cabinets)):
            cabinet.record("door.opened", DOOR)
    for first in range(1, EVENTS // len(cabinets) + 1, batch):
        for cabinet in cabinets:
            yield cabinet.inbound(UpKind.JOURNAL, cabinet.batch(first, first + batch - 1))


def _copy_rows_per_second(postgres: Postgres, folder: Path) -> float:
    server = _server(postgres, folder)
    url = server.settings.database_url.replace("+psycopg", "")
    server.close()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        began = time.perf_counter()  # noqa: TID251  # same
        with cursor.copy(
            "COPY journal_events (id, cabinet_id, epoch, seq, at, received_at, mono_ms, boot, "
            "clock, type, body, month) FROM STDIN"
        ) as copy:
            for seq in range(EVENTS):
                copy.write_row(
                    (
                        f"id-{seq}",
                        f"C{seq % CABINETS}",
                        "epoch-1",
                        seq,
                        "2026-03-02 08:00:00+00",
                        "2026-03-02 08:00:00+00",
                        1000,
                        "boot-1",
                        "synced",
                        "door.opened",
                        '{"door":"1","cause":"sale"}',
                        202603,
                    )
                )
        connection.commit()
        return EVENTS / (time.perf_counter() - began)  # noqa: TID251  # same
