"""LOCK_BOARD_COMM: no valid frame from a lock board, 5 failed polls over 12 s.

Clears with 3 good polls in a row.
"""

import msgspec

from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import DeviceFailure, DoorReading
from protocol.faults import Severity

CODE = "LOCK_BOARD_COMM"


class BoardMemory(msgspec.Struct, frozen=True):
    """Failed and good polls in a row; a poll's readings share one moment, `good_at`."""

    failed_polls: int = 0
    failing_at: float | None = None
    failed_at: float | None = None
    good_polls: int = 0
    good_at: float | None = None


def observed(memory: BoardMemory, reading: DoorReading) -> BoardMemory:
    """Add a door reading: the first of a poll counts as a good poll."""
    if reading.at_elapsed == memory.good_at:
        return memory
    return BoardMemory(good_polls=memory.good_polls + 1, good_at=reading.at_elapsed)


def failed(memory: BoardMemory, failure: DeviceFailure) -> BoardMemory:
    """Add a poll that brought nothing."""
    failing_at = failure.at_elapsed if memory.failing_at is None else memory.failing_at
    return BoardMemory(
        failed_polls=memory.failed_polls + 1,
        failing_at=failing_at,
        failed_at=failure.at_elapsed,
    )


def judged(device: str, memory: BoardMemory, thresholds: Thresholds) -> Verdict:
    """Judge the board."""
    if memory.failing_at is not None and memory.failed_at is not None:
        lasted = memory.failed_at - memory.failing_at >= thresholds.comm_hold_seconds
        if lasted and memory.failed_polls >= thresholds.comm_failed_polls:
            return Verdict(
                CODE,
                device,
                Condition.BAD,
                severity=Severity.M,
                began_at=memory.failing_at,
                reading=memory.failed_polls,
                limit=thresholds.comm_failed_polls,
                cause="silent",
            )
    is_good = memory.good_polls >= thresholds.comm_good_polls
    return Verdict(CODE, device, Condition.GOOD if is_good else Condition.UNDECIDED)
