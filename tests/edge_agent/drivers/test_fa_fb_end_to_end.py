"""The FA FB controller over real pyserial and a real pseudo-terminal, built from its settings."""

from pathlib import Path

import pytest

from edge_agent.clock import SystemClock
from edge_agent.drivers.build import build_bus, kind_named
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import DispenseEnded, DispenseOutcome, SelectionReading
from edge_agent.seed import Chance
from edge_agent.settings import BusSettings, DeviceSettings
from simulators.devices.bus import SimulatedBus
from simulators.devices.fa_fb_board import SimulatedFaFbBoard
from tests.edge_agent.drivers.test_lock_boards_end_to_end import wait_for

MACHINE = DeviceSettings("machine", "fa-fb", slots={"A1": 1, "A2": 2})
LOCKS = DeviceSettings("locks", "cu16", 0, doors={"A": 1})


def test_a_slot_is_ordered_and_its_end_is_told_over_the_wire(tmp_path: Path) -> None:
    clock, readings = SystemClock(), ReadingQueue()
    board = SimulatedFaFbBoard(Chance.from_seed(1), {1: 5, 2: 5})
    with SimulatedBus([board], clock, link=tmp_path / "port") as simulated:
        bus = build_bus(BusSettings(simulated.path, [MACHINE], 0.1), readings, clock)
        assert bus.targets == ("A1", "A2")
        bus.start()
        wait_for(readings, lambda row: isinstance(row, SelectionReading) and row.slot == "A2")
        bus.order("A2", "order-1")
        wait_for(
            readings,
            lambda row: (
                isinstance(row, DispenseEnded)
                and (row.order_id, row.outcome) == ("order-1", DispenseOutcome.DISPENSED)
            ),
        )
        bus.stop()
    assert bus.crash is None
    assert board.turns == {2: 1}


@pytest.mark.parametrize(
    ("device", "key"),
    [
        (DeviceSettings("x", "fa-fb", slots={"A1": 0}), "slots.A1"),
        (DeviceSettings("x", "fa-fb", slots={"A1": 1_000}), "slots.A1"),
        (DeviceSettings("x", "fa-fb", slots={"A1": 1, "A2": 1}), "slots.A2"),
        (DeviceSettings("x", "fa-fb", options={"command": "sell"}), "options.command"),
        (DeviceSettings("x", "fa-fb", options={"fitted": "toaster"}), "options.fitted"),
        (DeviceSettings("x", "fa-fb", options={"drop_sensor": "yes"}), "options.drop_sensor"),
        (DeviceSettings("x", "fa-fb", 1), "address"),
    ],
)
def test_a_controller_that_cannot_be_is_refused_with_its_key(
    device: DeviceSettings, key: str
) -> None:
    with pytest.raises(DeviceSettingsError) as caught:
        build_bus(BusSettings("nowhere", [device]), ReadingQueue(), SystemClock())
    assert caught.value.key == key


def test_a_controller_is_alone_on_its_port() -> None:
    row = kind_named("fa-fb")
    assert row is not None
    settings = BusSettings("nowhere", [MACHINE, LOCKS], baud_rate=row.baud_rate)
    with pytest.raises(DeviceSettingsError, match="shares its port"):
        build_bus(settings, ReadingQueue(), SystemClock())
