"""P-19, P-20: `broker-config --watch` brings a new cabinet in and an old one out, by itself.

The verb runs as a process of its own beside a real broker, as an installation runs it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_server.cabinets.service import move_state
from simulators.hosts.broker_host import ConfiguredBroker
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from simulators.waiting import wait_until
from tests.brokers.place import Place

WATCHED_SECONDS_MAX = 30.0
"""Two looks at the database and a start of the interpreter, on a busy machine."""


@pytest.fixture(scope="module", params=[MosquittoHost, NatsHost], ids=lambda host: host.name)
def watched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    host: type[MosquittoHost | NatsHost] = request.param
    made = Place(host, tmp_path_factory.mktemp(f"watched-{host.name}"), cabinets=1)
    made.open()
    made.host.watch()
    yield made
    made.close()


def folder(place: Place) -> Path:
    assert isinstance(place.host, ConfiguredBroker)
    return place.host.folder


def enters(place: Place, name: str) -> bool:
    with place.wire() as wire:
        return wire.connects(name, place.credentials[name])


def test_p19_a_cabinet_that_just_joined_connects_without_anybodys_hand(watched: Place) -> None:
    resident = watched.cabinet("probe")
    watched.add(["joined"])
    assert not enters(watched, "joined")
    wait_until("it may enter", lambda: enters(watched, "joined"), WATCHED_SECONDS_MAX)
    assert resident.is_alive(), "those who were connected stay so"


def test_p19_a_retired_cabinet_is_put_out_while_it_is_connected(watched: Place) -> None:
    resident = watched.cabinet("probe")
    leaving = watched.cabinet(watched.new_name())
    with watched.server.transactions.write("system:test") as tx:
        move_state(tx, "K0", "retired", "sold")
    wait_until("it is out", lambda: not leaving.is_alive(), WATCHED_SECONDS_MAX)
    assert not enters(watched, "K0")
    assert resident.is_alive()
    assert watched.server.link.ready.is_set()


def test_p20_what_is_generated_is_for_its_owner_alone(watched: Place) -> None:
    files = [path for path in folder(watched).iterdir() if path.suffix in {".conf", ".passwd"}]
    assert files
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    text = "".join(path.read_text() for path in files)
    assert not any(secret in text for secret in watched.credentials.values())
