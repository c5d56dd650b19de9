"""Readings: what drivers tell the rest of the agent, frozen and stamped with elapsed seconds.

They live apart from the drivers so that detection, which is pure, can name them without
reaching a serial port.
"""

from dataclasses import dataclass

from edge_agent.drivers.lock_board.readings import DoorState


@dataclass(frozen=True, slots=True)
class DoorReading:
    """One door as its lock board saw it at `at_elapsed` (seconds of the agent's clock)."""

    device: str
    door: str
    state: DoorState
    at_elapsed: float


@dataclass(frozen=True, slots=True)
class TemperatureReading:
    """Air temperature, and relative humidity where the device measures it.

    `part` names what is measured (a compartment), `device` the probe's board.
    """

    device: str
    part: str
    celsius: float
    humidity_percent: float | None
    at_elapsed: float


@dataclass(frozen=True, slots=True)
class DeviceFailure:
    """A poll that brought nothing; `consecutive` counts the failures since the last good poll.

    `kind` is the device kind (`lock_board`, `temperature`), `error` the name of the error class,
    `parts` the doors or compartments that are unknown because of it.
    """

    device: str
    kind: str
    error: str
    detail: str
    consecutive: int
    parts: tuple[str, ...]
    at_elapsed: float


@dataclass(frozen=True, slots=True)
class PulseSent:
    """The opening pulse left for the board. It does not say that the door opened."""

    device: str
    door: str
    order_id: str
    at_elapsed: float


@dataclass(frozen=True, slots=True)
class PulseFailed:
    """The opening pulse was not sent and will not be: nothing opened by this order."""

    device: str
    door: str
    order_id: str
    error: str
    detail: str
    at_elapsed: float


PollReading = DoorReading | TemperatureReading | DeviceFailure
OrderReading = PulseSent | PulseFailed
Reading = PollReading | OrderReading
