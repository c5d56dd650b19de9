"""The three brokers: each test of the suite runs over each of them."""

from collections.abc import Iterator

import pytest

from simulators.hosts.amqtt_host import AmqttHost
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from tests.brokers.place import MakeHost, Place

HOSTS: dict[str, MakeHost] = {"amqtt": AmqttHost, "mosquitto": MosquittoHost, "nats": NatsHost}

PLACES = {"place", "watched", "plain"}
"""Names of fixtures that are a place."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "brokers" in item.path.parts:
            item.add_marker(pytest.mark.real_parts)


@pytest.fixture(autouse=True)
def _hang_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test left open, whichever place it stood on."""
    yield
    for name in PLACES & set(request.fixturenames):
        made: Place = request.getfixturevalue(name)
        made.hang_up()


@pytest.fixture(scope="session", params=list(HOSTS))
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    made = Place(HOSTS[request.param], tmp_path_factory.mktemp(request.param))
    made.open()
    yield made
    made.close()
