"""Visits of who leaves, is away, or may not do them any more: others are asked.

Split from `handlers.py` by theme: all of it answers facts about technicians.
"""

from collections.abc import Sequence
from datetime import timedelta

from fleet_server.auth.rules import Role
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch.answers import leave_route, withdraw
from fleet_server.dispatch.assignment import ask_next, step
from fleet_server.dispatch.errors import VisitsOpenError
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.queries import locked_visit, unended_visits_with
from fleet_server.dispatch.rules import SERVICE_SECONDS
from fleet_server.dispatch.states import NOT_BEGUN, UNENDED, VisitState
from fleet_server.dispatch.visits import abort
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, said
from fleet_server.technicians.events import TechnicianAway, TechnicianChanged, TechnicianLeft
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import abilities, technician_by_id
from fleet_server.technicians.rules import Span, is_qualified, works_in
from fleet_server.technicians.working_time import note_concerned
from fleet_server.transactions import Transaction

LEFT = InBoth("维修人员已离岗", "the technician left")
AWAY = InBoth("缺勤", "away")
NO_SHIFT = InBoth("班次已取消", "the shift was taken back")
BARRED = InBoth("技能、区域或资质已变更", "skills, region or qualification changed")


def on_technician_left(tx: Transaction, fact: TechnicianLeft) -> None:
    """Give their visits to others. Raises VisitsOpenError where nobody said that this is meant."""
    visits = unended_visits_with(tx.session, fact.technician_id)
    if visits and not fact.release_visits:
        raise VisitsOpenError(fact.technician_id, [visit.id for visit in visits])
    technician = technician_by_id(tx.session, fact.technician_id)
    _release(tx, technician, visits, LEFT)


def on_technician_away(tx: Transaction, fact: TechnicianAway) -> None:
    """Give others the visits nobody can begin then; name those, and the ones under way."""
    span = Span(fact.starts_at, fact.ends_at)
    visits = unended_visits_with(tx.session, fact.technician_id)
    concerned = [visit for visit in visits if _falls_into(tx, visit, span)]
    if fact.absence_id is not None:
        note_concerned(tx, fact.absence_id, [visit.id for visit in concerned])
    waiting = [visit for visit in concerned if visit.state in NOT_BEGUN]
    technician = technician_by_id(tx.session, fact.technician_id)
    _release(tx, technician, waiting, AWAY if fact.absence_id is not None else NO_SHIFT)


def on_technician_changed(tx: Transaction, fact: TechnicianChanged) -> None:
    """Give others what the technician may not do any more: skill, region, qualification."""
    known = abilities(tx.session, tx.now).get(fact.technician_id)
    if known is None:
        return
    technician, ability = known
    barred = [
        visit
        for visit in unended_visits_with(tx.session, fact.technician_id)
        if visit.state in NOT_BEGUN
        and not (
            is_qualified(ability, visit.skills, tx.now, visit.level)
            and works_in(ability, site_by_id(tx.session, visit.site_id).region)
        )
    ]
    _release(tx, technician, barred, BARRED)


def _release(
    tx: Transaction, technician: Technician, visits: Sequence[Visit], reason: InBoth
) -> None:
    if not visits:
        return
    ids = [visit.id for visit in visits]
    for visit_id in ids:
        visit = locked_visit(tx.session, visit_id)
        if visit.state in UNENDED and visit.technician_id == technician.id:
            give_back(tx, visit, reason.en)
    message = said(
        "visits.given_back",
        technician=technician.name,
        count=len(ids),
        reason=reason,
        visits=", ".join(ids),
    )
    about = About("technician", technician.id, None, technician.region)
    notify(tx, to_role(Role.DISPATCHER), message, about, Urgency.URGENT)


def give_back(tx: Transaction, visit: Visit, reason: str) -> None:
    """Ask others: an offer is withdrawn, what was accepted ends and its tickets begin anew."""
    if visit.state != VisitState.OFFERED:
        abort(tx, visit, reason)
        return
    withdraw(tx, visit, reason)
    step(tx, visit, VisitState.PLANNED, reason)
    leave_route(tx, visit)
    ask_next(tx, visit)


def _falls_into(tx: Transaction, visit: Visit, span: Span) -> bool:
    """Whether a visit would be worked on in that time, as far as the plan says."""
    begins = visit.checked_in_at or visit.planned_arrival_at or tx.now
    return span.overlaps(Span(begins, begins + timedelta(seconds=SERVICE_SECONDS)))
