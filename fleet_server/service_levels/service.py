"""Start, pause, retarget and stop the clocks of a thing.

A feature says what happened to its thing in the words of the policy (`opened`, `triaged`,
`arrived`, ...); which clocks that moves is the policy's business.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from fleet_server.service_levels.clocks import (
    Reading,
    Step,
    StepKind,
    after,
    escalation_at,
    instant_of,
    started,
)
from fleet_server.service_levels.errors import DueInThePastError, PolicyError
from fleet_server.service_levels.models import ServiceClock, ServiceClockStep
from fleet_server.service_levels.queries import (
    clocks_of,
    newest_calendars,
    newest_steps,
    pinned,
    reading_of,
    running_clocks,
    scales,
)
from fleet_server.service_levels.rules import (
    SITE_HOURS,
    WITHOUT_SITE_HOURS,
    ClockRule,
    Policy,
    Subject,
    Unit,
    matching,
    timebase,
)
from fleet_server.transactions import Transaction

TARGET_SECONDS_MIN = 1.0
"""Of a clock that takes over a due instant from before its own start."""


@dataclass(frozen=True)
class _Move:
    """Next step of one clock."""

    clock: ServiceClock
    step: Step
    cause: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Owner:
    """The thing clocks run for."""

    kind: str
    id: str
    accountable: str
    """Audience that answers for it now."""
    site_id: str | None = None
    region: str | None = None
    calendar: str = ""
    """Hours of its site, by the name of a calendar."""


def start(
    tx: Transaction, owner: Owner, subject: Subject, event: str, policy: Policy
) -> list[ServiceClock]:
    """Start the clocks that `event` starts for this thing and that do not run already."""
    running = {clock.name for clock in running_clocks(tx.session, owner.kind, [owner.id])}
    return _start(tx, [(owner, subject)], event, policy, but_for=running)


def start_new(
    tx: Transaction, things: Sequence[tuple[Owner, Subject]], event: str, policy: Policy
) -> None:
    """Start the clocks that `event` starts for things that are new: none of theirs runs yet."""
    _start(tx, things, event, policy)


def start_added(
    tx: Transaction, owner: Owner, subject: Subject, event: str, policy: Policy
) -> list[ServiceClock]:
    """Start the clocks a changed subject adds: those of `event` this thing never had."""
    had = {clock.name for clock in clocks_of(tx.session, owner.kind, [owner.id])[owner.id]}
    return _start(tx, [(owner, subject)], event, policy, but_for=had)


def happened(tx: Transaction, owner_kind: str, owner_id: str, event: str) -> None:
    """Stop the clocks that `event` stops; clocks that stand already stay as they are."""
    entered(tx, owner_kind, [owner_id], None, [event])


def entered(
    tx: Transaction,
    owner_kind: str,
    owner_ids: Collection[str],
    state: str | None,
    events: Collection[str] = (),
) -> None:
    """Things came into a state: pause the clocks that do not run in it, let the others run on.

    `events`: what that means in the words of the policy; the clocks one of them stops are stopped
    instead. Without `state` nothing is paused and nothing runs on.
    """
    moves = []
    for clock in running_clocks(tx.session, owner_kind, owner_ids):
        rule = _rule(tx.session, clock)
        ending = next((event for event in events if event in rule.stop), None)
        pauses = state in rule.pause_in
        if ending is not None:
            moves.append(_Move(clock, Step(StepKind.STOPPED, tx.now), {"event": ending}))
        elif state is None:
            continue
        elif pauses and clock.paused_since is None:
            moves.append(_Move(clock, Step(StepKind.PAUSED, tx.now), {"state": state}))
        elif not pauses and clock.paused_since is not None:
            moves.append(_Move(clock, Step(StepKind.RESUMED, tx.now), {"state": state}))
    _move(tx, moves)


def retarget(tx: Transaction, owner: Owner, subject: Subject) -> None:
    """Give running clocks the targets of a changed priority; pauses so far are kept."""
    moves = []
    for clock in running_clocks(tx.session, owner.kind, [owner.id]):
        rule = _rule(tx.session, clock)
        if rule.unit is Unit.PROMISED:
            continue
        target = rule.seconds(subject.priority)
        if target != clock.target_seconds:
            cause = {"priority": str(subject.priority)}
            moves.append(_Move(clock, Step(StepKind.RETARGETED, tx.now, target), cause))
    _move(tx, moves)


def promise(
    tx: Transaction, owner: Owner, subject: Subject, event: str, due_at: datetime
) -> list[ServiceClock]:
    """Take a time somebody gave: clocks that are about `event` are due then.

    A clock is about the first of the events that stop it: the first response is no arrival, though
    an arrival ends it.
    Where the policy has a clock for promises that `event` stops and that does not run, it starts.
    What the policy alone asks for is kept in `policy_due_at`. A breached clock stays as it is.
    Raises DueInThePastError.
    """
    if due_at <= tx.now:
        raise DueInThePastError(due_at, tx.now)
    step = Step(StepKind.PROMISED, tx.now, until=due_at)
    running = running_clocks(tx.session, owner.kind, [owner.id])
    concerned = [clock for clock in running if _rule(tx.session, clock).is_about(event)]
    if not any(_rule(tx.session, clock).unit is Unit.PROMISED for clock in concerned):
        concerned += _start_promise(tx, owner, subject, event, due_at)
    _move(tx, [_Move(clock, step, {"event": event}) for clock in concerned])
    return concerned


def aim(tx: Transaction, clock: ServiceClock, due_at: datetime) -> None:
    """Make a clock due at an instant: another thing's earlier due is taken over.

    One in the past is taken as it is: the clock breaches at the next look.
    """
    if clock.promised_at is not None:
        _move(tx, [_Move(clock, Step(StepKind.PROMISED, tx.now, until=due_at))])
        return
    scale = scales(tx.session)(clock.timebase)
    target = scale.between(clock.begun_at, due_at) - clock.paused_seconds
    step = Step(StepKind.RETARGETED, tx.now, max(target, TARGET_SECONDS_MIN))
    _move(tx, [_Move(clock, step)])


def acknowledge(tx: Transaction, clock: ServiceClock) -> None:
    """Somebody has seen the breach and answers for it: nobody further up is told."""
    _move(tx, [_Move(clock, Step(StepKind.ACKNOWLEDGED, tx.now))])


def count_by(tx: Transaction, clocks: Sequence[ServiceClock], reference: str) -> None:
    """Let running clocks count by another version of their calendar."""
    moves = []
    for clock in clocks:
        unit = clock.timebase.partition(":")[0]
        step = Step(StepKind.RECALENDARED, tx.now, timebase=f"{unit}:{reference}")
        moves.append(_Move(clock, step))
    _move(tx, moves)


def hand_over(tx: Transaction, owner_kind: str, owner_id: str, accountable: str) -> None:
    """Warnings go to another one from now on."""
    for clock in running_clocks(tx.session, owner_kind, [owner_id]):
        clock.accountable = accountable


def note(tx: Transaction, clock: ServiceClock, kind: StepKind, amount: float = 0.0) -> None:
    """Append what the sweep found out."""
    _move(tx, [_Move(clock, Step(kind, tx.now, amount))])


def _start(
    tx: Transaction,
    things: Sequence[tuple[Owner, Subject]],
    event: str,
    policy: Policy,
    but_for: Collection[str] = (),
) -> list[ServiceClock]:
    """Start clocks of many things with few statements, but for those of these names."""
    chosen = [
        (owner, rule, rule.seconds(subject.priority))
        for owner, subject in things
        for rule in matching(policy, subject)
        if event in rule.start and rule.name not in but_for and rule.unit is not Unit.PROMISED
    ]
    return _begin(tx, chosen, event, policy)


def _start_promise(
    tx: Transaction, owner: Owner, subject: Subject, event: str, due_at: datetime
) -> list[ServiceClock]:
    # The thing pinned its policy with its first clocks; one without any has nothing to promise by.
    had = clocks_of(tx.session, owner.kind, [owner.id])[owner.id]
    if not had:
        return []
    policy = pinned(tx.session, had[0].policy)
    seconds = (due_at - tx.now).total_seconds()
    rules = [rule for rule in matching(policy, subject) if rule.unit is Unit.PROMISED]
    chosen = [(owner, rule, seconds) for rule in rules if event in rule.stop]
    return _begin(tx, chosen, "promised", policy)


def _begin(
    tx: Transaction,
    chosen: Sequence[tuple[Owner, ClockRule, float]],
    event: str,
    policy: Policy,
) -> list[ServiceClock]:
    by_calendar = any(rule.unit in {Unit.BUSINESS, Unit.WORKING_DAYS} for _, rule, _ in chosen)
    newest = newest_calendars(tx.session) if by_calendar else {}
    clocks = []
    for owner, rule, seconds in chosen:
        name = rule.calendar
        if name == SITE_HOURS:
            name = owner.calendar if owner.calendar in newest else WITHOUT_SITE_HOURS
        if rule.calendar and name not in newest:
            raise PolicyError(policy.reference, f"{rule.name}: no calendar {name!r}")
        base = timebase(rule, newest[name].reference if rule.calendar else "")
        clock = _new_clock(tx, owner, rule, policy)
        _show(tx.session, clock, started(tx.now, seconds, base, scales(tx.session)), policy)
        step = Step(StepKind.STARTED, tx.now, seconds, base)
        _append(tx, clock, 1, step, {"event": event})
        clocks.append(clock)
    tx.session.add_all(clocks)
    return clocks


def _new_clock(tx: Transaction, owner: Owner, rule: ClockRule, policy: Policy) -> ServiceClock:
    return ServiceClock(
        id=tx.new_id(),
        owner_kind=owner.kind,
        owner_id=owner.id,
        name=rule.name,
        policy=policy.reference,
        accountable=owner.accountable,
        site_id=owner.site_id,
        region=owner.region,
    )


def _move(tx: Transaction, moves: Sequence[_Move]) -> None:
    """Append one step to each of these clocks, which are locked."""
    if not moves:
        return
    tx.session.flush()
    newest = newest_steps(tx.session, [move.clock.id for move in moves])
    for move in moves:
        clock = move.clock
        reading = after(reading_of(clock), move.step, scales(tx.session))
        _show(tx.session, clock, reading, pinned(tx.session, clock.policy))
        _append(tx, clock, newest.get(clock.id, 0) + 1, move.step, move.cause)


def _append(
    tx: Transaction, clock: ServiceClock, seq: int, step: Step, cause: dict[str, Any]
) -> None:
    tx.session.add(
        ServiceClockStep(
            clock_id=clock.id,
            seq=seq,
            kind=step.kind,
            at=step.at,
            amount=step.amount,
            timebase=step.timebase,
            until=step.until,
            cause={**cause, "by": tx.actor},
        )
    )


def _show(session: Session, clock: ServiceClock, reading: Reading, policy: Policy) -> None:
    for name in Reading.__dataclass_fields__:
        setattr(clock, name, getattr(reading, name))
    clock.look_at = _look_at(session, reading, policy)


def _look_at(session: Session, reading: Reading, policy: Policy) -> datetime | None:
    if reading.breached_at is not None:
        return escalation_at(reading, escalation_waits(policy))
    is_held = reading.paused_since is not None and reading.promised_at is None
    if reading.stopped_at is not None or is_held:
        return None
    percents = [rung.percent for rung in policy.ladder]
    ahead = [percent for percent in percents if percent > reading.warned_percent]
    return instant_of(reading, ahead[0], scales(session)) if ahead else None


def escalation_waits(policy: Policy) -> list[timedelta]:
    """How long after a breach each rung of the escalation is told."""
    return [timedelta(seconds=one.after_seconds) for one in policy.escalations]


def _rule(session: Session, clock: ServiceClock) -> ClockRule:
    return pinned(session, clock.policy).clock(clock.name)
