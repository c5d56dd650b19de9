"""What several journeys stand on."""

from collections.abc import Iterator

import pytest

from simulators.hosts.postgres_host import PostgresHost


@pytest.fixture
def postgres() -> Iterator[PostgresHost]:
    postgres = PostgresHost()
    postgres.start()
    yield postgres
    postgres.stop()
