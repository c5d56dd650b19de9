"""TEMP_SENSOR: a probe tells nothing or nothing true. C if perishable, else M.

Silent for 5 polls, values no air has (open, shorted), or a value that stands still for 2 h; where
the probe also measures humidity, a humidity that moves proves it alive. Clears after 10 min of
good values. Each probe of a compartment is judged by itself, and the worst of them counts.
"""

import msgspec

from edge_agent.detection.air import is_plausible
from edge_agent.detection.rule import Look, Rule, worse_if_perishable
from edge_agent.detection.streaks import Streak
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict, worst
from edge_agent.drivers.readings import DeviceFailure, TemperatureReading

CODE = "TEMP_SENSOR"
SOURCE = "probe"
GONE_SECONDS = 3_600.0
"""A probe that neither told nor failed anything for so long is fitted no more."""

Heard = TemperatureReading | DeviceFailure


class ProbeMemory(msgspec.Struct, frozen=True):
    """What the rule remembers of one probe; `changed_at` is when its value last moved."""

    streak: Streak = Streak()
    failed_polls: int = 0
    values: tuple[float, float | None] | None = None
    changed_at: float | None = None
    out_of_range: bool = False


class SensorMemory(msgspec.Struct, frozen=True):
    """The probes of one compartment, by device."""

    probes: dict[str, ProbeMemory] = {}


def compartments(heard: Heard) -> tuple[str, ...]:
    """Compartments whose air this tells of, or fails to; a controller also names its door."""
    if isinstance(heard, TemperatureReading):
        return (heard.part,)
    if heard.kind == "temperature":
        return heard.parts
    return heard.parts[:1] if heard.kind == "refrigeration" else ()


def observed(memory: SensorMemory, _part: str, heard: Heard, look: Look) -> SensorMemory:
    """Add a reading of one probe, or a poll of it that brought nothing."""
    probe = memory.probes.get(heard.device, ProbeMemory())
    if isinstance(heard, DeviceFailure):
        probe = _failed(probe, heard)
    else:
        probe = _told(probe, heard, look.thresholds)
    fitted = {
        name: known
        for name, known in memory.probes.items()
        if heard.at_elapsed - (known.streak.seen_at or 0.0) <= GONE_SECONDS
    }
    return SensorMemory({**fitted, heard.device: probe})


def judged(memory: SensorMemory, part: str, look: Look) -> Verdict:
    """Judge the probes of a compartment by the worst of them."""
    return worst(_judged(probe, part, look) for probe in memory.probes.values())


def _told(probe: ProbeMemory, reading: TemperatureReading, thresholds: Thresholds) -> ProbeMemory:
    at, values = reading.at_elapsed, (reading.celsius, reading.humidity_percent)
    changed_at = probe.changed_at
    if changed_at is None or values != probe.values or probe.streak.has_gap(at):
        changed_at = at  # nobody saw it stand still while it was not read
    is_good = is_plausible(reading, thresholds)
    is_frozen = at - changed_at >= thresholds.temp_sensor_frozen_seconds
    streak = probe.streak.extended(at, bad=not is_good, good=is_good and not is_frozen)
    return ProbeMemory(streak, 0, values, changed_at, not is_good)


def _failed(probe: ProbeMemory, failure: DeviceFailure) -> ProbeMemory:
    streak = probe.streak.extended(failure.at_elapsed, bad=True, good=False)
    return msgspec.structs.replace(probe, streak=streak, failed_polls=failure.consecutive)


def _judged(probe: ProbeMemory, part: str, look: Look) -> Verdict:
    limits, began_at = look.thresholds, probe.streak.bad_at or 0.0
    silent = probe.failed_polls >= limits.comm_failed_polls
    if silent and probe.streak.bad_for(limits.comm_hold_seconds):
        return _bad(part, began_at, probe.failed_polls, limits.comm_failed_polls, "silent", look)
    if probe.out_of_range and probe.streak.bad_for(limits.temp_sensor_hold_seconds):
        celsius, limit = _range_broken(probe, limits)
        return _bad(part, began_at, celsius, limit, "out_of_range", look)
    if (still := _still_seconds(probe)) >= limits.temp_sensor_frozen_seconds:
        began_at = probe.changed_at or 0.0
        return _bad(part, began_at, still, limits.temp_sensor_frozen_seconds, "frozen", look)
    is_good = probe.streak.good_for(limits.temp_sensor_clear_seconds)
    condition = Condition.GOOD if is_good else Condition.UNDECIDED
    return Verdict(CODE, part, condition, source=SOURCE)


def _bad(
    part: str, began_at: float, reading: float, limit: float, cause: str, look: Look
) -> Verdict:
    severity = worse_if_perishable(CODE, look)
    bad = Condition.BAD
    return Verdict(CODE, part, bad, severity, began_at, reading, limit, cause, SOURCE)


def _range_broken(probe: ProbeMemory, thresholds: Thresholds) -> tuple[float, float]:
    celsius = probe.values[0] if probe.values else 0.0
    low, high = thresholds.temp_sensor_low_celsius, thresholds.temp_sensor_high_celsius
    return celsius, low if celsius <= low else high


def _still_seconds(probe: ProbeMemory) -> float:
    """Tell how long readings have come without a change; failed polls show nothing."""
    seen_at = probe.streak.seen_at
    if probe.failed_polls or probe.changed_at is None or seen_at is None:
        return 0.0
    return seen_at - probe.changed_at


RULE = Rule(CODE, SensorMemory, (TemperatureReading, DeviceFailure), compartments, observed, judged)
