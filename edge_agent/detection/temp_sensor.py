"""TEMP_SENSOR: the probe tells nothing or nothing true. C if perishable, else M.

Silent for 5 polls, values no air has (open, shorted), or a value that stands still for 2 h; where
the probe also measures humidity, a humidity that moves proves it alive. Clears after 10 min of
good values.
"""

import msgspec

from edge_agent.detection.air import is_plausible
from edge_agent.detection.streaks import Streak
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import DeviceFailure, TemperatureReading
from protocol.faults import Severity

CODE = "TEMP_SENSOR"


class SensorMemory(msgspec.Struct, frozen=True):
    """What the rule remembers of one probe; `changed_at` is when its value last moved."""

    streak: Streak = Streak()
    failed_polls: int = 0
    values: tuple[float, float | None] | None = None
    changed_at: float | None = None
    out_of_range: bool = False


def observed(
    memory: SensorMemory, reading: TemperatureReading, thresholds: Thresholds
) -> SensorMemory:
    """Add a reading of the probe."""
    values = (reading.celsius, reading.humidity_percent)
    changed_at = memory.changed_at
    if changed_at is None or values != memory.values:
        changed_at = reading.at_elapsed
    is_good = is_plausible(reading, thresholds)
    is_frozen = reading.at_elapsed - changed_at >= thresholds.temp_sensor_frozen_seconds
    streak = memory.streak.extended(
        reading.at_elapsed, bad=not is_good, good=is_good and not is_frozen
    )
    return SensorMemory(streak, 0, values, changed_at, not is_good)


def failed(memory: SensorMemory, failure: DeviceFailure) -> SensorMemory:
    """Add a poll that brought nothing."""
    streak = memory.streak.extended(failure.at_elapsed, bad=True, good=False)
    return msgspec.structs.replace(memory, streak=streak, failed_polls=failure.consecutive)


def judged(part: str, memory: SensorMemory, thresholds: Thresholds, *, perishable: bool) -> Verdict:
    """Judge the probe."""
    severity = Severity.C if perishable else Severity.M
    began_at = memory.streak.bad_at or 0.0
    silent = memory.failed_polls >= thresholds.comm_failed_polls
    if silent and memory.streak.bad_for(thresholds.comm_hold_seconds):
        polls, polls_limit = memory.failed_polls, thresholds.comm_failed_polls
        return Verdict(CODE, part, Condition.BAD, severity, began_at, polls, polls_limit, "silent")
    if memory.out_of_range and memory.streak.bad_for(thresholds.temp_sensor_hold_seconds):
        celsius, limit = _range_broken(memory, thresholds)
        return Verdict(
            CODE, part, Condition.BAD, severity, began_at, celsius, limit, "out_of_range"
        )
    if (still := _still_seconds(memory)) >= thresholds.temp_sensor_frozen_seconds:
        began_at = memory.changed_at or 0.0
        limit = thresholds.temp_sensor_frozen_seconds
        return Verdict(CODE, part, Condition.BAD, severity, began_at, still, limit, "frozen")
    is_good = memory.streak.good_for(thresholds.temp_sensor_clear_seconds)
    return Verdict(CODE, part, Condition.GOOD if is_good else Condition.UNDECIDED)


def _range_broken(memory: SensorMemory, thresholds: Thresholds) -> tuple[float, float]:
    celsius = memory.values[0] if memory.values else 0.0
    low, high = thresholds.temp_sensor_low_celsius, thresholds.temp_sensor_high_celsius
    return celsius, low if celsius <= low else high


def _still_seconds(memory: SensorMemory) -> float:
    """Tell how long readings have come without a change; failed polls show nothing."""
    seen_at = memory.streak.seen_at
    if memory.failed_polls or memory.changed_at is None or seen_at is None:
        return 0.0
    return seen_at - memory.changed_at
