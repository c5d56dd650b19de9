"""One device end to end: `build_bus` on a pseudo-terminal, its thread, and a wait for a reading."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from edge_agent.clock import SystemClock
from edge_agent.drivers.build import build_bus
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import Reading
from edge_agent.settings import BusSettings, DeviceSettings
from simulators.devices.bus import SimulatedBus
from simulators.devices.device import SimulatedDevice

POLL_SECONDS = 0.05
WAIT_SECONDS_MAX = 20.0

Kind = TypeVar("Kind", bound=Reading)


@contextmanager
def running_bus(
    simulated: SimulatedDevice, settings: DeviceSettings, folder: Path, *, echo: bool = False
) -> Iterator[ReadingQueue]:
    """Run the agent's bus on a simulated device; no defect of ours may stop its thread."""
    clock, readings = SystemClock(), ReadingQueue()
    with SimulatedBus([simulated], clock, link=folder / "port", echo=echo) as terminal:
        bus = build_bus(BusSettings(terminal.path, [settings], POLL_SECONDS), readings, clock)
        bus.start()
        yield readings
        bus.stop()
    assert bus.crash is None


def wait_for(
    readings: ReadingQueue, kind: type[Kind], fits: Callable[[Kind], bool] = lambda _: True
) -> Kind:
    """Take readings until one fits. Raises AssertionError after WAIT_SECONDS_MAX."""
    clock = SystemClock()
    deadline = clock.elapsed() + WAIT_SECONDS_MAX
    while clock.elapsed() < deadline:
        for reading in readings.take(1, timeout_seconds=0.5):
            if isinstance(reading, kind) and fits(reading):
                return reading
    raise AssertionError(f"no such {kind.__name__} within {WAIT_SECONDS_MAX} s")
