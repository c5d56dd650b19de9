"""What the bus polls: each device kind turned into readings, one poll at a time."""

from collections.abc import Mapping
from typing import Protocol

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.lock_board.interface import LockBoard
from edge_agent.drivers.readings import DoorReading, PollReading, TemperatureReading
from edge_agent.drivers.temperature.readings import TemperatureSample


class PolledDevice(Protocol):
    """A device on a bus."""

    @property
    def name(self) -> str:
        """Its name in the settings; unique in the cabinet."""
        ...

    @property
    def kind(self) -> str:
        """`lock_board` or `temperature`."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """The doors or compartments it tells of."""
        ...

    def poll(self) -> tuple[PollReading, ...]:
        """Ask once. Raises the errors of its driver."""
        ...


class TemperatureProbe(Protocol):
    """A driver that reads a temperature."""

    def read(self) -> TemperatureSample:
        """Return one sample, or raise a DriverError."""
        ...


class PolledLockBoard:
    """A lock board, its doors named as in the settings (door name -> lock number from 1)."""

    kind = "lock_board"

    def __init__(
        self, *, name: str, board: LockBoard, doors: Mapping[str, int], clock: Clock
    ) -> None:
        for door, lock in doors.items():
            if not 1 <= lock <= board.locks:
                raise DeviceSettingsError(
                    device=name, key=f"doors.{door}", reason=f"no lock {lock} of {board.locks}"
                )
        self.name = name
        self.parts = tuple(doors)
        self._board = board
        self._doors = dict(doors)
        self._clock = clock

    def poll(self) -> tuple[DoorReading, ...]:
        """Read all doors with one question."""
        states = self._board.read_all()
        at = self._clock.elapsed()
        return tuple(
            DoorReading(self.name, door, states[lock - 1], at) for door, lock in self._doors.items()
        )

    def pulse(self, door: str) -> None:
        """Send the opening pulse to a door of this board."""
        self._board.pulse(self._doors[door])


class PolledTemperature:
    """A temperature probe and the compartment it hangs in."""

    kind = "temperature"

    def __init__(self, *, name: str, probe: TemperatureProbe, part: str, clock: Clock) -> None:
        self.name = name
        self.parts = (part,)
        self._probe = probe
        self._clock = clock

    def poll(self) -> tuple[TemperatureReading, ...]:
        """Read the probe once."""
        sample = self._probe.read()
        at = self._clock.elapsed()
        (part,) = self.parts
        reading = TemperatureReading(self.name, part, sample.celsius, sample.humidity_percent, at)
        return (reading,)
