"""LOCK_NOT_LATCHED, DOOR_SENSOR: the reed on the door beside the latch of its lock.

Door shut but latch out for 20 s: it can be pulled open; clears when latched for 10 s; muted in
service. Latch in with the door open for 60 s cannot be, so one of the two lies; so does one that
chatters, more than 20 edges a minute. Clears after 10 min without either. What one of the two
showed before it fell silent says nothing beside the other.
"""

import msgspec

from edge_agent.detection.moments import Moments
from edge_agent.detection.rule import Look, Rule, by_streak
from edge_agent.detection.streaks import READING_GAP_SECONDS, Streak
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DoorReading, InputReading, InputRole
from protocol.faults import CATALOGUE

NOT_LATCHED, SENSOR = "LOCK_NOT_LATCHED", "DOOR_SENSOR"


class FeedbackMemory(msgspec.Struct, frozen=True):
    """What reed and latch say, for how long they have not fitted, and their edges."""

    shut: bool | None = None
    shut_seen_at: float = 0.0
    latched: bool | None = None
    latched_seen_at: float = 0.0
    unlatched: Streak = Streak()
    disagree: Streak = Streak()
    edges: Moments = Moments()


def doors(reading: DoorReading | InputReading) -> tuple[str, ...]:
    """Door that a latch or a reed tells of."""
    if isinstance(reading, DoorReading):
        return (reading.door,)
    return (reading.part,) if reading.role is InputRole.DOOR_CLOSED else ()


def observed(
    memory: FeedbackMemory, _door: str, reading: DoorReading | InputReading, look: Look
) -> FeedbackMemory:
    """Add what one of the two shows."""
    at = reading.at_elapsed
    shut, shut_at = memory.shut, memory.shut_seen_at
    latched, latched_at = memory.latched, memory.latched_seen_at
    if isinstance(reading, InputReading):
        shut, shut_at = reading.active, at
    elif reading.state is not DoorState.UNKNOWN:
        latched, latched_at = reading.state is DoorState.CLOSED, at
    moved = (memory.shut is not None and shut != memory.shut) or (
        memory.latched is not None and latched != memory.latched
    )
    edges = memory.edges.plus(at) if moved else memory.edges.started(at)
    unlatched, disagree = memory.unlatched.watched(at), memory.disagree.watched(at)
    beside = abs(shut_at - latched_at) <= READING_GAP_SECONDS
    if shut is not None and latched is not None and beside:
        can_be_pulled = shut and not latched and not look.in_service
        unlatched = unlatched.extended(at, bad=can_be_pulled, good=latched)
        lies = latched and not shut
        disagree = disagree.extended(at, bad=lies, good=not lies)
    return FeedbackMemory(shut, shut_at, latched, latched_at, unlatched, disagree, edges)


def latch_judged(memory: FeedbackMemory, door: str, look: Look) -> Verdict:
    """Judge whether a shut door is also held."""
    return by_streak(
        NOT_LATCHED,
        door,
        memory.unlatched,
        hold_seconds=look.thresholds.latch_open_seconds,
        clear_seconds=look.thresholds.latch_closed_seconds,
        cause="shut_not_latched",
    )


def sensor_judged(memory: FeedbackMemory, door: str, look: Look) -> Verdict:
    """Judge whether both can be believed."""
    limits = look.thresholds
    edges = memory.edges.within(look.at, limits.door_edges_window_seconds)
    if edges > limits.door_edges:
        began_at = look.at - limits.door_edges_window_seconds
        severity = CATALOGUE[SENSOR].severity
        bad = Condition.BAD
        return Verdict(SENSOR, door, bad, severity, began_at, edges, limits.door_edges, "chatter")
    verdict = by_streak(
        SENSOR,
        door,
        memory.disagree,
        hold_seconds=limits.door_disagree_seconds,
        clear_seconds=limits.door_agree_seconds,
        cause="latched_but_open",
    )
    if verdict.condition is Condition.BAD:
        return verdict
    agree = memory.disagree.seen_at is None or verdict.condition is Condition.GOOD
    calm = memory.edges.quiet_for(look.at, limits.door_agree_seconds, most=limits.door_edges)
    return Verdict(SENSOR, door, Condition.GOOD if agree and calm else Condition.UNDECIDED)


def restored(memory: FeedbackMemory) -> FeedbackMemory:
    """Forget what both showed: the door may stand otherwise by now, which is no edge."""
    return msgspec.structs.replace(memory, shut=None, latched=None)


_READINGS = (DoorReading, InputReading)
RULES = tuple(
    Rule(code, FeedbackMemory, _READINGS, doors, observed, judged, restored=restored)
    for code, judged in ((NOT_LATCHED, latch_judged), (SENSOR, sensor_judged))
)
