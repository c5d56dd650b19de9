"""Screens of agents that serve; stopped after each test, before their agents are."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.settings import LocalApiSettings, PaymentMode
from protocol.service_pin import hash_pin
from tests.edge_agent.local_api.browser import Visitor, started_browser
from tests.edge_agent.local_api.served import PIN, OpenDoorScreen, Screen
from tests.edge_agent.selling.open_door import DOOR, OpenDoor
from tests.edge_agent.selling.open_door import SETTINGS as OPEN_DOOR
from tests.edge_agent.workbench import Bench, ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PIN_HASH = hash_pin(PIN, b"salt" * 4)
FAKE = LocalApiSettings(port=0, payment=PaymentMode.FAKE)


@pytest.fixture
def make_screen(make_bench: Callable[..., Bench]) -> Iterator[Callable[..., Screen]]:
    made: list[Screen] = []

    def make(pause_seconds: float = 0.005, **settings: Any) -> Screen:
        bench = ready(make_bench(serving=True, **settings), service_pin_hash=PIN_HASH)
        made.append(Screen(bench, pause_seconds))
        return made[-1]

    yield make
    for screen in made:
        screen.stop()


@pytest.fixture
def screen(make_screen: Callable[..., Screen]) -> Screen:
    """A cabinet that sells, and whose screen takes no payment."""
    return make_screen()


@pytest.fixture
def till(make_screen: Callable[..., Screen]) -> Screen:
    """The same with the simulated payment."""
    return make_screen(local_api=FAKE)


@pytest.fixture
def make_open_door(make_bench: Callable[..., Bench]) -> Iterator[Callable[..., OpenDoorScreen]]:
    made: list[OpenDoorScreen] = []

    def make(pause_seconds: float = 0.005, **settings: Any) -> OpenDoorScreen:
        bench = make_bench(serving=True, **{"local_api": FAKE, **OPEN_DOOR, **settings})
        bench.doors.state = {DOOR: DoorState.CLOSED}
        door = OpenDoor(bench).ready()
        door.plan(2, service_pin_hash=PIN_HASH)
        door.steps(3)
        made.append(OpenDoorScreen(door, pause_seconds))
        return made[-1]

    yield make
    for screen in made:
        screen.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One Chromium for all tests of a file."""
    with started_browser() as started:
        yield started


@pytest.fixture
def visit(browser: "Browser") -> Iterator[Callable[..., Visitor]]:
    made: list[Visitor] = []

    def make(screen: Screen, **how: Any) -> Visitor:
        made.append(Visitor(browser, screen.bench.agent.local_port, **how))
        return made[-1]

    yield make
    for visitor in made:
        visitor.close()
