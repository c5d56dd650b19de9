"""All buses of a cabinet as the core sees them: start, stop, open a door."""

from collections.abc import Sequence
from typing import Protocol

from edge_agent.clock import Clock
from edge_agent.drivers.build import build_bus
from edge_agent.drivers.bus import Bus
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.errors import MisuseError
from edge_agent.settings import Settings


class BusCrashedError(MisuseError):
    """A defect of ours stopped a bus thread; the process ends and is started anew."""


class Devices(Protocol):
    """The cabinet's devices; tests give some that behave."""

    def start(self) -> None:
        """Begin to poll."""
        ...

    def stop(self) -> None:
        """Stop to poll. Bounded."""
        ...

    def check(self) -> None:
        """Raise BusCrashedError when a thread is dead."""
        ...

    def pulse(self, door: str, order: str) -> None:
        """Have a door opened or a slot dispense; the outcome follows as a reading.

        Raises DriverError; then nothing will move.
        """
        ...

    def poll_soon(self, device: str) -> None:
        """Have a device asked soon."""
        ...

    def set_units(self, slot: str, units: int) -> None:
        """Have a controller told what lies in a motor slot. Raises DriverError."""
        ...


class Buses:
    """Devices on serial buses."""

    def __init__(self, buses: Sequence[Bus]) -> None:
        self._buses = buses
        self._of_target = {target: bus for bus in buses for target in bus.targets}
        self._of_device = {device: bus for bus in buses for device in bus.devices}

    def start(self) -> None:
        """Begin to poll."""
        for bus in self._buses:
            bus.start()

    def stop(self) -> None:
        """Stop to poll; all end their turns side by side, so that the slowest is waited for."""
        for bus in self._buses:
            bus.end()
        for bus in self._buses:
            bus.stop()

    def check(self) -> None:
        """Raise BusCrashedError when a thread is dead."""
        for bus in self._buses:
            if bus.crash is not None:
                raise BusCrashedError(bus.name) from bus.crash

    def pulse(self, door: str, order: str) -> None:
        """Queue an opening pulse or a dispensing. Raises DriverError."""
        self._of_target[door].order(door, order)

    def set_units(self, slot: str, units: int) -> None:
        """Queue a word on what lies in a motor slot. Raises DriverError."""
        self._of_target[slot].set_units(slot, units)

    def poll_soon(self, device: str) -> None:
        """Ask a device as soon as its bus is free; a name that is no device asks nobody."""
        if device in self._of_device:
            self._of_device[device].poll_soon(device)


def build_buses(settings: Settings, readings: ReadingQueue, clock: Clock) -> Buses:
    """Build all buses of the settings. Raises DeviceSettingsError."""
    return Buses(
        [
            build_bus(bus, readings, clock, poll_seconds=settings.poll_seconds)
            for bus in settings.buses
        ]
    )
