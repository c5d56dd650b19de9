"""All selects of technicians."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session, aliased

from fleet_server.auth.rules import Scope
from fleet_server.errors import NotFoundError
from fleet_server.notifications.rules import to_technician, to_user
from fleet_server.technicians.models import (
    Absence,
    Location,
    Qualification,
    Shift,
    Technician,
    TechnicianPosition,
)
from fleet_server.technicians.rules import POSITION_KEPT_FOR, Ability, Certificate, Span


def technician_by_id(session: Session, technician_id: str) -> Technician:
    """Technician; NotFoundError when there is none."""
    technician = session.get(Technician, technician_id)
    if technician is None:
        raise NotFoundError("technician", technician_id)
    return technician


def technicians_by_id(session: Session, ids: Iterable[str]) -> list[Technician]:
    """Those of these technicians that there are, by id."""
    found = select(Technician).where(Technician.id.in_(list(ids))).order_by(Technician.id)
    return list(session.scalars(found))


def locked_technician(session: Session, technician_id: str) -> Technician:
    """Technician for a change; NotFoundError when there is none.

    The lock is the weaker one, which offers and movements that refer to the row do not wait for.
    """
    found = select(Technician).where(Technician.id == technician_id)
    found = found.with_for_update(key_share=True)
    technician = session.scalar(found.execution_options(populate_existing=True))
    if technician is None:
        raise NotFoundError("technician", technician_id)
    return technician


def technician_of_user(session: Session, user_id: str | None) -> Technician | None:
    """Technician who signs in as this person."""
    if user_id is None:
        return None
    return session.scalar(select(Technician).where(Technician.user_id == user_id))


def audience_of(technician: Technician) -> str:
    """Return whom a notice to this technician goes to, and who owns their tickets."""
    if technician.user_id is not None:
        return to_user(technician.user_id)
    return to_technician(technician.id)


def technicians_within(scope: Scope) -> Select[Technician]:
    """Technicians of these regions; one who works everywhere is everyone's."""
    found = select(Technician)
    if scope.everywhere:
        return found
    # A scope of sites alone still sees the technicians who work everywhere.
    mine: list[ColumnElement[bool]] = [Technician.region.is_(None)]
    mine.append(Technician.region.in_(scope.regions) if scope.regions else false())
    return found.where(or_(*mine))


def location_by_id(session: Session, location_id: str) -> Location:
    """Location; NotFoundError when there is none."""
    location = session.get(Location, location_id)
    if location is None:
        raise NotFoundError("location", location_id)
    return location


def locations_within(scope: Scope) -> Select[Location]:
    """Locations of these regions; one without region is everyone's."""
    found = select(Location)
    if scope.everywhere:
        return found
    return found.where(or_(Location.region.is_(None), Location.region.in_(scope.regions)))


def start_places(
    session: Session, technicians: Iterable[Technician]
) -> dict[str, tuple[float, float]]:
    """Where the day of each begins, latitude and longitude: the depot, else at home."""
    people = list(technicians)
    depots = {one.depot_id for one in people if one.depot_id is not None}
    found = select(Location).where(Location.id.in_(depots))
    rows = {row.id: row for row in session.scalars(found)} if depots else {}
    places = {}
    for one in people:
        depot = rows.get(one.depot_id or "")
        if depot is not None and depot.latitude is not None and depot.longitude is not None:
            places[one.id] = (depot.latitude, depot.longitude)
        else:
            places[one.id] = (one.home_latitude, one.home_longitude)
    return places


def shift_of(session: Session, technician_id: str, shift_id: str) -> Shift:
    """Shift of this technician; NotFoundError when there is none."""
    shift = session.get(Shift, shift_id)
    if shift is None or shift.technician_id != technician_id:
        raise NotFoundError("shift", shift_id)
    return shift


def absence_of(session: Session, technician_id: str, absence_id: str) -> Absence:
    """Absence of this technician; NotFoundError when there is none."""
    absence = session.get(Absence, absence_id)
    if absence is None or absence.technician_id != technician_id:
        raise NotFoundError("absence", absence_id)
    return absence


def shifts_near(session: Session, technician_id: str, span: Span) -> list[Shift]:
    """Shifts that overlap this span."""
    found = select(Shift).where(
        Shift.technician_id == technician_id,
        Shift.starts_at < span.ends_at,
        Shift.ends_at > span.starts_at,
    )
    return list(session.scalars(found.order_by(Shift.starts_at)))


def lapsing(session: Session, now: datetime, days: int, limit: int) -> list[Qualification]:
    """Qualifications of active technicians that lapse within these days, not warned of yet.

    Locked, soonest first. Those that are renewed already are left out.
    """
    renewed = aliased(Qualification)
    is_renewed = (
        select(renewed.id)
        .where(renewed.technician_id == Qualification.technician_id)
        .where(
            or_(
                renewed.skill == Qualification.skill,
                renewed.skill.is_(None) & Qualification.skill.is_(None),
            ),
            renewed.level >= Qualification.level,
            renewed.expires_at > Qualification.expires_at,
        )
        .exists()
    )
    found = (
        select(Qualification)
        .join(Technician, Technician.id == Qualification.technician_id)
        .where(Technician.active, Qualification.expires_at > now)
        .where(Qualification.expires_at <= now + timedelta(days=days), ~is_renewed)
        .where(or_(Qualification.warned_days.is_(None), Qualification.warned_days > days))
        .order_by(Qualification.expires_at, Qualification.id)
        .limit(limit)
    )
    return list(session.scalars(found.with_for_update(of=Qualification, skip_locked=True)))


def lapsed(session: Session, now: datetime, limit: int) -> list[Qualification]:
    """Qualifications of active technicians that lapsed and were not noted yet, locked."""
    found = (
        select(Qualification)
        .join(Technician, Technician.id == Qualification.technician_id)
        .where(Technician.active, Qualification.expires_at <= now)
        .where(or_(Qualification.warned_days.is_(None), Qualification.warned_days > 0))
        .order_by(Qualification.expires_at, Qualification.id)
        .limit(limit)
    )
    return list(session.scalars(found.with_for_update(of=Qualification, skip_locked=True)))


def position_of(session: Session, technician_id: str, now: datetime) -> TechnicianPosition:
    """Last known position; NotFoundError when none is kept."""
    row = session.get(TechnicianPosition, technician_id)
    if row is None or row.at <= now - POSITION_KEPT_FOR:
        raise NotFoundError("position", technician_id)
    return row


def abilities(session: Session, now: datetime) -> dict[str, tuple[Technician, Ability]]:
    """Active technicians with what decides whether they can be asked now or later."""
    technicians = list(
        session.scalars(select(Technician).where(Technician.active).order_by(Technician.id))
    )
    ids = [technician.id for technician in technicians]
    certificates = _certificates(session, ids, now)
    shifts, breaks = _shifts(session, ids, now)
    absences = _absences(session, ids, now)
    return {
        one.id: (
            one,
            Ability(
                one.id,
                one.active,
                frozenset(one.skills),
                tuple(certificates[one.id]),
                tuple(shifts[one.id]),
                tuple(absences[one.id]),
                one.region,
                tuple(breaks[one.id]),
            ),
        )
        for one in technicians
    }


def _certificates(
    session: Session, ids: Iterable[str], now: datetime
) -> defaultdict[str, list[Certificate]]:
    found = select(Qualification).where(
        Qualification.technician_id.in_(list(ids)), Qualification.expires_at > now
    )
    held: defaultdict[str, list[Certificate]] = defaultdict(list)
    for row in session.scalars(found):
        held[row.technician_id].append(Certificate(row.skill, row.expires_at, row.level))
    return held


Spans = defaultdict[str, list[Span]]


def _shifts(session: Session, ids: Iterable[str], now: datetime) -> tuple[Spans, Spans]:
    found = select(Shift.technician_id, Shift.starts_at, Shift.ends_at, Shift.breaks).where(
        Shift.technician_id.in_(list(ids)), Shift.ends_at > now
    )
    shifts: Spans = defaultdict(list)
    breaks: Spans = defaultdict(list)
    for technician_id, starts_at, ends_at, pauses in session.execute(found):
        shifts[technician_id].append(Span(starts_at, ends_at))
        breaks[technician_id] += [break_span(one) for one in pauses]
    return shifts, breaks


def break_span(row: dict[str, str]) -> Span:
    """One break of a shift's row."""
    return Span(datetime.fromisoformat(row["starts_at"]), datetime.fromisoformat(row["ends_at"]))


def _absences(session: Session, ids: Iterable[str], now: datetime) -> Spans:
    found = select(Absence.technician_id, Absence.starts_at, Absence.ends_at).where(
        Absence.technician_id.in_(list(ids)), Absence.ends_at > now
    )
    spans: Spans = defaultdict(list)
    for technician_id, starts_at, ends_at in session.execute(found):
        spans[technician_id].append(Span(starts_at, ends_at))
    return spans
