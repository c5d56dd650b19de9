"""POWER_LOST, POWER_BACK, BACKUP_BATTERY, TAMPER_TILT: digital inputs as faults, rows of data.

The inputs are debounced already; the holds here are what the catalogue asks for. A loss of mains
keeps its children from being raised (the engine of episodes does), never the food-safety hold.
A technician inside may tilt the cabinet.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from edge_agent.detection.rule import Look, Rule, by_streak
from edge_agent.detection.streaks import Streak
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import InputReading, InputRole
from protocol.faults import CATALOGUE

BACK = "POWER_BACK"


@dataclass(frozen=True)
class InputFault:
    """One input as a fault: bad while it is not `good`, with its hold and clearing.

    `muted`: it does not count in service.
    """

    code: str
    role: InputRole
    good: bool
    hold_seconds: Callable[[Thresholds], float]
    clear_seconds: Callable[[Thresholds], float]
    muted: bool = False

    def rule(self) -> Rule:
        """The same as a rule."""
        return Rule(self.code, Streak, (InputReading,), self._parts, self._observed, self._judged)

    def _parts(self, reading: InputReading) -> tuple[str, ...]:
        return (reading.part,) if reading.role is self.role else ()

    def _observed(self, streak: Streak, _part: str, reading: InputReading, look: Look) -> Streak:
        good = reading.active is self.good
        bad = not good and not (self.muted and look.in_service)
        return streak.extended(reading.at_elapsed, bad=bad, good=good)

    def _judged(self, streak: Streak, part: str, look: Look) -> Verdict:
        return by_streak(
            self.code,
            part,
            streak,
            hold_seconds=self.hold_seconds(look.thresholds),
            clear_seconds=self.clear_seconds(look.thresholds),
            cause=f"not_{self.role}" if self.good else str(self.role),
        )


FAULTS = (
    InputFault(
        "POWER_LOST",
        InputRole.MAINS_PRESENT,
        good=True,
        hold_seconds=lambda limits: limits.mains_lost_seconds,
        clear_seconds=lambda limits: limits.mains_back_seconds,
    ),
    InputFault(
        "BACKUP_BATTERY",
        InputRole.BACKUP_BATTERY_GOOD,
        good=True,
        hold_seconds=lambda limits: limits.battery_bad_seconds,
        clear_seconds=lambda limits: limits.battery_good_seconds,
    ),
    InputFault(
        "TAMPER_TILT",
        InputRole.TILTED,
        good=False,
        hold_seconds=lambda limits: limits.tilt_seconds,
        clear_seconds=lambda limits: limits.tilt_seconds,
        muted=True,
    ),
)


class BackMemory(msgspec.Struct, frozen=True):
    """Since when mains is away, when it was so last, or when it came back."""

    away_at: float | None = None
    away_seen_at: float = 0.0
    back_at: float | None = None


def _mains(reading: InputReading) -> tuple[str, ...]:
    return (reading.part,) if reading.role is InputRole.MAINS_PRESENT else ()


def _back_observed(memory: BackMemory, _part: str, reading: InputReading, look: Look) -> BackMemory:
    at, away_at = reading.at_elapsed, memory.away_at
    if not reading.active:
        return BackMemory(at if away_at is None else away_at, at)
    # A flicker that is no loss of mains has no return either.
    hold_seconds = look.thresholds.mains_lost_seconds
    was_lost = away_at is not None and memory.away_seen_at - away_at >= hold_seconds
    return BackMemory(back_at=at if was_lost else None)


def _back_judged(memory: BackMemory, part: str, look: Look) -> Verdict:
    """Tell the return of mains as a record that ends at once."""
    if memory.back_at == look.at:
        return Verdict(BACK, part, Condition.BAD, CATALOGUE[BACK].severity, look.at, cause="back")
    return Verdict(BACK, part, Condition.GOOD)


RULES = (
    *(fault.rule() for fault in FAULTS),
    Rule(BACK, BackMemory, (InputReading,), _mains, _back_observed, _back_judged),
)
