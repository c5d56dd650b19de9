"""COIN_MECH, BILL_VALIDATOR and kin: parts that a vending controller itself calls bad.

The controller has held and cleared them by its own rules; we follow its word. The same faults come
from an audit report too (`audit_events.py`), so each names its source.
"""

import msgspec

from edge_agent.detection.rule import Look, Rule, worse_if_perishable
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import MachinePart, MachineReading

CODES = {
    MachinePart.BILL_VALIDATOR: "BILL_VALIDATOR",
    MachinePart.COIN_MECH: "COIN_MECH",
    MachinePart.CARD_READER: "PAY_READER_OFFLINE",
    MachinePart.TEMPERATURE_CONTROLLER: "TEMP_SENSOR",
    MachinePart.ELEVATOR: "VEND_FAIL",
}
"""The door of the machine is not here: DOOR_OPEN_LONG watches it as any door."""
SOURCE = "controller"


class PartMemory(msgspec.Struct, frozen=True):
    """What the controller said last, and since when it is bad."""

    good: bool | None = None
    bad_at: float | None = None


def _parts(reading: MachineReading) -> tuple[str, ...]:
    return (str(reading.part),) if reading.part in CODES else ()


def observed(memory: PartMemory, _part: str, reading: MachineReading, _look: Look) -> PartMemory:
    """Take the controller's word."""
    if reading.good:
        return PartMemory(good=True)
    return PartMemory(good=False, bad_at=memory.bad_at or reading.at_elapsed)


def judged(memory: PartMemory, part: str, look: Look) -> Verdict | None:
    """Judge a part as the controller does."""
    code = CODES[MachinePart(part)]
    if memory.good is None:
        return None
    if memory.good:
        return Verdict(code, part, Condition.GOOD, source=SOURCE)
    return Verdict(
        code,
        part,
        Condition.BAD,
        worse_if_perishable(code, look),
        memory.bad_at or look.at,
        cause="controller",
        source=SOURCE,
    )


RULE = Rule("MACHINE_PART", PartMemory, (MachineReading,), _parts, observed, judged)
