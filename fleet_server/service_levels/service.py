"""Start, pause, retarget and stop the clocks of a thing.

A feature says what happened to its thing in the words of the policy (`opened`, `triaged`,
`arrived`, ...); which clocks that moves is the policy's business.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fleet_server.audit.service import record
from fleet_server.service_levels.clocks import Reading, Step, StepKind, after, instant_of
from fleet_server.service_levels.clocks import started as begun
from fleet_server.service_levels.models import PolicyInForce, ServiceClock, ServiceClockStep
from fleet_server.service_levels.presets import newest, pinned
from fleet_server.service_levels.queries import (
    IN_FORCE,
    clocks_of,
    newest_steps,
    reading_of,
    running_clocks,
)
from fleet_server.service_levels.rules import ClockRule, Policy, Subject, matching
from fleet_server.transactions import Transaction


class _Move(NamedTuple):
    """Next step of one clock."""

    clock: ServiceClock
    kind: StepKind
    amount: float
    cause: dict[str, Any]


@dataclass(frozen=True)
class Owner:
    """The thing clocks run for."""

    kind: str
    id: str
    accountable: str
    """Audience that answers for it now."""
    site_id: str | None = None
    region: str | None = None


def use_policy(tx: Transaction, name: str) -> Policy:
    """Let new things pin the newest version of a preset. Raises PolicyError for no such preset."""
    policy = newest(name)
    row = tx.session.get(PolicyInForce, IN_FORCE, with_for_update=True)
    if row is not None and row.reference == policy.reference:
        return policy
    if row is None:
        row = PolicyInForce(id=IN_FORCE)
        tx.session.add(row)
    row.reference, row.since = policy.reference, tx.now
    record(tx, "service_policy.chosen", "service_policy", policy.reference)
    return policy


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
    running = running_clocks(tx.session, owner_kind, [owner_id])
    stopped = [clock for clock in running if event in _rule(clock).stop]
    _move(tx, [_Move(clock, StepKind.STOPPED, 0.0, {"event": event}) for clock in stopped])


def entered(
    tx: Transaction,
    owner_kind: str,
    owner_ids: Collection[str],
    state: str,
    event: str | None = None,
) -> None:
    """Things came into a state: pause the clocks that do not run in it, let the others run on.

    `event`: what that means in the words of the policy; the clocks it stops are stopped instead.
    """
    moves = []
    for clock in running_clocks(tx.session, owner_kind, owner_ids):
        rule = _rule(clock)
        pauses = state in rule.pause_in
        if event in rule.stop:
            moves.append(_Move(clock, StepKind.STOPPED, 0.0, {"event": event}))
        elif pauses and clock.paused_since is None:
            moves.append(_Move(clock, StepKind.PAUSED, 0.0, {"state": state}))
        elif not pauses and clock.paused_since is not None:
            moves.append(_Move(clock, StepKind.RESUMED, 0.0, {"state": state}))
    _move(tx, moves)


def retarget(tx: Transaction, owner: Owner, subject: Subject) -> None:
    """Give running clocks the targets of a changed priority; pauses so far are kept."""
    moves = []
    for clock in running_clocks(tx.session, owner.kind, [owner.id]):
        target = _rule(clock).target[subject.priority]
        if target != clock.target_seconds:
            cause = {"priority": str(subject.priority)}
            moves.append(_Move(clock, StepKind.RETARGETED, target, cause))
    _move(tx, moves)


def hand_over(tx: Transaction, owner_kind: str, owner_id: str, accountable: str) -> None:
    """Warnings go to another one from now on."""
    for clock in running_clocks(tx.session, owner_kind, [owner_id]):
        clock.accountable = accountable


def note(tx: Transaction, clock: ServiceClock, kind: StepKind, amount: float = 0.0) -> None:
    """Append what the sweep found out."""
    _move(tx, [_Move(clock, kind, amount, {})])


def _start(
    tx: Transaction,
    things: Sequence[tuple[Owner, Subject]],
    event: str,
    policy: Policy,
    but_for: Collection[str] = (),
) -> list[ServiceClock]:
    """Start clocks of many things with few statements, but for those of these names."""
    clocks = [
        _new_clock(tx, owner, rule, policy, rule.target[subject.priority])
        for owner, subject in things
        for rule in matching(policy, subject)
        if event in rule.start and rule.name not in but_for
    ]
    tx.session.add_all(clocks)
    for clock in clocks:
        step = Step(StepKind.STARTED, tx.now, clock.target_seconds)
        _append(tx, clock, 1, step, {"event": event})
    return clocks


def _new_clock(
    tx: Transaction, owner: Owner, rule: ClockRule, policy: Policy, target_seconds: float
) -> ServiceClock:
    clock = ServiceClock(
        id=tx.new_id(),
        owner_kind=owner.kind,
        owner_id=owner.id,
        name=rule.name,
        policy=policy.reference,
        accountable=owner.accountable,
        site_id=owner.site_id,
        region=owner.region,
    )
    _show(clock, begun(tx.now, target_seconds))
    return clock


def _move(tx: Transaction, moves: Sequence[_Move]) -> None:
    """Append one step to each of these clocks, which are locked."""
    if not moves:
        return
    newest = newest_steps(tx.session, [move.clock.id for move in moves])
    for clock, kind, amount, cause in moves:
        step = Step(kind, tx.now, amount)
        _show(clock, after(reading_of(clock), step))
        _append(tx, clock, newest.get(clock.id, 0) + 1, step, cause)


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
            cause={**cause, "by": tx.actor},
        )
    )


def _show(clock: ServiceClock, reading: Reading) -> None:
    clock.started_at = reading.started_at
    clock.target_seconds = reading.target_seconds
    clock.due_at = reading.due_at
    clock.paused_seconds = reading.paused_seconds
    clock.paused_since = reading.paused_since
    clock.warned_percent = reading.warned_percent
    clock.breached_at = reading.breached_at
    clock.stopped_at = reading.stopped_at
    clock.met = reading.met
    waits = reading.stopped_at or reading.paused_since or reading.breached_at
    percents = [rung.percent for rung in pinned(clock.policy).ladder]
    ahead = [percent for percent in percents if percent > reading.warned_percent]
    clock.look_at = None if waits or not ahead else instant_of(reading, ahead[0])


def _rule(clock: ServiceClock) -> ClockRule:
    return pinned(clock.policy).clock(clock.name)
