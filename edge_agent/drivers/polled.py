"""What a bus needs of a device, and lock boards and probes as such devices.

Three ways to learn from a device: `poll` asks; `hear` gets every byte that came over the bus,
asked for or not, so that a board that speaks by itself is never missed; `carry_out` does an order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.lock_board.interface import LockBoard
from edge_agent.drivers.readings import (
    DoorReading,
    PulseSent,
    Reading,
    TemperatureReading,
)
from edge_agent.drivers.temperature.readings import TemperatureSample


@dataclass(frozen=True, slots=True)
class Order:
    """Move something once, for `order_id`; `target` is a door or a slot of the device."""

    target: str
    order_id: str


@dataclass(frozen=True, slots=True)
class SetUnits:
    """Tell a controller how many units a slot holds; 0 keeps it from turning that motor."""

    target: str
    units: int


class PolledDevice(Protocol):
    """A device on a bus. Methods run in the bus thread only."""

    @property
    def name(self) -> str:
        """Its name in the settings; unique in the cabinet."""
        ...

    @property
    def kind(self) -> str:
        """One of the kinds that `DeviceFailure` names."""
        ...

    @property
    def parts(self) -> tuple[str, ...]:
        """The doors, compartments, shelves or slots it tells of."""
        ...

    @property
    def poll_seconds(self) -> float | None:
        """How often to ask; None as often as the bus does."""
        ...

    @property
    def speaks_unasked(self) -> bool:
        """Whether the bus has to listen between its questions."""
        ...

    @property
    def targets(self) -> tuple[str, ...]:
        """The doors or slots that an order can name."""
        ...

    def poll(self) -> tuple[Reading, ...]:
        """Ask once, or tell what has become due. Raises the errors of its driver."""
        ...

    def hear(self, data: bytes) -> tuple[Reading, ...]:
        """Take bytes heard on the bus, each byte once and in order; return what they tell.

        May answer on its line (a controller that is master). Raises PortGoneError.
        """
        ...

    def carry_out(self, order: Order) -> tuple[Reading, ...]:
        """Do an order once. Raises the errors of its driver when surely nothing moved."""
        ...

    def set_units(self, order: SetUnits) -> None:
        """Tell it what lies in a slot. Raises the errors of its driver."""
        ...


class ReadOnlyDevice:
    """Defaults of a device that only answers questions."""

    poll_seconds: float | None = None
    speaks_unasked = False
    targets: tuple[str, ...] = ()

    def hear(self, data: bytes) -> tuple[Reading, ...]:  # noqa: ARG002  # the protocol's signature
        """Nothing is told unasked."""
        return ()

    def carry_out(self, order: Order) -> tuple[Reading, ...]:
        """No order can name this device: `targets` is empty."""
        raise AssertionError(f"{order.target} is no target of a device that only answers")

    def set_units(self, order: SetUnits) -> None:
        """No slot of this device holds units."""
        raise AssertionError(f"{order.target} is no slot of a device that only answers")


class TemperatureProbe(Protocol):
    """A driver that reads a temperature."""

    def read(self) -> TemperatureSample:
        """Return one sample, or raise a DriverError."""
        ...


class PolledLockBoard:
    """A lock board, its doors named as in the settings (door name -> lock number from 1)."""

    kind = "lock_board"
    poll_seconds: float | None = None

    def __init__(
        self, *, name: str, board: LockBoard, doors: Mapping[str, int], clock: Clock
    ) -> None:
        for door, lock in doors.items():
            if not 1 <= lock <= board.locks:
                raise DeviceSettingsError(
                    device=name, key=f"doors.{door}", reason=f"no lock {lock} of {board.locks}"
                )
        self.name = name
        self.parts = self.targets = tuple(doors)
        self.speaks_unasked = board.speaks_unasked
        self._board = board
        self._doors = dict(doors)
        self._door_of = {lock: door for door, lock in doors.items()}
        self._clock = clock

    def poll(self) -> tuple[DoorReading, ...]:
        """Read all doors with one question."""
        states = self._board.read_all()
        at = self._clock.elapsed()
        return tuple(
            DoorReading(self.name, door, states[lock - 1], at) for door, lock in self._doors.items()
        )

    def hear(self, data: bytes) -> tuple[DoorReading, ...]:
        """Doors that moved and were told of unasked."""
        at = self._clock.elapsed()
        return tuple(
            DoorReading(self.name, self._door_of[event.lock], event.state, at)
            for event in self._board.hear(data)
            if event.lock in self._door_of
        )

    def carry_out(self, order: Order) -> tuple[PulseSent, ...]:
        """Send the opening pulse to a door of this board."""
        self._board.pulse(self._doors[order.target])
        return (PulseSent(self.name, order.target, order.order_id, self._clock.elapsed()),)

    def set_units(self, order: SetUnits) -> None:
        """A lock knows nothing of units."""
        raise AssertionError(f"{order.target} is a door")


class PolledTemperature(ReadOnlyDevice):
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
