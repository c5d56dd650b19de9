"""SCALE_FAIL, SCALE_DRIFT: scales that cannot weigh, or whose zero moves behind a shut door.

Fail: converter at its rail, over capacity, no weight, or never stable for a minute with the door
shut; clears after 5 good minutes. In service somebody may lean on a shelf. Drift: more than 20 g
away for 30 min from what it showed when the door was shut; goods do not move there by themselves. A
new door opening begins anew.
"""

import msgspec

from edge_agent.detection.rule import Look, Rule, by_streak, its_part
from edge_agent.detection.streaks import Streak
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import WeightReading

FAIL, DRIFT = "SCALE_FAIL", "SCALE_DRIFT"
SWING_SECONDS = 5.0
"""Goods swing for a moment after the door was shut; the weight of before does not count."""


class FailMemory(msgspec.Struct, frozen=True):
    """For how long it has shown no weight, and none at rest."""

    blind: Streak = Streak()
    restless: Streak = Streak()


def fail_observed(memory: FailMemory, _part: str, reading: WeightReading, look: Look) -> FailMemory:
    """Add a reading."""
    at = reading.at_elapsed
    blind = reading.grams is None or reading.at_rail or reading.over_capacity
    restless = reading.stable is False and look.shut_at is not None
    blinded = blind and not look.in_service
    return FailMemory(
        memory.blind.extended(at, bad=blinded, good=not blind and not restless),
        memory.restless.extended(at, bad=restless, good=reading.stable is not False),
    )


def fail_judged(memory: FailMemory, part: str, look: Look) -> Verdict:
    """Judge the scale."""
    limits = look.thresholds
    restless = by_streak(
        FAIL,
        part,
        memory.restless,
        hold_seconds=limits.scale_unstable_seconds,
        clear_seconds=limits.scale_good_seconds,
        cause="never_stable",
    )
    if restless.condition is Condition.BAD:
        return restless
    return by_streak(
        FAIL,
        part,
        memory.blind,
        hold_seconds=limits.scale_fail_seconds,
        clear_seconds=limits.scale_good_seconds,
        cause="no_weight",
    )


class DriftMemory(msgspec.Struct, frozen=True):
    """Weight when the door was shut (`shut_at`), and how long it has been off that."""

    shut_at: float | None = None
    settled_grams: float | None = None
    off_grams: float = 0.0
    streak: Streak = Streak()


def drift_observed(
    memory: DriftMemory, _part: str, reading: WeightReading, look: Look
) -> DriftMemory:
    """Add a reading; only what is weighed at rest behind a shut door counts."""
    shut_at = look.shut_at
    if shut_at is None or shut_at != memory.shut_at:
        memory = DriftMemory(shut_at=shut_at)
    if shut_at is None or reading.grams is None or reading.stable is False:
        return memory
    if memory.settled_grams is None:
        swings = reading.at_elapsed - shut_at < SWING_SECONDS
        return DriftMemory(shut_at, None if swings else reading.grams)
    off = abs(reading.grams - memory.settled_grams)
    bad = off > look.thresholds.scale_drift_grams
    streak = memory.streak.extended(reading.at_elapsed, bad=bad, good=not bad)
    return DriftMemory(memory.shut_at, memory.settled_grams, off, streak)


def drift_judged(memory: DriftMemory, part: str, look: Look) -> Verdict:
    """Judge the zero; a door opened and shut again weighed everything anew."""
    verdict = by_streak(
        DRIFT,
        part,
        memory.streak,
        hold_seconds=look.thresholds.scale_drift_seconds,
        clear_seconds=0.0,
        reading=round(memory.off_grams, 1),
        limit=look.thresholds.scale_drift_grams,
        cause="zero_moved",
    )
    fresh = memory.settled_grams is not None and memory.streak.seen_at is None
    return Verdict(DRIFT, part, Condition.GOOD) if fresh else verdict


_READINGS = (WeightReading,)
RULES = (
    Rule(FAIL, FailMemory, _READINGS, its_part, fail_observed, fail_judged),
    Rule(DRIFT, DriftMemory, _READINGS, its_part, drift_observed, drift_judged),
)
