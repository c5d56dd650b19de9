"""Pure: the arithmetic of one clock, as a fold over its history.

The stored values are the fold of the history rows, always: nothing about a clock is known that
its history does not say. Choices, each a trap others fell into (requirements, section 4):
- due = start + target + paused time, all in the time of the clock's scale (a), so a change of
  target keeps the pauses (b), and a pause while nothing counts moves nothing;
- a promise given by a person stands as it was given: no pause and no new target moves it (c), and
  what the policy alone asks for is kept beside it;
- warnings lie on the same scale as the due instant (e);
- once past its due instant a clock is breached and its due instant stands: no later pause, new
  target, promise, calendar or stop moves it or takes the breach back (g);
- a stopped clock takes no further step (i).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fleet_server.service_levels.scales import REAL, Scale, Scales


class StepKind(StrEnum):
    """What happens to a clock."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETARGETED = "retargeted"
    PROMISED = "promised"
    RECALENDARED = "recalendared"
    WARNED = "warned"
    BREACHED = "breached"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """One history row.

    `amount`: target seconds of started and retargeted, percent of warned, number of escalated.
    `timebase`: of started and recalendared. `until`: the promised instant.
    """

    kind: StepKind
    at: datetime
    amount: float = 0.0
    timebase: str = REAL
    until: datetime | None = None


@dataclass(frozen=True)
class Reading:
    """What a clock shows. Amounts are seconds of its own time (`scales`)."""

    started_at: datetime
    begun_at: datetime
    """From when it counts: the first open minute, or the day after."""
    timebase: str
    target_seconds: float
    policy_due_at: datetime
    """When it would be due without a promise."""
    due_at: datetime
    promised_at: datetime | None = None
    """When the promise that holds now was given."""
    paused_seconds: float = 0.0
    paused_since: datetime | None = None
    warned_percent: int = 0
    breached_at: datetime | None = None
    """Its due instant, once passed."""
    escalations: int = 0
    """How often somebody further up was told since the breach."""
    acknowledged_at: datetime | None = None
    stopped_at: datetime | None = None
    met: bool | None = None


def started(at: datetime, target_seconds: float, timebase: str, scales: Scales) -> Reading:
    """Reading of a clock that begins to run."""
    scale = scales(timebase)
    begun = scale.begin(at)
    due = scale.add(begun, target_seconds)
    return Reading(at, begun, timebase, target_seconds, due, due)


def after(reading: Reading, step: Step, scales: Scales) -> Reading:
    """Reading after one more step; steps come in the order of their times."""
    if reading.stopped_at is not None:
        return reading
    reading = _noticing(reading, step.at)
    if step.kind is StepKind.PAUSED:
        return replace(reading, paused_since=reading.paused_since or step.at)
    if step.kind is StepKind.RESUMED:
        return _resumed(reading, step.at, scales)
    if step.kind is StepKind.STOPPED:
        return _stopped(reading, step.at, scales)
    return _told(_due_anew(reading, step, scales), step)


def replayed(steps: Iterable[Step], scales: Scales) -> Reading:
    """Reading from a whole history, oldest first; the first step is `started`."""
    first, *rest = steps
    reading = started(first.at, first.amount, first.timebase, scales)
    for step in rest:
        reading = after(reading, step, scales)
    return reading


def instant_of(reading: Reading, percent: int, scales: Scales) -> datetime:
    """When so much of the target is used up, unless it is paused again.

    Of a promise: so much of the time between giving and keeping it, in real time.
    """
    if percent >= 100:
        return reading.due_at
    if reading.promised_at is not None:
        return reading.promised_at + (reading.due_at - reading.promised_at) * percent / 100
    used = reading.target_seconds * percent / 100 + reading.paused_seconds
    return scales(reading.timebase).add(reading.begun_at, used)


def is_late(reading: Reading, now: datetime) -> bool:
    """Whether a running clock has passed its due instant; exactly on time is on time.

    A pause holds a clock up, unless the due instant was promised.
    """
    runs = reading.paused_since is None or reading.promised_at is not None
    return reading.stopped_at is None and runs and now > reading.due_at


def _noticing(reading: Reading, now: datetime) -> Reading:
    if reading.breached_at is None and is_late(reading, now):
        return replace(reading, breached_at=reading.due_at)
    return reading


def _due_anew(reading: Reading, step: Step, scales: Scales) -> Reading:
    if reading.breached_at is not None:
        return reading
    if step.kind is StepKind.RETARGETED:
        return _counted(replace(reading, target_seconds=step.amount), scales)
    if step.kind is StepKind.RECALENDARED:
        return _recalendared(reading, step.timebase, scales)
    if step.kind is StepKind.PROMISED and step.until is not None:
        return replace(reading, promised_at=step.at, due_at=step.until)
    return reading


def _told(reading: Reading, step: Step) -> Reading:
    if step.kind is StepKind.WARNED:
        return replace(reading, warned_percent=max(reading.warned_percent, int(step.amount)))
    if step.kind is StepKind.ESCALATED:
        return replace(reading, escalations=int(step.amount))
    if step.kind is StepKind.ACKNOWLEDGED:
        return replace(reading, acknowledged_at=reading.acknowledged_at or step.at)
    return reading


def _resumed(reading: Reading, at: datetime, scales: Scales) -> Reading:
    if reading.paused_since is None:
        return reading
    since = max(reading.paused_since, reading.begun_at)
    paused = reading.paused_seconds + scales(reading.timebase).between(since, at)
    resumed = replace(reading, paused_since=None, paused_seconds=paused)
    return resumed if resumed.breached_at is not None else _counted(resumed, scales)


def _recalendared(reading: Reading, timebase: str, scales: Scales) -> Reading:
    begun = scales(timebase).begin(reading.started_at)
    moved = _counted(replace(reading, timebase=timebase, begun_at=begun), scales)
    # A new day off moves what is to come; what was said already becomes due no earlier.
    return moved if moved.policy_due_at >= reading.policy_due_at else reading


def _stopped(reading: Reading, at: datetime, scales: Scales) -> Reading:
    reading = _resumed(reading, at, scales)
    return replace(reading, stopped_at=at, met=reading.breached_at is None)


def _counted(reading: Reading, scales: Scales) -> Reading:
    scale: Scale = scales(reading.timebase)
    due = scale.add(reading.begun_at, reading.target_seconds + reading.paused_seconds)
    is_promised = reading.promised_at is not None
    return replace(reading, policy_due_at=due, due_at=reading.due_at if is_promised else due)


def escalation_at(reading: Reading, waits: Iterable[timedelta]) -> datetime | None:
    """When to tell the next one further up; None when nobody is left, or somebody answered.

    `waits`: how long after the breach each of them is told.
    """
    if reading.breached_at is None or reading.stopped_at or reading.acknowledged_at:
        return None
    told = list(waits)[reading.escalations :]
    return reading.breached_at + told[0] if told else None
