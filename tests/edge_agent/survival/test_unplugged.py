"""Every adapter pulled out and put back while the cabinet sells: real ports, real bus threads.

Five kinds of device on five pseudo-terminals. What hangs on the pulled adapter stops, nothing else
does, and all of it is back when the adapter is.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.agent import Agent, World, build
from edge_agent.clock import SystemClock
from edge_agent.seed import Chance
from edge_agent.selling.gate import Allowed
from edge_agent.selling.vend_book import VendOrder
from edge_agent.settings import BusSettings, DeviceSettings, LocalApiSettings, Settings
from protocol.events import StockMoved
from simulators.devices.bus import SimulatedBus
from simulators.devices.carel_ir33 import SimulatedCarelIr33
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.device import SimulatedDevice
from simulators.devices.fa_fb_board import SimulatedFaFbBoard
from simulators.devices.qibixx_adapter import SimulatedQibixx
from simulators.devices.xy_md02 import SimulatedXyMd02
from tests.edge_agent.model_server import GTIN_A, FakeLink, ModelServer
from tests.edge_agent.workbench import EXPIRY, planned

WAIT_SECONDS_MAX = 20.0
DEVICES = {
    "locks": DeviceSettings("locks", "cu16", 0, {"A1": 1, "A2": 2}),
    "machine": DeviceSettings("machine", "fa-fb", slots={"B1": 1}),
    "probe": DeviceSettings("probe", "xy-md02", 1, part="cabinet"),
    "cooling": DeviceSettings("cooling", "carel-ir33", 1, part="fridge"),
    "payment": DeviceSettings("payment", "qibixx"),
}
SLOT_OF = {"locks": "A1", "machine": "B1"}
"""What cannot be sold while its adapter is out."""


class Shop:
    """A cabinet on real ports, stepped by the test."""

    def __init__(self, folder: Path, buses: dict[str, SimulatedBus], locks: SimulatedCu16) -> None:
        self.buses = buses
        self._locks = locks
        self._paid = 0
        server = ModelServer()
        server.rules_version = 1
        self._link = FakeLink(server)
        settings = Settings(
            data_dir=str(folder / "data"),
            buses=[BusSettings(buses[name].path, [DEVICES[name]]) for name in DEVICES],
            poll_seconds=0.1,
            clock_trusted=True,
            local_api=LocalApiSettings(port=0),
        )
        world = World(SystemClock(), Chance.from_seed(3), link=self._link)
        self.agent: Agent = build(settings, server.identity(), world)
        self.agent.start()
        self.until(lambda: self.agent.uplink.connected)
        self._link.send_rules(server.rules(1, []))
        self._link.send_desired(server.desired(1, [planned(slot) for slot in ("A1", "A2", "B1")]))
        self.until(lambda: self.agent.cabinet.parts.desired.version == 1)
        for slot in ("A1", "A2", "B1"):
            moved = StockMoved(slot, GTIN_A, "L1", 50, "tester", expiry=EXPIRY)
            self.agent.cabinet.load(moved)

    def until(self, condition: Callable[[], bool]) -> None:
        """Step until something is true."""
        deadline = SystemClock().elapsed() + WAIT_SECONDS_MAX
        while not condition():
            assert SystemClock().elapsed() < deadline
            self.agent.step()
            time.sleep(0.005)

    def sells(self, slot: str) -> bool:
        return isinstance(self.agent.cabinet.decide(slot), Allowed)

    def sell(self, slot: str) -> None:
        """Sell one unit to its end."""
        self._paid += 1
        reference, vends = f"pay-{self._paid}", self.agent.cabinet.parts.vends
        self.until(lambda: self.sells(slot))
        self.agent.cabinet.vend(VendOrder(reference, slot))

        def over() -> bool:
            vend = vends.find(reference)
            return vend is not None and str(vend.state) == "dispensed"

        self.until(over)
        for lock in (1, 2):
            self._locks.close_door(lock)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    chance, clock = Chance.from_seed(5), SystemClock()
    locks = SimulatedCu16(chance)
    simulated: dict[str, SimulatedDevice] = {
        "locks": locks,
        "machine": SimulatedFaFbBoard(chance, {1: 50}),
        "probe": SimulatedXyMd02(chance, temperature_celsius=3.5),
        "cooling": SimulatedCarelIr33(chance),
        "payment": SimulatedQibixx(chance),
    }
    buses = {
        name: SimulatedBus([device], clock, link=tmp_path / name)
        for name, device in simulated.items()
    }
    for bus in buses.values():
        bus.start()
    made = Shop(tmp_path, buses, locks)
    yield made
    made.agent.stop()
    for bus in buses.values():
        bus.stop()


def test_each_adapter_is_pulled_out_and_put_back_while_the_rest_sells(shop: Shop) -> None:
    for slot in ("A1", "B1"):
        shop.sell(slot)
    for name in DEVICES:
        shop.buses[name].unplug()
        gone = SLOT_OF.get(name)
        if gone is not None:
            shop.until(lambda gone=gone: not shop.sells(gone))
        for slot in {"A1", "B1"} - {gone}:
            shop.sell(slot)
        shop.buses[name].plug()
        for slot in ("A1", "B1"):
            shop.sell(slot)
    events = shop.agent.outbox.events(0, 10_000)
    assert not [event for event in events if event.type == "vend.failed"]
    assert sum(event.type == "sale.completed" for event in events) == 2 + 2 * 5 + 8
