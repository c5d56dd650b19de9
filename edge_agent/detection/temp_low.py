"""TEMP_LOW: the mean air temperature below 0 C for 20 min: goods may freeze. Clears above 1 C."""

from edge_agent.detection.air import is_plausible
from edge_agent.detection.rule import Look, Rule, by_streak, its_part
from edge_agent.detection.streaks import Streak
from edge_agent.detection.verdicts import Verdict
from edge_agent.drivers.readings import TemperatureReading

CODE = "TEMP_LOW"


def observed(streak: Streak, part: str, reading: TemperatureReading, look: Look) -> Streak:
    """Add the mean as this reading left it."""
    air = look.air.get(part)
    if air is None or not is_plausible(reading, look.thresholds):
        return streak
    low, clear = look.thresholds.temp_low_celsius, look.thresholds.temp_low_clear_celsius
    celsius = air.mean_celsius
    return streak.extended(reading.at_elapsed, bad=celsius < low, good=celsius > clear)


def judged(streak: Streak, part: str, look: Look) -> Verdict:
    """Judge the compartment by how long it has been cold."""
    air = look.air.get(part)
    return by_streak(
        CODE,
        part,
        streak,
        hold_seconds=look.thresholds.temp_low_hold_seconds,
        clear_seconds=look.thresholds.temp_low_clear_seconds,
        reading=None if air is None else round(air.mean_celsius, 2),
        limit=look.thresholds.temp_low_celsius,
        cause="cold",
    )


RULE = Rule(CODE, Streak, (TemperatureReading,), its_part, observed, judged)
