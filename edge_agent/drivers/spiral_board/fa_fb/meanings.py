"""What the board's codes mean to us, pure ("VMC - Upper computer" V3.0, 4.3.1, 4.3.3, 4.3.6).

A dispensing status that is not listed is waited over: it may be a step of the way, and a vend is
called neither done nor failed by a word we do not know.
"""

from edge_agent.drivers.readings import DispenseOutcome, SelectionState

DISPENSE_OUTCOMES = {
    0x02: DispenseOutcome.DISPENSED,
    0x24: DispenseOutcome.DISPENSED,  # "please take out": live machines without an oven say it too
    0x03: DispenseOutcome.JAMMED,
    0x04: DispenseOutcome.MOTOR_DID_NOT_STOP,
    0x06: DispenseOutcome.NO_MOTOR,
    0x07: DispenseOutcome.ELEVATOR,
    0x12: DispenseOutcome.ELEVATOR,
    0x13: DispenseOutcome.ELEVATOR,
    # What else can fail between spiral and hand; the detail names the code.
    0x15: DispenseOutcome.ELEVATOR,
    0x17: DispenseOutcome.ELEVATOR,
    0x20: DispenseOutcome.ELEVATOR,
    0x25: DispenseOutcome.ELEVATOR,
    0x28: DispenseOutcome.ELEVATOR,
    0x29: DispenseOutcome.ELEVATOR,
    0x30: DispenseOutcome.ELEVATOR,
    0x31: DispenseOutcome.ELEVATOR,
    0x32: DispenseOutcome.ELEVATOR,
    0xFF: DispenseOutcome.ABORTED,
}
"""Status bytes of 04 that end a dispensing; all others are on the way."""

DETAILS = {
    0x02: "dispensed",
    0x24: "please take it out",
    0x03: "selection jammed",
    0x04: "motor does not stop normally",
    0x06: "motor does not exist",
    0x07: "elevator error",
    0x12: "elevator ascending error",
    0x13: "elevator descending error",
    0x15: "microwave delivery door does not close",
    0x17: "microwave inlet door does not open",
    0x20: "microwave inlet door does not close",
    0x25: "staypole does not return",
    0x28: "staypole does not push",
    0x29: "elevator does not enter the microwave",
    0x30: "elevator does not leave the microwave",
    0x31: "pushrod does not push",
    0x32: "pushrod does not return",
    0xFF: "purchase terminated",
}

SELECTION_STATES = {
    0x01: SelectionState.NORMAL,
    0x02: SelectionState.OUT_OF_STOCK,
    0x03: SelectionState.ABSENT,
    0x04: SelectionState.PAUSED,
}
"""Status bytes of 02; the others tell of the machine, not of the selection."""

INFO_STATES = {0x00: SelectionState.NORMAL, 0x01: SelectionState.PAUSED}
"""Status bytes of 11; a captured board said 03 after a jam, which no document lists."""

DELIVERY_DOOR_OPEN = 0x02
DELIVERY_ELEVATOR = {
    0x01: "product in elevator",
    0x03: "elevator error",
    0x04: "elevator self-check error",
}
"""Status bytes of 54; 00 is normal."""

SELECTION_ELEVATOR = {
    0x05: "product in elevator",
    0x07: "elevator error",
    0x08: "elevator self-check error",
}
"""Status bytes of 02 that tell of the elevator."""


def detail_of(status: int) -> str:
    """Words for a dispensing status, with its code."""
    return f"{DETAILS.get(status, 'status')} ({status:#04x})"
