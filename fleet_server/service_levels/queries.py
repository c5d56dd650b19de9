"""All selects of clocks."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.bulk import one_of
from fleet_server.service_levels.clocks import Reading, Step, StepKind
from fleet_server.service_levels.models import PolicyInForce, ServiceClock, ServiceClockStep
from fleet_server.service_levels.presets import DEFAULT, newest, pinned
from fleet_server.service_levels.rules import Policy

IN_FORCE = 1


def policy_in_force(session: Session) -> Policy:
    """Policy new things pin; `strict` where nobody chose."""
    row = session.get(PolicyInForce, IN_FORCE)
    return pinned(row.reference) if row is not None else newest(DEFAULT)


def running_clocks(
    session: Session, owner_kind: str, owner_ids: Collection[str]
) -> list[ServiceClock]:
    """Clocks of these things that have not stopped, locked in one order."""
    found = (
        select(ServiceClock)
        .where(ServiceClock.owner_kind == owner_kind)
        .where(one_of(session, ServiceClock.owner_id, owner_ids))
        .where(ServiceClock.stopped_at.is_(None))
        .order_by(ServiceClock.id)
        .with_for_update()
    )
    # What this session read before it had the lock is out of date.
    return list(session.scalars(found.execution_options(populate_existing=True)))


def newest_steps(session: Session, clock_ids: Collection[str]) -> dict[str, int]:
    """Sequence of the newest step of each; clocks without a step are left out."""
    found = (
        select(ServiceClockStep.clock_id, func.max(ServiceClockStep.seq))
        .where(one_of(session, ServiceClockStep.clock_id, clock_ids))
        .group_by(ServiceClockStep.clock_id)
    )
    return dict(session.execute(found).all())


def clocks_of(
    session: Session, owner_kind: str, owner_ids: Iterable[str]
) -> defaultdict[str, list[ServiceClock]]:
    """All clocks by the thing they belong to, oldest first."""
    found = (
        select(ServiceClock)
        .where(ServiceClock.owner_kind == owner_kind)
        .where(ServiceClock.owner_id.in_(list(owner_ids)))
        .order_by(ServiceClock.id)
    )
    clocks: defaultdict[str, list[ServiceClock]] = defaultdict(list)
    for clock in session.scalars(found):
        clocks[clock.owner_id].append(clock)
    return clocks


def clocks_to_look_at(session: Session, now: datetime, limit: int) -> list[ServiceClock]:
    """Clocks with a warning or a breach due, locked, longest waiting first."""
    found = (
        select(ServiceClock)
        .where(ServiceClock.look_at <= now)
        .order_by(ServiceClock.look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(found))


def steps_of(session: Session, clock_id: str) -> list[Step]:
    """History of a clock, oldest first."""
    found = (
        select(ServiceClockStep)
        .where(ServiceClockStep.clock_id == clock_id)
        .order_by(ServiceClockStep.seq)
    )
    return [Step(StepKind(row.kind), row.at, row.amount) for row in session.scalars(found)]


def reading_of(clock: ServiceClock) -> Reading:
    """Return what the row says the clock shows."""
    return Reading(
        clock.started_at,
        clock.target_seconds,
        clock.due_at,
        clock.paused_seconds,
        clock.paused_since,
        clock.warned_percent,
        clock.breached_at,
        clock.stopped_at,
        clock.met,
    )


def earliest_due(
    session: Session, owner_kind: str, owner_ids: Iterable[str], event: str
) -> datetime | None:
    """Return when the first running clock that `event` stops is due, over these things."""
    dues = [
        clock.due_at
        for clocks in clocks_of(session, owner_kind, owner_ids).values()
        for clock in clocks
        if clock.stopped_at is None and event in pinned(clock.policy).clock(clock.name).stop
    ]
    return min(dues, default=None)
