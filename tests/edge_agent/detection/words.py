"""What devices say: each function returns the word of one device, to be played by `Cabinet.run`."""

from itertools import count

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import (
    BusReading,
    DeviceFailure,
    DoorReading,
    InputReading,
    InputRole,
    MachinePart,
    MachineReading,
    PaymentEvent,
    PaymentReading,
    PulseSent,
    Reading,
    RefrigerationAlarm,
    RefrigerationReading,
    TemperatureReading,
    WeightReading,
)
from tests.edge_agent.detection.cabinet import Word


def latch(state: DoorState, door: str = "A") -> Word:
    """Say how the lock board sees a door."""
    return lambda at: DoorReading("locks", door, state, at)


def reed(state: DoorState, door: str = "A") -> Word:
    """Say how the reed contact sees a door."""
    shut = state is DoorState.CLOSED
    return lambda at: InputReading("inputs", door, InputRole.DOOR_CLOSED, shut, at)


def pulse(door: str = "A") -> Word:
    """Send the opening pulse to a door."""
    return lambda at: PulseSent("locks", door, "order", at)


def air(celsius: float, device: str = "probe", part: str = "chiller") -> Word:
    """Say a temperature; its last digit moves, as a living probe's does."""
    turns = count()
    return lambda at: TemperatureReading(device, part, celsius + next(turns) % 2 / 100, None, at)


def frozen(celsius: float, device: str = "probe", humidity: float | None = None) -> Word:
    """Say the very same value each time."""
    return lambda at: TemperatureReading(device, "chiller", celsius, humidity, at)


def cooling(
    *alarms: RefrigerationAlarm,
    on: bool | None = False,
    defrosting: bool | None = False,
    set_point: float | None = 3.0,
) -> Word:
    """Say how the refrigeration controller of the chiller stands."""
    told = frozenset(alarms)
    return lambda at: RefrigerationReading("carel", "chiller", on, defrosting, set_point, told, at)


def weight(
    grams: float | None, *, stable: bool | None = True, over: bool = False, rail: bool = False
) -> Word:
    """Say what the top shelf weighs."""
    return lambda at: WeightReading("scales", "top", grams, stable, over, rail, at)


def creeping() -> Word:
    """Say that the top shelf weighs 5 g more each time."""
    turns = count(100)

    def word(at: float) -> Reading:
        return weight(5.0 * next(turns))(at)

    return word


def wired(role: InputRole, *, active: bool) -> Word:
    """Say how a digital input stands; it is named as its role."""
    return lambda at: InputReading("inputs", str(role), role, active, at)


def mains(*, present: bool) -> Word:
    """Say whether mains is there."""
    return wired(InputRole.MAINS_PRESENT, active=present)


def till(event: PaymentEvent) -> Word:
    """Say a word of the payment reader."""
    return lambda at: PaymentReading("qibixx", "till", event, at)


def frames(asked: int, broken: int) -> Word:
    """Say how many frames of the bus came broken."""
    return lambda at: BusReading("/dev/ttyS1", asked, broken, at)


def machine(part: MachinePart, *, good: bool) -> Word:
    """Say what the vending controller thinks of one of its parts."""
    return lambda at: MachineReading("vmc", part, good, at)


def silent(kind: str, device: str, *parts: str, after: int = 0) -> Word:
    """Fail a poll; the failures of one word are in a row, and `after` so many before."""
    turns = count(after + 1)
    return lambda at: DeviceFailure(device, kind, "NoAnswerError", "", next(turns), parts, at)
