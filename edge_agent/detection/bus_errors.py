"""BUS_ERRORS: more than 5 % of a bus's answers broken in 10 min; clears under 1 % for 30 min.

Drivers ask again, so nobody notices a bad cable until it fails; this does.
"""

import msgspec

from edge_agent.detection.rule import Look, Rule
from edge_agent.detection.streaks import READING_GAP_SECONDS
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import BusReading
from protocol.faults import CATALOGUE

CODE = "BUS_ERRORS"
PERCENT = 100.0
BUCKETS = 10
"""The window is kept in tenths; a tenth more or less does not matter to a cable."""
ASKED_MIN = 20
"""Fewer questions say nothing in percent: one lost answer would be a fault, none would clear it."""


class Bucket(msgspec.Struct, frozen=True):
    """Counts of a tenth of the window, from `began_at` on."""

    began_at: float
    asked: int = 0
    broken: int = 0


class BusMemory(msgspec.Struct, frozen=True):
    """The tenths of the window, oldest first; since when it is counted, and calm."""

    buckets: tuple[Bucket, ...] = ()
    since_at: float | None = None
    calm_at: float | None = None
    seen_at: float = 0.0


def _bus(reading: BusReading) -> tuple[str, ...]:
    return (reading.bus,)


def observed(memory: BusMemory, _bus: str, reading: BusReading, look: Look) -> BusMemory:
    """Add the counts of some seconds."""
    at, window = reading.at_elapsed, look.thresholds.bus_errors_window_seconds
    kept = [bucket for bucket in memory.buckets if at - bucket.began_at < window]
    if not kept or at - kept[-1].began_at >= window / BUCKETS:
        kept.append(Bucket(at))
    last = kept[-1]
    kept[-1] = Bucket(last.began_at, last.asked + reading.asked, last.broken + reading.broken)
    buckets = tuple(kept)
    percent = _percent(buckets)
    calm = percent is not None and percent < look.thresholds.bus_calm_percent
    if at - memory.seen_at > READING_GAP_SECONDS:
        memory = BusMemory()  # nobody counted meanwhile
    since_at = at if memory.since_at is None else memory.since_at
    calm_at = (at if memory.calm_at is None else memory.calm_at) if calm else None
    return BusMemory(buckets, since_at, calm_at, at)


def judged(memory: BusMemory, bus: str, look: Look) -> Verdict:
    """Judge the cable."""
    limits = look.thresholds
    percent = _percent(memory.buckets)
    counted_for = 0.0 if memory.since_at is None else memory.seen_at - memory.since_at
    whole = counted_for >= limits.bus_errors_window_seconds
    if whole and percent is not None and percent > limits.bus_errors_percent:
        return Verdict(
            CODE,
            bus,
            Condition.BAD,
            CATALOGUE[CODE].severity,
            memory.buckets[0].began_at,
            round(percent, 1),
            limits.bus_errors_percent,
            "broken_answers",
        )
    calm_for = 0.0 if memory.calm_at is None else memory.seen_at - memory.calm_at
    is_good = memory.calm_at is not None and calm_for >= limits.bus_calm_seconds
    return Verdict(CODE, bus, Condition.GOOD if is_good else Condition.UNDECIDED)


def _percent(buckets: tuple[Bucket, ...]) -> float | None:
    asked = sum(bucket.asked for bucket in buckets)
    broken = sum(bucket.broken for bucket in buckets)
    return broken * PERCENT / asked if asked >= ASKED_MIN else None


RULE = Rule(CODE, BusMemory, (BusReading,), _bus, observed, judged)
