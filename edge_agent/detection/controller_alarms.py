"""Alarms that a refrigeration controller raises by itself: probe, condenser, defrost.

TEMP_SENSOR while it calls its probe faulty. CONDENSER_HOT while the condenser is; the third time
in 24 h it stays until somebody looked. EVAPORATOR_ICED from a defrost that ran out of time until
one that did not. The controller holds its alarms itself, so one reading is enough.
"""

import msgspec

from edge_agent.detection.moments import Moments
from edge_agent.detection.rule import Look, Rule, by_streak, its_part, worse_if_perishable
from edge_agent.detection.streaks import READING_GAP_SECONDS, Streak
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import RefrigerationAlarm, RefrigerationReading
from protocol.faults import CATALOGUE

SENSOR = "TEMP_SENSOR"
CONDENSER = "CONDENSER_HOT"
ICED = "EVAPORATOR_ICED"


def probe_observed(
    streak: Streak, _part: str, reading: RefrigerationReading, _look: Look
) -> Streak:
    """Add whether the controller calls its probe faulty."""
    bad = RefrigerationAlarm.PROBE_FAULT in reading.alarms
    return streak.extended(reading.at_elapsed, bad=bad, good=not bad)


def probe_judged(streak: Streak, part: str, look: Look) -> Verdict:
    """Judge the controller's probe."""
    return by_streak(
        SENSOR,
        part,
        streak,
        hold_seconds=0.0,
        clear_seconds=look.thresholds.temp_sensor_clear_seconds,
        severity=worse_if_perishable(SENSOR, look),
        cause="controller_alarm",
        source="controller",
    )


class CondenserMemory(msgspec.Struct, frozen=True):
    """How long the condenser is hot, and when it became so."""

    streak: Streak = Streak()
    became: Moments = Moments()


def condenser_observed(
    memory: CondenserMemory, _part: str, reading: RefrigerationReading, _look: Look
) -> CondenserMemory:
    """Add whether the condenser is hot."""
    hot = RefrigerationAlarm.CONDENSER_HOT in reading.alarms
    at = reading.at_elapsed
    became = memory.became.plus(at) if hot and memory.streak.bad_at is None else memory.became
    return CondenserMemory(memory.streak.extended(at, bad=hot, good=not hot), became)


def condenser_judged(memory: CondenserMemory, part: str, look: Look) -> Verdict:
    """Judge the condenser; the third time in the window is latched."""
    times = memory.became.within(look.at, look.thresholds.condenser_window_seconds)
    return by_streak(
        CONDENSER,
        part,
        memory.streak,
        hold_seconds=0.0,
        clear_seconds=0.0,
        reading=times,
        limit=look.thresholds.condenser_episodes,
        cause="controller_alarm",
        latch=times >= look.thresholds.condenser_episodes,
    )


class DefrostMemory(msgspec.Struct, frozen=True):
    """Whether a defrost runs, may still end well (`running`), and how the last one ended."""

    defrosting: bool = False
    running: bool = False
    seen_at: float | None = None
    iced: bool = False
    iced_at: float | None = None
    ended_well: bool = False


def defrost_observed(
    memory: DefrostMemory, _part: str, reading: RefrigerationReading, _look: Look
) -> DefrostMemory:
    """Add whether a defrost runs or timed out; one that did while it ran does not end well."""
    at, defrosting = reading.at_elapsed, bool(reading.defrosting)
    watched = memory.seen_at is None or at - memory.seen_at <= READING_GAP_SECONDS
    may_end_well = defrosting and (memory.running or not memory.defrosting)
    if RefrigerationAlarm.DEFROST_TIMEOUT in reading.alarms:
        iced_at = memory.iced_at if memory.iced else at
        running = memory.iced and may_end_well
        return DefrostMemory(defrosting, running, at, iced=True, iced_at=iced_at)
    if defrosting:
        return msgspec.structs.replace(memory, defrosting=True, running=may_end_well, seen_at=at)
    well = (memory.running and watched) or memory.ended_well
    iced = memory.iced and not well
    return DefrostMemory(seen_at=at, iced=iced, iced_at=memory.iced_at, ended_well=well)


def defrost_judged(memory: DefrostMemory, part: str, _look: Look) -> Verdict:
    """Judge the evaporator by its last defrost."""
    if memory.iced:
        return Verdict(
            ICED,
            part,
            Condition.BAD,
            severity=CATALOGUE[ICED].severity,
            began_at=memory.iced_at or 0.0,
            cause="defrost_timeout",
        )
    return Verdict(ICED, part, Condition.GOOD if memory.ended_well else Condition.UNDECIDED)


_READINGS = (RefrigerationReading,)
RULES = (
    Rule("CONTROLLER_PROBE", Streak, _READINGS, its_part, probe_observed, probe_judged),
    Rule(CONDENSER, CondenserMemory, _READINGS, its_part, condenser_observed, condenser_judged),
    Rule(ICED, DefrostMemory, _READINGS, its_part, defrost_observed, defrost_judged),
)
