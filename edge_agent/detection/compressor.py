"""COMPRESSOR_FAIL, COMPRESSOR_SHORT_CYCLE, TEMP_TREND: what the relay and the air say together.

It fails when it runs for 4 h without reaching the set point, or does not start though the air has
long been warmer (AoFrio SCS, "refrigeration failure", hardware reference 2.2). More than 10 starts
an hour wear it out. Air that falls by less than 0.5 C/h while it runs above the set point is a
trend: a leak, ice or a dirty condenser, days before the goods get warm. A defrost warms the air on
purpose and a service lets it in, so neither counts; nor does time that nobody watched.
"""

import msgspec

from edge_agent.detection.moments import Moments
from edge_agent.detection.rule import Look, Rule, its_part
from edge_agent.detection.streaks import READING_GAP_SECONDS, Streak
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import RefrigerationReading
from protocol.faults import CATALOGUE

FAIL, SHORT_CYCLE, TREND = "COMPRESSOR_FAIL", "COMPRESSOR_SHORT_CYCLE", "TEMP_TREND"
HOUR_SECONDS = 3_600.0


class CompressorMemory(msgspec.Struct, frozen=True):
    """Since when it works in vain (`running`) or is wanted in vain (`wanted`); its starts."""

    running: Streak = Streak()
    wanted: Streak = Streak()
    on: bool | None = None
    starts: Moments = Moments()
    above_celsius: float | None = None


def observed(
    memory: CompressorMemory, part: str, reading: RefrigerationReading, look: Look
) -> CompressorMemory:
    """Add the relay and the air."""
    at, on = reading.at_elapsed, reading.compressor_on
    starts = memory.starts.started(at)
    if on and memory.on is False:
        starts = starts.plus(at)
    above = above_set_point(part, reading, look)
    running, wanted = memory.running.watched(at), memory.wanted.watched(at)
    if on is None or above is None or reading.defrosting or look.forgiven:
        return CompressorMemory(running, wanted, on, starts, above)
    reached = above <= 0.0
    warm = above > look.thresholds.compressor_demand_celsius
    return CompressorMemory(
        running.extended(at, bad=on and not reached, good=reached),
        wanted.extended(at, bad=not on and warm, good=on or reached),
        on,
        starts,
        above,
    )


def above_set_point(part: str, reading: RefrigerationReading, look: Look) -> float | None:
    """Degrees the mean is above the set point; None while no air is known."""
    air = look.air.get(part)
    if air is None or reading.at_elapsed - air.seen_at > READING_GAP_SECONDS:
        return None
    told = reading.set_point_celsius
    set_point = look.thresholds.temp_set_point_celsius if told is None else told
    return air.mean_celsius - set_point


def fail_judged(memory: CompressorMemory, part: str, look: Look) -> Verdict:
    """Judge whether the compressor does its work."""
    limits = look.thresholds
    for streak, limit, cause in (
        (memory.running, limits.compressor_run_seconds, "runs_in_vain"),
        (memory.wanted, limits.compressor_demand_seconds, "does_not_start"),
    ):
        if streak.bad_for(limit):
            return Verdict(
                FAIL,
                part,
                Condition.BAD,
                severity=CATALOGUE[FAIL].severity,
                began_at=streak.bad_at or 0.0,
                reading=memory.above_celsius and round(memory.above_celsius, 2),
                limit=limit,
                cause=cause,
            )
    reached = memory.running.good_at is not None
    return Verdict(FAIL, part, Condition.GOOD if reached else Condition.UNDECIDED)


def short_cycle_judged(memory: CompressorMemory, part: str, look: Look) -> Verdict:
    """Judge how often it starts."""
    limits = look.thresholds
    starts = memory.starts.within(look.at, limits.compressor_window_seconds)
    if starts > limits.compressor_starts:
        return Verdict(
            SHORT_CYCLE,
            part,
            Condition.BAD,
            severity=CATALOGUE[SHORT_CYCLE].severity,
            began_at=look.at - limits.compressor_window_seconds,
            reading=starts,
            limit=limits.compressor_starts,
            cause="starts",
        )
    # Fewer than 6 an hour for 2 h.
    most = int((limits.compressor_calm_starts - 1) * _hours(look))
    calm = memory.starts.quiet_for(look.at, limits.compressor_calm_seconds, most=most)
    return Verdict(SHORT_CYCLE, part, Condition.GOOD if calm else Condition.UNDECIDED)


def _hours(look: Look) -> float:
    limits = look.thresholds
    return limits.compressor_calm_seconds / limits.compressor_window_seconds


class TrendMemory(msgspec.Struct, frozen=True):
    """Mean at the start of the stretch of cooling that is looked at, and how it went before."""

    from_at: float | None = None
    from_celsius: float = 0.0
    celsius_per_hour: float | None = None
    slow: bool = False
    slow_at: float | None = None
    good_at: float | None = None
    seen_at: float | None = None


def trend_observed(
    memory: TrendMemory, part: str, reading: RefrigerationReading, look: Look
) -> TrendMemory:
    """Add the air; a stretch ends when cooling does, and is judged when it is a window long."""
    above, at = above_set_point(part, reading, look), reading.at_elapsed
    if memory.seen_at is not None and at - memory.seen_at > READING_GAP_SECONDS:
        memory = msgspec.structs.replace(memory, from_at=None, good_at=None)
    cooling = reading.compressor_on and not reading.defrosting and not look.forgiven
    if above is None or not cooling or above <= look.thresholds.temp_high_hysteresis_celsius:
        reached = above is not None and above <= 0.0
        good_at = (at if memory.good_at is None else memory.good_at) if reached else memory.good_at
        slow = memory.slow and not reached
        return msgspec.structs.replace(memory, from_at=None, seen_at=at, good_at=good_at, slow=slow)
    celsius = look.air[part].mean_celsius
    if memory.from_at is None:
        return msgspec.structs.replace(memory, from_at=at, from_celsius=celsius, seen_at=at)
    lasted = at - memory.from_at
    if lasted < look.thresholds.temp_trend_window_seconds:
        return msgspec.structs.replace(memory, seen_at=at)
    fell = (memory.from_celsius - celsius) * HOUR_SECONDS / lasted
    slow = fell < look.thresholds.temp_trend_celsius_per_hour
    return TrendMemory(
        from_at=at,
        from_celsius=celsius,
        celsius_per_hour=round(fell, 2),
        slow=slow,
        slow_at=(memory.slow_at if memory.slow else memory.from_at) if slow else None,
        good_at=None if slow else (memory.from_at if memory.good_at is None else memory.good_at),
        seen_at=at,
    )


def trend_judged(memory: TrendMemory, part: str, look: Look) -> Verdict:
    """Judge how fast the air falls."""
    if memory.slow:
        return Verdict(
            TREND,
            part,
            Condition.BAD,
            severity=CATALOGUE[TREND].severity,
            began_at=memory.slow_at or 0.0,
            reading=memory.celsius_per_hour,
            limit=look.thresholds.temp_trend_celsius_per_hour,
            cause="cools_slowly",
        )
    good_for = None if memory.good_at is None else (memory.seen_at or 0.0) - memory.good_at
    is_good = good_for is not None and good_for >= look.thresholds.temp_trend_clear_seconds
    return Verdict(TREND, part, Condition.GOOD if is_good else Condition.UNDECIDED)


_READINGS = (RefrigerationReading,)
RULES = (
    Rule(FAIL, CompressorMemory, _READINGS, its_part, observed, fail_judged),
    Rule(SHORT_CYCLE, CompressorMemory, _READINGS, its_part, observed, short_cycle_judged),
    Rule(TREND, TrendMemory, _READINGS, its_part, trend_observed, trend_judged),
)
