"""A whole server on one machine: database, broker, ingest and worker as real processes."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from fleet_server.settings import Settings
from simulators.hosts.broker_host import BrokerHost, downlink_qos
from simulators.hosts.fleet_host import FleetHost, FleetOrder
from simulators.hosts.postgres_host import PostgresHost
from simulators.load.orders import Roll
from simulators.load.registration import roll_of
from simulators.load.runner import Load, LoadOrder, LoadReport

BrokerKind = Callable[[Path, Path, str], BrokerHost]
MEGABYTE = 1024 * 1024


@dataclass
class Stack:
    """What runs, for one part of the benchmark."""

    folder: Path
    database_url: str
    postgres: PostgresHost | None
    broker: BrokerHost
    fleet: FleetHost
    roll: Roll

    @property
    def connection_string(self) -> str:
        """Address of its PostgreSQL for `psycopg` itself."""
        assert self.postgres is not None
        return self.postgres.connection_string

    def play(self, **changes: object) -> LoadReport:
        """Play a load against it."""
        known = {"roll": self.roll, "broker_url": self.broker.url, "spread_seconds": 5.0}
        return Load(LoadOrder(**(known | changes))).run()  # type: ignore[arg-type]  # by name

    def ingest_megabytes(self) -> float:
        """Resident memory of the ingest processes."""
        pids = [one.pid for one in self.fleet.ingests]
        return sum(psutil.Process(pid).memory_info().rss for pid in pids) / MEGABYTE


@contextmanager
def stack(broker: BrokerKind, cabinets: int, *, on_postgres: bool = True) -> Iterator[Stack]:
    """Start everything for that many cabinets; nothing is left of it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-bench-"))
    postgres = PostgresHost() if on_postgres else None
    data_dir = folder / "server"
    data_dir.mkdir()
    url = ""
    if postgres is not None:
        postgres.start()
        url = postgres.url
    settings = Settings(data_dir=data_dir, database_url=url)
    host: BrokerHost | None = None
    fleet: FleetHost | None = None
    try:
        roll = roll_of(settings, cabinets)
        (folder / "broker").mkdir()
        host = broker(folder / "broker", data_dir, url)
        host.start()
        roll = replace(roll, downlink_qos=downlink_qos(host))
        order = FleetOrder(
            folder=folder,
            database_url=url,
            broker_url=host.server_url,
            cabinet_port=urlsplit(host.url).port or 0,
            downlink_qos=downlink_qos(host),
            ingests=1,
            policy="strict",
            serves_operations=True,
        )
        fleet = FleetHost(order)
        fleet.start()
        resolved = settings.resolved_database_url
        yield Stack(folder, resolved, postgres, host, fleet, roll)
    finally:
        if fleet is not None:
            fleet.stop()
        if host is not None:
            host.stop()
        if postgres is not None:
            postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
