"""Pure: the arithmetic of one clock, as a fold over its history.

The stored values are the fold of the history rows, always: nothing about a clock is known that
its history does not say. Three choices, each a trap others fell into (requirements, section 4):
- due = start + target + paused time, so a change of target keeps the pauses (b);
- once past its due instant a clock is breached and its due instant stands: no later pause, new
  target or stop moves it or takes the breach back (g);
- a stopped clock takes no further step (i).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class StepKind(StrEnum):
    """What happens to a clock."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETARGETED = "retargeted"
    WARNED = "warned"
    BREACHED = "breached"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """One history row. `amount`: target seconds of started and retargeted, percent of warned."""

    kind: StepKind
    at: datetime
    amount: float = 0.0


@dataclass(frozen=True)
class Reading:
    """What a clock shows."""

    started_at: datetime
    target_seconds: float
    due_at: datetime
    paused_seconds: float = 0.0
    paused_since: datetime | None = None
    warned_percent: int = 0
    breached_at: datetime | None = None
    """Its due instant, once passed."""
    stopped_at: datetime | None = None
    met: bool | None = None


def started(at: datetime, target_seconds: float) -> Reading:
    """Reading of a clock that begins to run."""
    return Reading(at, target_seconds, at + timedelta(seconds=target_seconds))


def after(reading: Reading, step: Step) -> Reading:
    """Reading after one more step; steps come in the order of their times."""
    if reading.stopped_at is not None:
        return reading
    reading = _noticing(reading, step.at)
    if step.kind is StepKind.PAUSED:
        return replace(reading, paused_since=reading.paused_since or step.at)
    if step.kind is StepKind.RESUMED:
        return _resumed(reading, step.at)
    if step.kind is StepKind.RETARGETED:
        return _due_again(replace(reading, target_seconds=step.amount))
    if step.kind is StepKind.WARNED:
        return replace(reading, warned_percent=max(reading.warned_percent, int(step.amount)))
    return _stopped(reading, step.at) if step.kind is StepKind.STOPPED else reading


def replayed(steps: Iterable[Step]) -> Reading:
    """Reading from a whole history, oldest first; the first step is `started`."""
    first, *rest = steps
    reading = started(first.at, first.amount)
    for step in rest:
        reading = after(reading, step)
    return reading


def instant_of(reading: Reading, percent: int) -> datetime:
    """When so much of the target is used up, unless it is paused again."""
    if percent >= 100:
        return reading.due_at
    left = reading.target_seconds * (100 - percent) / 100
    return reading.due_at - timedelta(seconds=left)


def is_late(reading: Reading, now: datetime) -> bool:
    """Whether a running clock has passed its due instant; exactly on time is on time."""
    running = reading.stopped_at is None and reading.paused_since is None
    return running and now > reading.due_at


def _noticing(reading: Reading, now: datetime) -> Reading:
    if reading.breached_at is None and is_late(reading, now):
        return replace(reading, breached_at=reading.due_at)
    return reading


def _resumed(reading: Reading, at: datetime) -> Reading:
    if reading.paused_since is None:
        return reading
    paused = reading.paused_seconds + (at - reading.paused_since).total_seconds()
    return _due_again(replace(reading, paused_since=None, paused_seconds=paused))


def _stopped(reading: Reading, at: datetime) -> Reading:
    reading = _resumed(reading, at)
    return replace(reading, stopped_at=at, met=reading.breached_at is None)


def _due_again(reading: Reading) -> Reading:
    if reading.breached_at is not None:
        return reading
    run = timedelta(seconds=reading.target_seconds + reading.paused_seconds)
    return replace(reading, due_at=reading.started_at + run)
