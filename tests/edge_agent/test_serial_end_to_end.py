"""From serial bytes to the server's journal: real ports, real bus threads, simulated devices."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.agent import Agent, World, build
from edge_agent.clock import SystemClock
from edge_agent.seed import Chance
from edge_agent.selling.vend_book import VendOrder
from edge_agent.settings import BusSettings, DeviceSettings, LocalApiSettings, Settings
from protocol.events import StockMoved
from simulators.devices.bus import SimulatedBus
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.xy_md02 import SimulatedXyMd02
from tests.edge_agent.model_server import GTIN_A, FakeLink, ModelServer
from tests.edge_agent.workbench import EXPIRY, planned

WAIT_SECONDS_MAX = 20.0


class RealCabinet:
    """An agent on pseudo-terminals, stepped by the test."""

    def __init__(self, directory: Path, locks: str, probe: str) -> None:
        self.server = ModelServer()
        self.server.rules_version = 1
        self.link = FakeLink(self.server)
        settings = Settings(
            data_dir=str(directory / "data"),
            buses=[
                BusSettings(locks, [DeviceSettings("locks", "cu16", 0, {"A1": 1, "A2": 2})]),
                BusSettings(probe, [DeviceSettings("probe", "xy-md02", 1, part="cabinet")]),
            ],
            poll_seconds=0.1,
            clock_trusted=True,
            local_api=LocalApiSettings(port=0),
            telemetry_commit_seconds=0.5,
        )
        world = World(SystemClock(), Chance.from_seed(3), link=self.link)
        self.agent: Agent = build(settings, self.server.identity(), world)
        self.agent.start()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = SystemClock().elapsed() + WAIT_SECONDS_MAX
        while not condition():
            assert SystemClock().elapsed() < deadline
            self.agent.step()
            time.sleep(0.01)


@pytest.fixture
def devices() -> tuple[SimulatedCu16, SimulatedXyMd02]:
    return (
        SimulatedCu16(Chance.from_seed(4)),
        SimulatedXyMd02(Chance.from_seed(5), temperature_celsius=3.5),
    )


@pytest.fixture
def cabinet(
    tmp_path: Path, devices: tuple[SimulatedCu16, SimulatedXyMd02]
) -> Iterator[RealCabinet]:
    clock = SystemClock()
    locks, probe = devices
    with (
        SimulatedBus([locks], clock, link=tmp_path / "locks") as one,
        SimulatedBus([probe], clock, link=tmp_path / "probe") as two,
    ):
        made = RealCabinet(tmp_path, one.path, two.path)
        yield made
        made.agent.stop()


def test_a_sale_from_the_serial_byte_to_the_servers_journal(
    cabinet: RealCabinet, devices: tuple[SimulatedCu16, SimulatedXyMd02]
) -> None:
    locks, _ = devices
    shop = cabinet.agent.cabinet
    cabinet.until(lambda: cabinet.agent.uplink.connected)
    cabinet.link.send_rules(cabinet.server.rules(1, []))
    cabinet.link.send_desired(cabinet.server.desired(1, [planned("A1"), planned("A2")]))
    cabinet.until(lambda: shop.parts.desired.version == 1)
    shop.load(StockMoved("A1", GTIN_A, "L1", 1, "tester", expiry=EXPIRY))
    cabinet.until(lambda: str(shop.parts.doors.state("A1")) == "closed")

    assert shop.vend(VendOrder("pay-1", "A1")).outcome == "pulsed"
    cabinet.until(lambda: bool(cabinet.server.events("sale.completed")))
    assert locks.pulses(1) == 1
    assert locks.is_open(1)
    locks.close_door(1)
    cabinet.until(lambda: bool(cabinet.server.events("door.closed")))
    cabinet.until(lambda: bool(cabinet.server.telemetry.entries))
    assert any(b"3.5" in row for row in cabinet.server.telemetry.entries.values())
