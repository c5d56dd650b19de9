"""LOCK_NOT_LATCHED, DOOR_SENSOR: the reed on the door beside the latch of its lock.

Door shut but latch out for 20 s: it can be pulled open; clears when latched for 10 s. Latch in
with the door open for 60 s cannot be, so one of the two lies; so does one that chatters, more than
20 edges a minute. Clears when both have agreed for 10 min.
"""

import msgspec

from edge_agent.detection.moments import Moments
from edge_agent.detection.rule import Look, Rule, by_streak
from edge_agent.detection.streaks import Streak
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DoorReading, InputReading, InputRole
from protocol.faults import CATALOGUE

NOT_LATCHED, SENSOR = "LOCK_NOT_LATCHED", "DOOR_SENSOR"


class FeedbackMemory(msgspec.Struct, frozen=True):
    """What reed and latch say, for how long they have not fitted, and their edges."""

    shut: bool | None = None
    latched: bool | None = None
    unlatched: Streak = Streak()
    disagree: Streak = Streak()
    edges: Moments = Moments()


def doors(reading: DoorReading | InputReading) -> tuple[str, ...]:
    """Door that a latch or a reed tells of."""
    if isinstance(reading, DoorReading):
        return (reading.door,)
    return (reading.part,) if reading.role is InputRole.DOOR_CLOSED else ()


def observed(
    memory: FeedbackMemory, _door: str, reading: DoorReading | InputReading, _look: Look
) -> FeedbackMemory:
    """Add what one of the two shows."""
    at = reading.at_elapsed
    shut, latched = memory.shut, memory.latched
    if isinstance(reading, InputReading):
        shut = reading.active
    elif reading.state is not DoorState.UNKNOWN:
        latched = reading.state is DoorState.CLOSED
    moved = (memory.shut is not None and shut != memory.shut) or (
        memory.latched is not None and latched != memory.latched
    )
    edges = memory.edges.plus(at) if moved else memory.edges.started(at)
    unlatched, disagree = memory.unlatched, memory.disagree
    if shut is not None and latched is not None:
        unlatched = unlatched.extended(at, bad=shut and not latched, good=latched)
        lies = latched and not shut
        disagree = disagree.extended(at, bad=lies, good=shut == latched)
    return FeedbackMemory(shut, latched, unlatched, disagree, edges)


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
    if verdict.condition is Condition.UNDECIDED and memory.disagree.bad_at is None:
        calm = memory.edges.quiet_for(look.at, limits.door_agree_seconds, most=limits.door_edges)
        return msgspec.structs.replace(
            verdict, condition=Condition.GOOD if calm else Condition.UNDECIDED
        )
    return verdict


_READINGS = (DoorReading, InputReading)
RULES = (
    Rule(NOT_LATCHED, FeedbackMemory, _READINGS, doors, observed, latch_judged),
    Rule(SENSOR, FeedbackMemory, _READINGS, doors, observed, sensor_judged),
)
