"""TEMP_SAFETY_HOLD: perishable goods were, or may have been, too warm. Latched.

Warm is judged by the running mean. Three ways in (hardware reference, 2.1 and 6.2): too warm for
too long outside restock grace; too warm at a checkpoint after the service door closed (profiles
`fda`, `nama`); no temperature known for too long, be it a dead probe or a power cut. It never
judges GOOD: only a person ends it.
"""

import msgspec

from edge_agent.detection.air import Air
from edge_agent.detection.restock import Restock
from edge_agent.detection.streaks import Streak
from edge_agent.detection.thresholds import Checkpoint, Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from protocol.faults import Severity

CODE = "TEMP_SAFETY_HOLD"


class HoldMemory(msgspec.Struct, frozen=True):
    """What the rule remembers of one compartment; `known_at` is when the air was last known."""

    known_at: float
    excess: Streak = Streak()
    mean_celsius: float | None = None
    grace_at: float | None = None
    checkpoints_done: int = 0
    missed: Checkpoint | None = None
    missed_celsius: float | None = None
    missed_at: float | None = None


def observed(memory: HoldMemory, air: Air, restock: Restock, thresholds: Thresholds) -> HoldMemory:
    """Add the mean as it now is."""
    is_excess = air.mean_celsius > thresholds.hold_limit_celsius
    is_bad = is_excess and not restock.forgives(air.seen_at, thresholds)
    memory = msgspec.structs.replace(
        memory,
        known_at=air.seen_at,
        mean_celsius=air.mean_celsius,
        excess=memory.excess.extended(air.seen_at, bad=is_bad, good=not is_excess),
    )
    return _past_checkpoints(memory, air, restock, thresholds)


def judged(part: str, memory: HoldMemory, elapsed: float, thresholds: Thresholds) -> Verdict:
    """Judge perishable goods in the compartment; `elapsed` shows how long it was not read."""
    unknown_seconds = elapsed - memory.known_at
    if unknown_seconds >= thresholds.hold_unknown_seconds:
        return unread(part, unknown_seconds, elapsed, thresholds.hold_unknown_seconds)
    celsius = memory.mean_celsius
    if memory.excess.bad_for(thresholds.hold_excess_seconds):
        began_at = memory.excess.bad_at or 0.0
        return _bad(part, began_at, celsius, thresholds.hold_limit_celsius, "too_warm_too_long")
    if memory.missed is not None:
        began_at = memory.missed_at or 0.0
        limit = memory.missed.limit_celsius
        return _bad(part, began_at, memory.missed_celsius, limit, "too_warm_after_service")
    return Verdict(CODE, part, Condition.UNDECIDED)


def unread(part: str, seconds: float, elapsed: float, limit_seconds: float) -> Verdict:
    """Judge a compartment whose temperature was not read for so long until `elapsed`."""
    return _bad(part, elapsed - seconds, seconds, limit_seconds, "temperature_unknown")


def released(memory: HoldMemory, elapsed: float) -> HoldMemory:
    """Start afresh after a person inspected the goods; checkpoints of that service are settled."""
    return HoldMemory(
        known_at=elapsed, grace_at=memory.grace_at, checkpoints_done=memory.checkpoints_done
    )


def _past_checkpoints(
    memory: HoldMemory, air: Air, restock: Restock, thresholds: Thresholds
) -> HoldMemory:
    """Check each checkpoint once, at the first reading after its time."""
    if restock.grace_at != memory.grace_at:
        memory = msgspec.structs.replace(memory, grace_at=restock.grace_at, checkpoints_done=0)
    if restock.grace_at is None or restock.in_service:
        return memory
    for checkpoint in thresholds.hold_checkpoints[memory.checkpoints_done :]:
        if air.seen_at - restock.grace_at < checkpoint.after_seconds:
            break
        memory = _past(memory, checkpoint, air)
    return memory


def _past(memory: HoldMemory, checkpoint: Checkpoint, air: Air) -> HoldMemory:
    memory = msgspec.structs.replace(memory, checkpoints_done=memory.checkpoints_done + 1)
    if air.mean_celsius <= checkpoint.limit_celsius:
        return memory
    return msgspec.structs.replace(
        memory, missed=checkpoint, missed_celsius=air.mean_celsius, missed_at=air.seen_at
    )


def _bad(part: str, began_at: float, reading: float | None, limit: float, cause: str) -> Verdict:
    shown = None if reading is None else round(reading, 2)
    return Verdict(
        CODE,
        part,
        Condition.BAD,
        severity=Severity.C,
        began_at=began_at,
        reading=shown,
        limit=limit,
        cause=cause,
    )
