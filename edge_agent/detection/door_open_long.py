"""DOOR_OPEN_LONG: a door left open. M after 3 min, C after 15 with perishable goods.

Clears after 10 s closed. In service the technician may keep doors open: muted, counted from the
end of service. A door that cannot be read is neither open nor closed.
"""

from edge_agent.detection.streaks import Streak
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DoorReading
from protocol.faults import Severity

CODE = "DOOR_OPEN_LONG"


def observed(streak: Streak, reading: DoorReading, *, in_service: bool) -> Streak:
    """Add a reading of the door."""
    if reading.state is DoorState.UNKNOWN:
        return streak
    is_open = reading.state is DoorState.OPEN
    return streak.extended(reading.at_elapsed, bad=is_open and not in_service, good=not is_open)


def judged(door: str, streak: Streak, thresholds: Thresholds, *, perishable: bool) -> Verdict:
    """Judge the door by how long it has been open or closed."""
    if streak.bad_for(thresholds.door_open_seconds):
        is_critical = perishable and streak.bad_for(thresholds.door_open_critical_seconds)
        return Verdict(
            CODE,
            door,
            Condition.BAD,
            severity=Severity.C if is_critical else Severity.M,
            began_at=streak.bad_at or 0.0,
            reading=streak.bad_seconds,
            limit=thresholds.door_open_critical_seconds
            if is_critical
            else thresholds.door_open_seconds,
            cause="open",
        )
    is_good = streak.good_for(thresholds.door_closed_seconds)
    return Verdict(CODE, door, Condition.GOOD if is_good else Condition.UNDECIDED)
