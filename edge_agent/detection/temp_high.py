"""TEMP_HIGH: the mean air temperature above the alarm limit for 10 min, outside restock grace.

Clears below the limit less 1 C for 10 min. A defrost warms the air on purpose and does not count.
It warns of the food-safety hold, which counts 15 and forgives no defrost.
"""

import msgspec

from edge_agent.detection.air import Air
from edge_agent.detection.streaks import READING_GAP_SECONDS, Streak
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from protocol.faults import Severity

CODE = "TEMP_HIGH"


class Defrost(msgspec.Struct, frozen=True):
    """When a controller last told that a defrost runs."""

    told_at: float

    def runs(self, at: float) -> bool:
        """Say whether it still runs, as far as anybody knows."""
        return at - self.told_at <= READING_GAP_SECONDS


def observed(streak: Streak, air: Air, thresholds: Thresholds, *, forgiven: bool) -> Streak:
    """Add the mean as it now is."""
    limit = thresholds.temp_high_celsius
    is_bad = air.mean_celsius > limit and not forgiven
    is_good = air.mean_celsius < limit - thresholds.temp_high_hysteresis_celsius
    return streak.extended(air.seen_at, bad=is_bad, good=is_good)


def judged(part: str, streak: Streak, air: Air, thresholds: Thresholds) -> Verdict:
    """Judge the compartment by how long it has been warm or cool."""
    if streak.bad_for(thresholds.temp_high_hold_seconds):
        return Verdict(
            CODE,
            part,
            Condition.BAD,
            severity=Severity.M,
            began_at=streak.bad_at or 0.0,
            reading=round(air.mean_celsius, 2),
            limit=thresholds.temp_high_celsius,
            cause="warm",
        )
    is_good = streak.good_for(thresholds.temp_high_clear_seconds)
    return Verdict(CODE, part, Condition.GOOD if is_good else Condition.UNDECIDED)
