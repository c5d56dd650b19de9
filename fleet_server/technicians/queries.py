"""All selects of technicians."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope
from fleet_server.errors import NotFoundError
from fleet_server.notifications.rules import to_technician, to_user
from fleet_server.technicians.models import Absence, Qualification, Shift, Technician
from fleet_server.technicians.rules import Ability, Certificate, Span


def technician_by_id(session: Session, technician_id: str) -> Technician:
    """Technician; NotFoundError when there is none."""
    technician = session.get(Technician, technician_id)
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


def abilities(session: Session, now: datetime) -> dict[str, tuple[Technician, Ability]]:
    """Active technicians with what decides whether they can be asked now or later."""
    technicians = list(
        session.scalars(select(Technician).where(Technician.active).order_by(Technician.id))
    )
    ids = [technician.id for technician in technicians]
    certificates = _certificates(session, ids, now)
    shifts = _spans(session, Shift, ids, now)
    absences = _spans(session, Absence, ids, now)
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
        held[row.technician_id].append(Certificate(row.skill, row.expires_at))
    return held


def _spans(
    session: Session, table: type[Shift] | type[Absence], ids: Iterable[str], now: datetime
) -> defaultdict[str, list[Span]]:
    found = select(table.technician_id, table.starts_at, table.ends_at).where(
        table.technician_id.in_(list(ids)), table.ends_at > now
    )
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for technician_id, starts_at, ends_at in session.execute(found):
        spans[technician_id].append(Span(starts_at, ends_at))
    return spans
