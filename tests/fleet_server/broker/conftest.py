"""One embedded broker for the tests of a file, on the server's own database."""

from collections.abc import Iterator

import pytest

from fleet_server.app import FleetServer, build
from fleet_server.seed import Chance
from fleet_server.settings import Settings
from simulators.hosts.ports import free_ports
from tests.fleet_server.broker.real_broker import RealBroker
from tests.registry import add_a_cabinet, add_a_site, enrol_a_cabinet


class Fleet:
    """A broker, its server, and the credentials of its cabinets."""

    def __init__(self, broker: RealBroker, server: FleetServer) -> None:
        self.broker = broker
        self.server = server
        self.credentials: dict[str, str] = {}

    def add(self, *cabinets: str) -> None:
        """Register and enrol cabinets."""
        site = add_a_site(self.server)
        for cabinet in cabinets:
            add_a_cabinet(self.server, site, cabinet)
            self.credentials[cabinet] = enrol_a_cabinet(self.server, cabinet)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("broker"), broker_port=free_ports(1)[0])
    server = build(settings, chance=Chance.from_seed(1))
    server.prepare()
    broker = RealBroker(settings)
    broker.start()
    fleet = Fleet(broker, server)
    fleet.add("C1", "C2", "C3")
    yield fleet
    broker.stop()
    server.close()
