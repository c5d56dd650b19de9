"""The page before a real agent process: serial ports, broker and server are real as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_agent.seed import Chance
from simulators.hosts.cabinet_host import CabinetHost
from simulators.hosts.server_host import ServerHost
from simulators.story.proofs import wait_until_committed
from simulators.story.stage import PIN, SANDWICH, WATER, Load, Stage
from simulators.story.step_1_sell import all_sales
from tests.edge_agent.local_api.browser import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, ServerHost(tmp_path), Chance.from_seed(1))
    try:
        stage.open()
        yield stage
    finally:
        stage.close()


def stocked(stage: Stage) -> CabinetHost:
    cabinet = stage.add_cabinet("C1", stage.add_site("Tower", 31.23, 121.47))
    stage.plan(cabinet, {"A1": SANDWICH, "A2": WATER})
    stage.load(cabinet, [Load("A1", SANDWICH, "L1", 5, "2099-01-01")])
    return cabinet


def buy(visitor: Visitor) -> None:
    visitor.tap(".card[data-slot=A1]")
    visitor.tap(".sheet .primary")
    visitor.tap("text=Simulate the payment")
    visitor.see("[data-outcome=dispensed]")


@pytest.mark.real_parts
@pytest.mark.timeout(240)
def test_goods_are_bought_and_loaded_through_a_restart_of_the_agent(
    stage: Stage, browser: "Browser"
) -> None:
    cabinet = stocked(stage)
    visitor = Visitor(browser, cabinet.ports.local, language="en")
    buy(visitor)
    cabinet.locks.close_door(cabinet.lock_of("A1"))
    visitor.tap("text=Done")
    cabinet.agent.kill()
    visitor.see("#lost >> text=Connecting")
    cabinet.agent.start()
    visitor.see(".card[data-slot=A1] >> text=4 left")
    visitor.enter_pin(PIN)
    visitor.tap(".tile[data-slot=A2]")
    visitor.scan(f"01{WATER.gtin}1730123110W1")
    visitor.tap("text=Load 1 into A2")
    visitor.told("A2: 1 loaded, 0 → 1")
    visitor.tap("text=Log out")
    visitor.see(".card[data-slot=A2] >> text=1 left")
    buy(visitor)
    wait_until_committed([cabinet])
    assert [sale["total_minor"] for sale in all_sales(stage)] == [SANDWICH.price_minor] * 2
    visitor.close()
