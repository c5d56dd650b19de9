"""An open-door cabinet and a spiral machine, from serial bytes to the server's journal.

Goal: what is told apart on the bench works on the wire. Method: real ports on pseudo-terminals,
real bus threads, simulated devices; a person takes goods off a scale, a motor drops them.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge_agent.agent import Agent, World, build
from edge_agent.clock import SystemClock
from edge_agent.seed import Chance
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.vend_book import VendOrder
from edge_agent.settings import BusSettings, DeviceSettings, LocalApiSettings, Settings
from protocol.events import StockMoved
from simulators.devices.bus import SimulatedBus
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.fa_fb_board import SimulatedFaFbBoard
from simulators.devices.scale_transmitter import SimulatedEagleEi
from tests.edge_agent.model_server import GTIN_A, FakeLink, ModelServer
from tests.edge_agent.workbench import EXPIRY, planned

WAIT_SECONDS_MAX = 30.0
UNIT_GRAMS = 500.0


@dataclass
class Rig:
    """An agent on simulated buses, stepped by the test."""

    directory: Path
    buses: list[BusSettings]
    shelves: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = ModelServer()
        self.server.rules_version = 1
        self.link = FakeLink(self.server)
        settings = Settings(
            data_dir=str(self.directory / "data"),
            buses=self.buses,
            slot_shelves=self.shelves,
            poll_seconds=0.2,
            clock_trusted=True,
            local_api=LocalApiSettings(port=0),
        )
        world = World(SystemClock(), Chance.from_seed(3), link=self.link)
        self.agent: Agent = build(settings, self.server.identity(), world)
        self.agent.start()

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = SystemClock().elapsed() + WAIT_SECONDS_MAX
        while not condition():
            assert SystemClock().elapsed() < deadline
            self.agent.step()
            time.sleep(0.01)

    def plan(self, *slots: str, **changes: object) -> None:
        self.until(lambda: self.agent.uplink.connected)
        self.link.send_rules(self.server.rules(1, []))
        rows = [planned(slot, **changes) for slot in slots]
        self.link.send_desired(self.server.desired(1, rows))
        self.until(lambda: self.agent.cabinet.parts.desired.version == 1)

    def load(self, slot: str, units: int) -> None:
        self.agent.cabinet.load(StockMoved(slot, GTIN_A, "L1", units, "tester", expiry=EXPIRY))

    def sales(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(event.body) for event in self.server.events("sale.completed")]


@pytest.fixture
def scales() -> SimulatedEagleEi:
    return SimulatedEagleEi(Chance.from_seed(5), address=1)


@pytest.fixture
def locks() -> SimulatedCu16:
    return SimulatedCu16(Chance.from_seed(4))


@pytest.fixture
def open_door(tmp_path: Path, locks: SimulatedCu16, scales: SimulatedEagleEi) -> Iterator[Rig]:
    clock = SystemClock()
    with (
        SimulatedBus([locks], clock, link=tmp_path / "locks") as one,
        SimulatedBus([scales], clock, link=tmp_path / "scales") as two,
    ):
        board = DeviceSettings("locks", "cu16", 0, {"front": 1})
        shelf = DeviceSettings(
            "scales",
            "eagle-ei",
            1,
            shelves={"top": 1},
            options={"grams_per_unit": scales.GRAMS_PER_POUND},
        )
        buses = [BusSettings(one.path, [board]), BusSettings(two.path, [shelf])]
        rig = Rig(tmp_path, buses, {"S1": "top"})
        yield rig
        rig.agent.stop()


def test_goods_taken_off_a_scale_are_a_sale_in_the_servers_journal(
    open_door: Rig, locks: SimulatedCu16, scales: SimulatedEagleEi
) -> None:
    scales.put(1, 5 * UNIT_GRAMS)
    open_door.plan("S1", unit_grams=UNIT_GRAMS)
    open_door.load("S1", 5)
    shop = open_door.agent.cabinet
    open_door.until(lambda: shop.look.shelf_grams("top") is not None)
    assert shop.open_session(SessionOrder("pay-1")).outcome == "pulsed"
    open_door.until(lambda: locks.is_open(1))
    open_door.until(lambda: bool(open_door.server.events("door.opened")))
    scales.take(1, 2 * UNIT_GRAMS)
    locks.close_door(1)
    open_door.until(open_door.sales)
    (sale,) = open_door.sales()
    assert [(line["slot"], line["quantity"]) for line in sale["lines"]] == [("S1", 2)]
    assert "settlement" not in sale
    assert shop.parts.stock.units("S1") == 3


@pytest.fixture
def board() -> SimulatedFaFbBoard:
    return SimulatedFaFbBoard(Chance.from_seed(6), {1: 5, 2: 5})


@pytest.fixture
def spirals(tmp_path: Path, board: SimulatedFaFbBoard) -> Iterator[Rig]:
    with SimulatedBus([board], SystemClock(), link=tmp_path / "vmc") as bus:
        vmc = DeviceSettings("vmc", "fa-fb", slots={"A1": 1, "A2": 2})
        rig = Rig(tmp_path, [BusSettings(bus.path, [vmc])])
        yield rig
        rig.agent.stop()


def test_a_motor_that_drops_its_goods_is_a_sale_in_the_servers_journal(
    spirals: Rig, board: SimulatedFaFbBoard
) -> None:
    spirals.plan("A1", "A2")
    spirals.load("A1", 5)
    shop = spirals.agent.cabinet
    spirals.until(lambda: shop.look.facts("A1").fault is None)
    assert shop.vend(VendOrder("pay-1", "A1")).outcome == "pulsed"
    spirals.until(spirals.sales)
    assert [sale["payment_reference"] for sale in spirals.sales()] == ["pay-1"]
    assert board.turns[1] == 1
