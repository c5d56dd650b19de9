"""DOOR_FORCED, DOOR_EXCESS, LOCK_OPEN_FAIL: what pulses and openings of a door say together.

Forced: it was seen closed, now it is open, no pulse went to it in the 15 s before it was last seen
closed and nobody is in service. Latched: a person looks. A door first seen open, after a boot say,
proves nothing.
Excess: more than 60 openings in an hour outside restock warm the goods. Open fail: three pulses,
5 s each, and never seen open; the next good opening ends it.
"""

import msgspec

from edge_agent.detection.moments import Moments
from edge_agent.detection.rule import Look, Rule
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DoorReading, PulseSent
from protocol.faults import CATALOGUE

FORCED, EXCESS, OPEN_FAIL = "DOOR_FORCED", "DOOR_EXCESS", "LOCK_OPEN_FAIL"


class EdgeMemory(msgspec.Struct, frozen=True):
    """How the door stood last, when it was pulsed, and what came of it."""

    was_open: bool | None = None
    closed_at: float | None = None
    pulsed_at: float | None = None
    answered: bool = True
    pulses_in_vain: int = 0
    forced_at: float | None = None
    openings: Moments = Moments()
    opened_well: bool = False


def _door(reading: DoorReading | PulseSent) -> tuple[str, ...]:
    return (reading.door,)


def observed(
    memory: EdgeMemory, _door: str, reading: DoorReading | PulseSent, look: Look
) -> EdgeMemory:
    """Add a pulse or how the door stands."""
    at = reading.at_elapsed
    if isinstance(reading, PulseSent):
        memory = _unanswered(memory, at, look)
        return msgspec.structs.replace(memory, pulsed_at=at, answered=False)
    if reading.state is DoorState.UNKNOWN:
        return memory
    is_open = reading.state is DoorState.OPEN
    memory = msgspec.structs.replace(memory, openings=memory.openings.started(at))
    if not is_open:
        memory = _unanswered(memory, at, look)
        return msgspec.structs.replace(memory, was_open=False, closed_at=at)
    if memory.was_open is False:
        memory = _opened(memory, at, look)
    return msgspec.structs.replace(
        memory,
        was_open=True,
        answered=True,
        pulses_in_vain=0,
        opened_well=not memory.answered or memory.opened_well,
    )


def _opened(memory: EdgeMemory, at: float, look: Look) -> EdgeMemory:
    # It opened some time after it was last seen closed, maybe long before anybody could see it.
    pulsed, closed_at = memory.pulsed_at, at if memory.closed_at is None else memory.closed_at
    ours = pulsed is not None and closed_at - pulsed <= look.thresholds.door_unlock_seconds
    forced = not ours and not look.in_service
    openings = memory.openings if look.in_service else memory.openings.plus(at)
    return msgspec.structs.replace(
        memory, openings=openings, forced_at=at if forced else memory.forced_at
    )


def _unanswered(memory: EdgeMemory, at: float, look: Look) -> EdgeMemory:
    """Count the pulse before as one in vain when its time is over."""
    pulsed = memory.pulsed_at
    if memory.answered or pulsed is None or at - pulsed < look.thresholds.lock_pulse_seconds:
        return memory
    return msgspec.structs.replace(
        memory, answered=True, pulses_in_vain=memory.pulses_in_vain + 1, opened_well=False
    )


def forced_judged(memory: EdgeMemory, door: str, look: Look) -> Verdict | None:
    """Tell the forcing once, as it happens; what it latches stays by itself."""
    if memory.forced_at != look.at:
        # Shut again, the next forcing is another one and counts.
        shut = memory.was_open is False
        return Verdict(FORCED, door, Condition.UNDECIDED) if shut else None
    return Verdict(
        FORCED, door, Condition.BAD, CATALOGUE[FORCED].severity, look.at, cause="no_unlock"
    )


def excess_judged(memory: EdgeMemory, door: str, look: Look) -> Verdict:
    """Judge how often it opened in the last hour."""
    limits = look.thresholds
    openings = memory.openings.within(look.at, limits.door_openings_window_seconds)
    if openings > limits.door_openings:
        began_at = look.at - limits.door_openings_window_seconds
        return Verdict(
            EXCESS,
            door,
            Condition.BAD,
            CATALOGUE[EXCESS].severity,
            began_at,
            openings,
            limits.door_openings,
            "openings",
        )
    return Verdict(EXCESS, door, Condition.GOOD)


def open_fail_judged(memory: EdgeMemory, door: str, look: Look) -> Verdict:
    """Judge the lock by its last pulses."""
    limit = look.thresholds.lock_pulses
    if memory.pulses_in_vain >= limit:
        return Verdict(
            OPEN_FAIL,
            door,
            Condition.BAD,
            CATALOGUE[OPEN_FAIL].severity,
            memory.pulsed_at or look.at,
            memory.pulses_in_vain,
            limit,
            "open_not_detected",
        )
    return Verdict(OPEN_FAIL, door, Condition.GOOD if memory.opened_well else Condition.UNDECIDED)


def restored(memory: EdgeMemory) -> EdgeMemory:
    """Forget how the door stood: a pulse and its opening may have come after the snapshot."""
    return msgspec.structs.replace(memory, was_open=None, closed_at=None, answered=True)


_READINGS = (DoorReading, PulseSent)
RULES = tuple(
    Rule(code, EdgeMemory, _READINGS, _door, observed, judged, restored=restored)
    for code, judged in (
        (FORCED, forced_judged),
        (EXCESS, excess_judged),
        (OPEN_FAIL, open_fail_judged),
    )
)
