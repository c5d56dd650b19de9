"""MODBUS_DEVICE_COMM, DEVICE_COMM: a device that fell silent is a fault of its own after 5 polls.

Lock boards and temperature probes have theirs (LOCK_BOARD_COMM, TEMP_SENSOR); a payment reader's
is PAY_READER_OFFLINE. Any reading of the device is a good poll. One whole report of a machine that
is read twice a day is enough: three would take a day and a half.
"""

import msgspec

from edge_agent.detection.rule import Look, Rule
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.drivers.readings import (
    DeviceFailure,
    InputReading,
    MachineReading,
    RefrigerationReading,
    SelectionReading,
    WeightReading,
)
from protocol.faults import CATALOGUE

MODBUS, DEVICE = "MODBUS_DEVICE_COMM", "DEVICE_COMM"
CODES = {
    "refrigeration": MODBUS,
    "scale": MODBUS,
    "spiral_board": DEVICE,
    "audit": DEVICE,
    "inputs": DEVICE,
}
"""Kind of device -> code of its silence."""


class SilenceMemory(msgspec.Struct, frozen=True):
    """Failed and good polls in a row; readings of one poll share one moment."""

    code: str = DEVICE
    failed_polls: int = 0
    failing_at: float | None = None
    failed_at: float | None = None
    good_polls: int = 0
    good_at: float | None = None
    is_report: bool = False


Heard = (
    DeviceFailure
    | AuditReading
    | RefrigerationReading
    | WeightReading
    | SelectionReading
    | MachineReading
    | InputReading
)


def devices(reading: Heard) -> tuple[str, ...]:
    """Device that was heard, or failed and has its code here."""
    if isinstance(reading, DeviceFailure) and reading.kind not in CODES:
        return ()
    return (reading.device,)


def observed(memory: SilenceMemory, _device: str, reading: Heard, _look: Look) -> SilenceMemory:
    """Add a poll that failed or brought something."""
    at = reading.at_elapsed
    if not isinstance(reading, DeviceFailure):
        if at == memory.good_at:
            return memory
        return SilenceMemory(
            memory.code,
            good_polls=memory.good_polls + 1,
            good_at=at,
            is_report=isinstance(reading, AuditReading),
        )
    failing_at = at if memory.failing_at is None else memory.failing_at
    return SilenceMemory(CODES[reading.kind], memory.failed_polls + 1, failing_at, at)


def judged(memory: SilenceMemory, device: str, look: Look) -> Verdict:
    """Judge the device."""
    limits, code = look.thresholds, memory.code
    if memory.failing_at is not None and memory.failed_at is not None:
        lasted = memory.failed_at - memory.failing_at >= limits.comm_hold_seconds
        if lasted and memory.failed_polls >= limits.comm_failed_polls:
            return Verdict(
                code,
                device,
                Condition.BAD,
                CATALOGUE[code].severity,
                memory.failing_at,
                memory.failed_polls,
                limits.comm_failed_polls,
                "silent",
            )
    is_good = memory.good_polls >= (1 if memory.is_report else limits.comm_good_polls)
    return Verdict(code, device, Condition.GOOD if is_good else Condition.UNDECIDED)


RULE = Rule(
    "SILENT_DEVICE",
    SilenceMemory,
    (
        DeviceFailure,
        AuditReading,
        RefrigerationReading,
        WeightReading,
        SelectionReading,
        MachineReading,
        InputReading,
    ),
    devices,
    observed,
    judged,
)
