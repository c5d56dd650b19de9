"""Readings: what drivers tell the rest of the agent, frozen and stamped with elapsed seconds.

They live apart from the drivers so that detection, which is pure, can name them without
reaching a serial port. `device` is the name in the settings, `part` what the reading is about (a
compartment, a shelf, a slot), `at_elapsed` seconds of the agent's clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from edge_agent.drivers.audit.readings import AuditReading
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


class RefrigerationAlarm(StrEnum):
    """What a refrigeration controller can raise by itself (hardware reference 1.2 and 2.2)."""

    PROBE_FAULT = "probe_fault"
    LOW_TEMPERATURE = "low_temperature"
    HIGH_TEMPERATURE = "high_temperature"
    DEFROST_TIMEOUT = "defrost_timeout"
    CONDENSER_HOT = "condenser_hot"
    DOOR_OPEN = "door_open"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RefrigerationReading:
    """How a refrigeration controller stands; None is what it does not tell."""

    device: str
    part: str
    compressor_on: bool | None
    defrosting: bool | None
    set_point_celsius: float | None
    alarms: frozenset[RefrigerationAlarm]
    at_elapsed: float


@dataclass(frozen=True, slots=True)
class WeightReading:
    """Load on one shelf (`part`) in grams; a transmitter without status bits says None to them.

    `grams` is None when the transmitter shows no weight that can be true (at its rail, over
    capacity); it is never a guess.
    """

    device: str
    part: str
    grams: float | None
    stable: bool | None
    over_capacity: bool
    at_rail: bool
    at_elapsed: float


class InputRole(StrEnum):
    """What a digital input is wired to; `active` is true when its name is true."""

    DOOR_CLOSED = "door_closed"
    MAINS_PRESENT = "mains_present"
    TILTED = "tilted"
    BACKUP_BATTERY_GOOD = "backup_battery_good"


@dataclass(frozen=True, slots=True)
class InputReading:
    """One digital input after debouncing; `part` is the door of a reed, else a free name."""

    device: str
    part: str
    role: InputRole
    active: bool
    at_elapsed: float


class PaymentEvent(StrEnum):
    """What a payment peripheral says of itself (MDB session terms)."""

    RESET = "reset"
    INACTIVE = "inactive"
    DISABLED = "disabled"
    ENABLED = "enabled"
    SESSION = "session"
    APPROVED = "approved"
    DENIED = "denied"
    VENDED = "vended"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class PaymentReading:
    """One word of a payment peripheral; `amount_minor` where it names one."""

    device: str
    part: str
    event: PaymentEvent
    at_elapsed: float
    amount_minor: int | None = None
    detail: str = ""


class SelectionState(StrEnum):
    """How a vending controller reports one of its selections (FA FB 02, 11)."""

    NORMAL = "normal"
    OUT_OF_STOCK = "out_of_stock"
    ABSENT = "absent"
    PAUSED = "paused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SelectionReading:
    """One selection (our slot) as the vending controller has it; None is not told."""

    device: str
    slot: str
    state: SelectionState
    at_elapsed: float
    price_minor: int | None = None
    stock: int | None = None
    capacity: int | None = None


class MachinePart(StrEnum):
    """Parts of a vending machine that its controller reports as good or bad."""

    BILL_VALIDATOR = "bill_validator"
    COIN_MECH = "coin_mech"
    CARD_READER = "card_reader"
    TEMPERATURE_CONTROLLER = "temperature_controller"
    DOOR = "door"
    ELEVATOR = "elevator"


@dataclass(frozen=True, slots=True)
class MachineReading:
    """What a vending controller tells of one part; for the door `good` means closed."""

    device: str
    part: MachinePart
    good: bool
    at_elapsed: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BusReading:
    """Frames of one bus since its last such reading: asked for, and how many came broken."""

    bus: str
    asked: int
    broken: int
    at_elapsed: float


@dataclass(frozen=True, slots=True)
class DeviceFailure:
    """A poll that brought nothing; `consecutive` counts the failures since the last good poll.

    `kind` is the device kind (`lock_board`, `temperature`, `refrigeration`, `scale`, `payment`,
    `audit`, `spiral_board`, `inputs`), `error` the name of the error class, `parts` the doors,
    compartments, shelves or slots that are unknown because of it.
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
    """The opening pulse was not sent and will not be: nothing opened by this order.

    The same for a dispensing that surely did not begin (`door` is then the slot).
    """

    device: str
    door: str
    order_id: str
    error: str
    detail: str
    at_elapsed: float


class DispenseOutcome(StrEnum):
    """How a motor's dispensing ended (FA FB 04)."""

    DISPENSED = "dispensed"
    JAMMED = "jammed"
    MOTOR_DID_NOT_STOP = "motor_did_not_stop"
    NO_MOTOR = "no_motor"
    ELEVATOR = "elevator"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DispenseEnded:
    """The controller's word on one dispensing; `UNKNOWN` when it never said one."""

    device: str
    slot: str
    order_id: str
    outcome: DispenseOutcome
    detail: str
    at_elapsed: float


PollReading = (
    AuditReading
    | DoorReading
    | TemperatureReading
    | RefrigerationReading
    | WeightReading
    | InputReading
    | PaymentReading
    | SelectionReading
    | MachineReading
    | BusReading
    | DeviceFailure
)
OrderReading = PulseSent | PulseFailed | DispenseEnded
Reading = PollReading | OrderReading
