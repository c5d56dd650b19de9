"""Each lock board over real pyserial and a real pseudo-terminal, built from its settings."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.clock import SystemClock
from edge_agent.drivers.build import build_bus
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import DoorReading, PulseSent, Reading
from edge_agent.settings import BusSettings, DeviceSettings
from simulators.devices.bus import SimulatedBus
from tests.edge_agent.drivers.lock_benches import CASES

POLL_SECONDS = 0.05
WAIT_SECONDS_MAX = 20.0


def wait_for(readings: ReadingQueue, fits: Callable[[Reading], bool]) -> None:
    """Take readings until one fits; bounded by the test's own time."""
    clock = SystemClock()
    deadline = clock.elapsed() + WAIT_SECONDS_MAX
    while clock.elapsed() < deadline:
        if any(fits(reading) for reading in readings.take(1, timeout_seconds=0.5)):
            return
    raise AssertionError(f"no such reading within {WAIT_SECONDS_MAX} s")


def door_is(door: str, state: DoorState) -> Callable[[Reading], bool]:
    def fits(reading: Reading) -> bool:
        return isinstance(reading, DoorReading) and (reading.door, reading.state) == (door, state)

    return fits


@pytest.mark.parametrize("kind", ["wkly", "8a", "cu48", "winnsen"])
@pytest.mark.parametrize("echo", [False, True], ids=["full duplex", "echo"])
def test_a_door_is_ordered_open_and_seen_open_over_the_wire(
    kind: str, tmp_path: Path, *, echo: bool
) -> None:
    case, clock, readings = CASES[kind], SystemClock(), ReadingQueue()
    board = case.simulate(2)
    with SimulatedBus([board], clock, link=tmp_path / "port", echo=echo) as simulated:
        bus = build_bus(BusSettings(simulated.path, [case.settings], POLL_SECONDS), readings, clock)
        bus.start()
        wait_for(readings, door_is("B", DoorState.CLOSED))
        bus.order("B", "order-1")
        wait_for(readings, lambda row: isinstance(row, PulseSent) and row.order_id == "order-1")
        wait_for(readings, door_is("B", DoorState.OPEN))
        board.close_door(2)
        wait_for(readings, door_is("B", DoorState.CLOSED))
        bus.stop()
    assert bus.crash is None
    assert board.pulses(2) == 1


@pytest.mark.parametrize(
    ("device", "key"),
    [
        (DeviceSettings("x", "wkly", 0, options={"locks": 0}), "options.locks"),
        (DeviceSettings("x", "winnsen", 0, options={"locks": 17}), "options.locks"),
        (DeviceSettings("x", "winnsen", 0, doors={"A": 9}, options={"locks": 8}), "doors.A"),
        (DeviceSettings("x", "wkly", 32), "address"),
        (DeviceSettings("x", "8a", 0), "address"),
        (
            DeviceSettings("x", "cu48", 0, options={"swapped_status": True}),
            "options.swapped_status",
        ),
    ],
)
def test_a_board_that_cannot_be_is_refused_with_its_key(device: DeviceSettings, key: str) -> None:
    with pytest.raises(DeviceSettingsError) as caught:
        build_bus(BusSettings("nowhere", [device]), ReadingQueue(), SystemClock())
    assert caught.value.key == key
