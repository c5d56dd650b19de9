"""What the board told of selections and parts, kept and turned into readings.

52 tells of the main door, 54 of the delivery door; both are `DOOR`, so what one said is kept for
when the other speaks, or a door would seem to open and shut with every question.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edge_agent.drivers.readings import (
    MachinePart,
    MachineReading,
    Reading,
    SelectionReading,
    SelectionState,
    TemperatureReading,
)
from edge_agent.drivers.spiral_board.fa_fb import meanings
from edge_agent.drivers.spiral_board.fa_fb.frames import FaFbCommand, first_of_eight

GOOD = 0  # [I] captured machines show 0 for what works and 1 for what is not fitted or failed

STATUS_PARTS = {
    MachinePart.BILL_VALIDATOR: "bill",
    MachinePart.COIN_MECH: "coin",
    MachinePart.CARD_READER: "card",
    MachinePart.TEMPERATURE_CONTROLLER: "temperature_controller",
}
CHANGES = (FaFbCommand.SET_PRICE, FaFbCommand.SET_INVENTORY, FaFbCommand.SET_CAPACITY)


@dataclass(frozen=True, slots=True)
class MachineNames:
    """Names of the settings: the device, its slots by selection, its air, the parts it has."""

    device: str
    slot_of: Mapping[int, str]
    air: str
    parts: frozenset[MachinePart]


class Machine:
    """Turns the fields of a frame into readings; `at` is the elapsed time it was heard."""

    def __init__(self, names: MachineNames) -> None:
        self._names = names
        self._selections: dict[str, SelectionReading] = {}
        self._main_door_open = False
        self._delivery_door_open = False

    def selection(self, slot: str) -> SelectionReading | None:
        """What is known of a slot; None before the board spoke of it."""
        return self._selections.get(slot)

    def readings(
        self, command: FaFbCommand, fields: Mapping[str, int], at: float
    ) -> tuple[Reading, ...]:
        """Readings of one frame; none for a selection or a part that is not in the settings."""
        if command is FaFbCommand.MACHINE_STATUS:
            return self._machine(fields, at)
        if command is FaFbCommand.DELIVERY_STATUS:
            return self._delivery(fields["status"], at)
        slot = self._names.slot_of.get(fields.get("selection", 0))
        if slot is None:
            return ()
        if command is FaFbCommand.SELECTION_STATUS:
            return self._selection_status(slot, fields["status"], at)
        told = self._told_of(slot, command, fields, at)
        if told is None:
            return ()
        self._selections[slot] = told
        return (told,)

    def _told_of(
        self, slot: str, command: FaFbCommand, fields: Mapping[str, int], at: float
    ) -> SelectionReading | None:
        if command is FaFbCommand.SELECTION_INFO:
            return SelectionReading(
                self._names.device,
                slot,
                meanings.INFO_STATES.get(fields["status"], SelectionState.UNKNOWN),
                at,
                price_minor=fields["price"],
                stock=fields["inventory"],
                capacity=fields["capacity"],
            )
        known = self._selections.get(slot)
        if known is None or command not in CHANGES:
            return None
        return replace(
            known,
            at_elapsed=at,
            price_minor=fields.get("price", known.price_minor),
            stock=fields.get("inventory", known.stock),
            capacity=fields.get("capacity", known.capacity),
        )

    def _selection_status(self, slot: str, status: int, at: float) -> tuple[Reading, ...]:
        state = meanings.SELECTION_STATES.get(status, SelectionState.UNKNOWN)
        fresh = SelectionReading(self._names.device, slot, state, at)
        known = replace(self._selections.get(slot, fresh), state=state, at_elapsed=at)
        self._selections[slot] = known
        if status not in meanings.SELECTION_ELEVATOR:
            return (known,)
        elevator = meanings.SELECTION_ELEVATOR[status]
        return (known, *self._part(MachinePart.ELEVATOR, at, good=False, detail=elevator))

    def _machine(self, fields: Mapping[str, int], at: float) -> tuple[Reading, ...]:
        self._main_door_open = fields["door"] != GOOD
        parts = tuple(
            reading
            for part, field in STATUS_PARTS.items()
            for reading in self._part(
                part, at, good=fields[field] == GOOD, detail=f"status {fields[field]:#04x}"
            )
        )
        return (*parts, *self._door(at), *self._air(fields, at))

    def _delivery(self, status: int, at: float) -> tuple[Reading, ...]:
        self._delivery_door_open = status == meanings.DELIVERY_DOOR_OPEN
        detail = meanings.DELIVERY_ELEVATOR.get(status, "")
        elevator = self._part(MachinePart.ELEVATOR, at, good=not detail, detail=detail)
        return (*elevator, *self._door(at))

    def _door(self, at: float) -> tuple[Reading, ...]:
        open_doors = (
            ("main door", self._main_door_open),
            ("delivery door", self._delivery_door_open),
        )
        detail = ", ".join(f"{name} open" for name, is_open in open_doors if is_open)
        return self._part(MachinePart.DOOR, at, good=not detail, detail=detail)

    def _part(
        self, part: MachinePart, at: float, *, good: bool, detail: str
    ) -> tuple[Reading, ...]:
        if part not in self._names.parts:
            return ()
        return (MachineReading(self._names.device, part, good, at, "" if good else detail),)

    def _air(self, fields: Mapping[str, int], at: float) -> tuple[Reading, ...]:
        celsius = first_of_eight(fields["temperatures"])
        if celsius is None:
            return ()
        humidity = first_of_eight(fields["humidities"]) if "humidities" in fields else None
        percent = None if humidity is None else float(humidity)
        return (
            TemperatureReading(self._names.device, self._names.air, float(celsius), percent, at),
        )
