"""All selects of clocks."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.bulk import one_of
from fleet_server.errors import NotFoundError
from fleet_server.service_levels.calendars import Calendar
from fleet_server.service_levels.clocks import Reading, Step, StepKind
from fleet_server.service_levels.errors import CalendarError, PolicyError
from fleet_server.service_levels.models import (
    PolicyInForce,
    PublishedDocument,
    ServiceClock,
    ServiceClockStep,
)
from fleet_server.service_levels.presets import CALENDARS, DEFAULT, PRESETS, decoded, newest
from fleet_server.service_levels.rules import Policy
from fleet_server.service_levels.scales import (
    REAL,
    BusinessTime,
    RealTime,
    Scale,
    Scales,
    WorkingDays,
)

IN_FORCE = 1
POLICY, CALENDAR = "policy", "calendar"
"""Kinds of `PublishedDocument`."""


def policy_in_force(session: Session) -> Policy:
    """Policy new things pin; `strict` where nobody chose."""
    row = session.get(PolicyInForce, IN_FORCE)
    return pinned(session, row.reference) if row is not None else newest(DEFAULT)


def pinned(session: Session, reference: str) -> Policy:
    """Policy a thing pinned, shipped or published here; PolicyError when there is none."""
    policy = PRESETS.get(reference)
    if policy is not None:
        return policy
    document = _document(session, POLICY, reference)
    if document is None:
        raise PolicyError(reference, "neither shipped nor published here")
    found: Policy = decoded(document, Policy)
    return found


def pinned_calendar(session: Session, reference: str) -> Calendar:
    """Calendar a clock pinned, shipped or published here; CalendarError when there is none."""
    calendar = CALENDARS.get(reference)
    if calendar is not None:
        return calendar
    document = _document(session, CALENDAR, reference)
    if document is None:
        raise CalendarError(reference, "neither shipped nor published here")
    found: Calendar = decoded(document, Calendar)
    return found


def policies(session: Session) -> dict[str, Policy]:
    """Every policy by reference, shipped and published."""
    return dict(PRESETS) | {
        policy.reference: policy
        for policy in (decoded(text, Policy) for text in _documents(session, POLICY))
    }


def calendars(session: Session) -> dict[str, Calendar]:
    """Every calendar by reference, shipped and published."""
    return dict(CALENDARS) | {
        calendar.reference: calendar
        for calendar in (decoded(text, Calendar) for text in _documents(session, CALENDAR))
    }


def newest_calendars(session: Session) -> dict[str, Calendar]:
    """By name, the newest version of each calendar."""
    found = sorted(calendars(session).values(), key=lambda calendar: calendar.version)
    return {calendar.name: calendar for calendar in found}


def scales(session: Session) -> Scales:
    """Return what finds the scale of a timebase."""

    def scale(timebase: str) -> Scale:
        unit, _, reference = timebase.partition(":")
        if unit == REAL:
            return RealTime()
        calendar = pinned_calendar(session, reference)
        return BusinessTime(calendar) if unit == "business" else WorkingDays(calendar)

    return scale


def running_on(session: Session, timebases: Collection[str], limit: int) -> list[ServiceClock]:
    """Clocks that count in one of these and may still be counted anew, locked, in one order."""
    found = (
        select(ServiceClock)
        .where(ServiceClock.timebase.in_(list(timebases)))
        .where(ServiceClock.stopped_at.is_(None), ServiceClock.breached_at.is_(None))
        .order_by(ServiceClock.id)
        .limit(limit)
        .with_for_update()
    )
    return list(session.scalars(found))


def _document(session: Session, kind: str, reference: str) -> str | None:
    name, _, version = reference.rpartition("@")
    found = select(PublishedDocument.document).where(
        PublishedDocument.kind == kind,
        PublishedDocument.name == name,
        PublishedDocument.version == (int(version) if version.isdecimal() else -1),
    )
    return session.scalar(found)


def _documents(session: Session, kind: str) -> list[str]:
    found = select(PublishedDocument.document).where(PublishedDocument.kind == kind)
    return list(session.scalars(found))


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


def clock_by_id(session: Session, clock_id: str) -> ServiceClock:
    """Clock, locked; NotFoundError when there is none."""
    found = select(ServiceClock).where(ServiceClock.id == clock_id).with_for_update()
    clock = session.scalar(found)
    if clock is None:
        raise NotFoundError("clock", clock_id)
    return clock


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
    return [
        Step(StepKind(row.kind), row.at, row.amount, row.timebase, row.until)
        for row in session.scalars(found)
    ]


def reading_of(clock: ServiceClock) -> Reading:
    """Return what the row says the clock shows."""
    names = Reading.__dataclass_fields__
    return Reading(**{name: getattr(clock, name) for name in names})


def earliest_due(
    session: Session, owner_kind: str, owner_ids: Iterable[str], event: str
) -> datetime | None:
    """Return when the first running clock that is about `event` is due, over these things."""
    return earliest_dues(session, owner_kind, owner_ids, [event])[event]


def earliest_dues(
    session: Session, owner_kind: str, owner_ids: Iterable[str], events: Collection[str]
) -> dict[str, datetime | None]:
    """Return the same for several events, in one look."""
    running = [
        (pinned(session, clock.policy).clock(clock.name), clock.due_at)
        for clocks in clocks_of(session, owner_kind, owner_ids).values()
        for clock in clocks
        if clock.stopped_at is None
    ]
    return {
        event: min((due for rule, due in running if rule.is_about(event)), default=None)
        for event in events
    }
