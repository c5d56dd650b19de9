"""The server's fixtures, and a PostgreSQL of its own for journeys that kill it."""

from collections.abc import Iterator

import pytest

from simulators.hosts.postgres_host import PostgresHost
from tests.server_fixtures import (  # noqa: F401  # fixtures are found by name
    database_url,
    postgres,
    sqlite_template,
)


@pytest.fixture
def postgres_host() -> Iterator[PostgresHost]:
    host = PostgresHost()
    host.start()
    yield host
    host.stop()
