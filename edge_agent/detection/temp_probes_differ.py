"""TEMP_SENSOR, second way: two probes of one compartment differ by more than 5 C for 10 min.

Either may be the wrong one; the goods are judged by what both together say of the mean, and a
person has to look.
"""

import msgspec

from edge_agent.detection.air import is_plausible
from edge_agent.detection.rule import Look, Rule, by_streak, its_part, worse_if_perishable
from edge_agent.detection.streaks import READING_GAP_SECONDS, Streak
from edge_agent.detection.verdicts import Verdict
from edge_agent.drivers.readings import TemperatureReading

CODE = "TEMP_SENSOR"
NAME = "TEMP_PROBES_DIFFER"


class Shown(msgspec.Struct, frozen=True):
    """What one probe showed last."""

    celsius: float
    seen_at: float


class ProbesMemory(msgspec.Struct, frozen=True):
    """What each probe of the compartment shows, and for how long they have differed."""

    probes: dict[str, Shown] = {}
    streak: Streak = Streak()
    spread_celsius: float = 0.0


def observed(
    memory: ProbesMemory, _part: str, reading: TemperatureReading, look: Look
) -> ProbesMemory:
    """Add what one probe shows; a probe long silent is left out."""
    if not is_plausible(reading, look.thresholds):
        return memory
    at = reading.at_elapsed
    probes = {
        name: shown
        for name, shown in memory.probes.items()
        if at - shown.seen_at <= READING_GAP_SECONDS
    }
    probes[reading.device] = Shown(reading.celsius, at)
    shown = [probe.celsius for probe in probes.values()]
    spread = max(shown) - min(shown)
    differ = spread > look.thresholds.temp_probes_differ_celsius
    return ProbesMemory(probes, memory.streak.extended(at, bad=differ, good=not differ), spread)


def judged(memory: ProbesMemory, part: str, look: Look) -> Verdict:
    """Judge the probes by how long they have differed."""
    return by_streak(
        CODE,
        part,
        memory.streak,
        hold_seconds=look.thresholds.temp_probes_differ_seconds,
        clear_seconds=look.thresholds.temp_sensor_clear_seconds,
        severity=worse_if_perishable(CODE, look),
        reading=round(memory.spread_celsius, 2),
        limit=look.thresholds.temp_probes_differ_celsius,
        cause="probes_differ",
        source="probes_differ",
    )


RULE = Rule(NAME, ProbesMemory, (TemperatureReading,), its_part, observed, judged)
