"""Motor slots as their vending controller tells of them: which selection may turn now.

A controller that is silent, or whose door stands open, dispenses nothing; a selection it calls
absent or paused neither. A stock it calls empty counts too: its sensor sees what a book cannot.
"""

from collections.abc import Iterable, Mapping

from edge_agent.drivers.readings import (
    DeviceFailure,
    MachinePart,
    MachineReading,
    SelectionReading,
    SelectionState,
)
from edge_agent.selling.texts import SlotFault

SILENT_POLLS = 1
"""The controller polls us five times a second; a poll of ours fails after seconds of silence."""
KIND = "spiral_board"

_FAULTS = {
    SelectionState.OUT_OF_STOCK: SlotFault.SOLD_OUT,
    SelectionState.ABSENT: SlotFault.MOTOR_UNKNOWN,
    SelectionState.PAUSED: SlotFault.PAUSED_BY_MACHINE,
}


class Motors:
    """Every slot that a motor hands out."""

    def __init__(self, devices: Mapping[str, Iterable[str]]) -> None:
        """`devices`: controller -> its slots."""
        self._device_of = {slot: name for name, slots in devices.items() for slot in slots}
        self._heard: set[str] = set()
        self._open: set[str] = set()
        self._shown: dict[str, SelectionReading] = {}

    @property
    def slots(self) -> frozenset[str]:
        """All motor slots."""
        return frozenset(self._device_of)

    def observe(self, reading: SelectionReading | MachineReading | DeviceFailure) -> None:
        """Take one reading."""
        if isinstance(reading, DeviceFailure):
            if reading.kind == KIND and reading.consecutive >= SILENT_POLLS:
                self._heard.discard(reading.device)
            return
        self._heard.add(reading.device)
        if isinstance(reading, SelectionReading):
            self._shown[reading.slot] = reading
        elif reading.part is MachinePart.DOOR:
            (self._open.discard if reading.good else self._open.add)(reading.device)

    def fault(self, slot: str) -> SlotFault | None:
        """Why a motor slot cannot turn now; None when it can."""
        device = self._device_of[slot]
        if device not in self._heard:
            return SlotFault.MOTOR_UNKNOWN
        if device in self._open:
            return SlotFault.DOOR_OPEN
        shown = self._shown.get(slot)
        return None if shown is None else _FAULTS.get(shown.state)

    def heard(self, slot: str) -> bool:
        """Whether the controller of a slot speaks."""
        return self._device_of[slot] in self._heard

    def shown(self, slot: str) -> SelectionReading | None:
        """What the controller last said of a slot; None before it spoke of it."""
        return self._shown.get(slot)


def sells_nothing(shown: SelectionReading) -> bool:
    """Whether a controller that says so sells nothing out of a slot by itself."""
    return shown.stock == 0 or shown.state in _FAULTS
