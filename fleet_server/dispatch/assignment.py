"""From a ticket to a technician who is asked: join or make a visit, choose, offer.

Split from the visit's own steps (`visits.py`) and the answers (`answers.py`) by verb.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch.events import VisitOffered
from fleet_server.dispatch.models import Offer, Visit, VisitHistory, VisitTicket
from fleet_server.dispatch.planner.insertion import Candidate, best_candidates
from fleet_server.dispatch.queries import (
    answered_no,
    gave_back,
    link_of,
    not_begun_visits_at,
    ticket_ids_of,
    unended_visit_of,
)
from fleet_server.dispatch.routes import job_of, standing_problem, take_place
from fleet_server.dispatch.rules import WAIT_WEIGHTS
from fleet_server.dispatch.states import VISIT_LIFE, OfferState, VisitState
from fleet_server.dispatch.wishes import wish_for_visit
from fleet_server.live.service import DISPATCH, changed
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.service_levels.queries import earliest_dues, pinned
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import abilities, audience_of, technician_by_id
from fleet_server.technicians.rules import (
    LEVEL_MIN,
    Ability,
    is_qualified,
    on_duty_until,
    works_in,
)
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.rules import more_urgent
from fleet_server.tickets.service import OWNER_KIND, hand_over, move, skills_of
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction


def schedule(tx: Transaction, ticket: Ticket) -> None:
    """Give a triaged ticket a visit: one of its site that has not begun, or a new one."""
    if ticket.state != TicketState.TRIAGED or unended_visit_of(tx.session, ticket.id) is not None:
        return
    visit = _joinable(tx, ticket)
    if visit is None:
        visit = _new_visit(tx, ticket)
    join(tx, visit, ticket)
    if visit.state == VisitState.PLANNED:
        ask_next(tx, visit)
    if visit.priority == Priority.P1:
        wish_for_visit(tx, visit, site_by_id(tx.session, visit.site_id).region, "urgent")


def join(tx: Transaction, visit: Visit, ticket: Ticket) -> None:
    """Let a visit be for a ticket too; who has accepted it is accountable for it."""
    _link(tx, visit, ticket)
    refresh(tx, visit)
    if visit.state in {VisitState.ACCEPTED, VisitState.TRAVELLING}:
        technician = technician_by_id(tx.session, visit.technician_id or "")
        take_over(tx, ticket, technician)
        _tell_joined(tx, visit, technician)


def ask_next(tx: Transaction, visit: Visit, *, again: bool = False) -> None:
    """Offer a planned visit to the best technician not asked yet.

    `again` also asks those who let an offer expire; who declined is not asked again. Whom a plan
    or a dispatcher means it for is asked first.
    """
    if _waits_for_its_technician(tx, visit):
        look_again(tx, visit)
        return
    found = candidates_for(tx, visit, again=again)
    meant = visit.locked_to or visit.planned_for
    found.sort(key=lambda candidate: candidate.technician_id != meant)
    if found:
        _offer(tx, visit, found[0])
    else:
        _nobody(tx, visit)


def look_again(tx: Transaction, visit: Visit) -> None:
    """See to it that a visit nobody has been asked for is looked at again."""
    wait = timedelta(seconds=pinned(tx.session, visit.policy).replan_seconds)
    visit.ask_again_at = tx.now + wait


def candidates_for(tx: Transaction, visit: Visit, *, again: bool = False) -> list[Candidate]:
    """Return the best three technicians for a visit, with their places and arrivals."""
    site = site_by_id(tx.session, visit.site_id)
    people, until = _eligible(tx, visit, site, again=again)
    job = job_of(visit, site, tx.now, WAIT_WEIGHTS[Priority(visit.priority)])
    return best_candidates(standing_problem(tx, people, until), job)


def step(
    tx: Transaction,
    visit: Visit,
    to: VisitState,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Take one step of a visit's life. Raises IllegalTransitionError."""
    before = VisitState(visit.state)
    visit.state = VISIT_LIFE.step(before, to)
    visit.reason = reason[:200]
    if to in VISIT_LIFE.final:
        visit.ended_at = tx.now
    tx.session.add(
        VisitHistory(
            visit_id=visit.id,
            at=tx.now,
            before=before,
            after=to,
            actor=tx.actor,
            reason=reason[:200],
            details=details or {},
        )
    )
    tx.session.flush()
    record(tx, f"visit.{to}", "visit", visit.id, {"from": before}, visit.site_id)
    tickets = [f"ticket/{key}" for key in ticket_ids_of(tx.session, [visit.id])[visit.id]]
    changed(tx, [DISPATCH, *tickets], "visit", visit.id, visit.site_id)


def take_over(tx: Transaction, ticket: Ticket, technician: Technician) -> None:
    """Let the technician be accountable for a ticket of a visit they accepted."""
    if ticket.state == TicketState.TRIAGED:
        move(tx, ticket, TicketState.SCHEDULED, f"accepted by {technician.name}")
    hand_over(tx, ticket, audience_of(technician), "visit accepted")


def refresh(tx: Transaction, visit: Visit) -> None:
    """Compute what a visit takes from its tickets: urgency, skills, first due instant."""
    tx.session.flush()
    ids = ticket_ids_of(tx.session, [visit.id])[visit.id]
    tickets = [tx.session.get_one(Ticket, key) for key in ids]
    for ticket in tickets:
        visit.priority = more_urgent(Priority(visit.priority), Priority(ticket.priority))
    visit.skills = sorted({skill for ticket in tickets for skill in skills_of(ticket)})
    visit.level = max((ticket.level for ticket in tickets), default=visit.level)
    dues = earliest_dues(tx.session, OWNER_KIND, ids, ["arrived", "resolved"])
    visit.due_at, visit.resolve_by = dues["arrived"], dues["resolved"]


def about(tx: Transaction, visit: Visit) -> About:
    """Return the subject of a notice about a visit."""
    site = site_by_id(tx.session, visit.site_id)
    return About("visit", visit.id, site.id, site.region, ZoneInfo(site.time_zone))


def _eligible(
    tx: Transaction, visit: Visit, site: Site, *, again: bool
) -> tuple[list[Technician], dict[str, Any]]:
    answers = {OfferState.DECLINED} if again else {OfferState.DECLINED, OfferState.EXPIRED}
    refused = answered_no(tx.session, visit.id, answers) | gave_back(tx.session, visit.id)
    people, until = [], {}
    for key, (technician, ability) in abilities(tx.session, tx.now).items():
        end = on_duty_until(ability, tx.now)
        able = is_qualified(ability, visit.skills, tx.now, visit.level)
        able = able and works_in(ability, site.region)
        able = able and visit.locked_to in {None, key}
        if key not in refused and able and end is not None:
            people.append(technician)
            until[key] = end
    return people, until


def _joinable(tx: Transaction, ticket: Ticket) -> Visit | None:
    visits = not_begun_visits_at(tx.session, ticket.site_id)
    if not visits:
        return None
    known = abilities(tx.session, tx.now)
    return next((visit for visit in visits if _takes(tx, visit, ticket, known)), None)


def _takes(
    tx: Transaction,
    visit: Visit,
    ticket: Ticket,
    known: dict[str, tuple[Technician, Ability]],
) -> bool:
    """Whether the visit can carry the ticket too without making it later or impossible."""
    skills, level = {*visit.skills, *skills_of(ticket)}, max(visit.level, ticket.level)
    if visit.technician_id is None:
        return any(is_qualified(ability, skills, tx.now, level) for _, ability in known.values())
    as_urgent = Priority(visit.priority).rank <= Priority(ticket.priority).rank
    entry = known.get(visit.technician_id)
    return as_urgent and entry is not None and is_qualified(entry[1], skills, tx.now, level)


def _new_visit(tx: Transaction, ticket: Ticket) -> Visit:
    visit = Visit(
        id=tx.new_id(),
        site_id=ticket.site_id,
        state=VisitState.PLANNED,
        priority=ticket.priority,
        skills=[],
        level=LEVEL_MIN,
        policy=ticket.policy,
        created_at=tx.now,
        refusals=0,
        given_back=False,
        reason="",
    )
    tx.session.add(visit)
    tx.session.flush()
    record(tx, "visit.planned", "visit", visit.id, site_id=visit.site_id)
    return visit


def _link(tx: Transaction, visit: Visit, ticket: Ticket) -> None:
    link = link_of(tx.session, visit.id, ticket.id)
    if link is None:
        tx.session.add(VisitTicket(visit_id=visit.id, ticket_id=ticket.id, linked_at=tx.now))
    else:
        link.dropped_at = None
    changed(tx, [DISPATCH, f"ticket/{ticket.id}"], "visit", visit.id, visit.site_id)


def _offer(tx: Transaction, visit: Visit, candidate: Candidate) -> None:
    technician = technician_by_id(tx.session, candidate.technician_id)
    ask(tx, visit, technician, tx.now + timedelta(seconds=round(candidate.arrival_seconds)))
    take_place(tx, candidate)


def ask(tx: Transaction, visit: Visit, technician: Technician, arrival_at: datetime) -> None:
    """Offer a planned visit to somebody, who is expected there at that time."""
    window = pinned(tx.session, visit.policy).offer_window_seconds[Priority(visit.priority)]
    visit.technician_id, visit.ask_again_at = technician.id, None
    visit.planned_for, visit.planned_arrival_at = None, arrival_at
    offer = Offer(
        id=tx.new_id(),
        visit_id=visit.id,
        technician_id=technician.id,
        state=OfferState.OFFERED,
        offered_at=tx.now,
        deadline=tx.now + timedelta(seconds=window),
        arrival_at=arrival_at,
        reason="",
    )
    tx.session.add(offer)
    step(tx, visit, VisitState.OFFERED, f"offered to {technician.name}", {"offer": offer.id})
    _tell_offered(tx, visit, technician, offer)
    tx.announce(VisitOffered(visit.id, offer.id, technician.id))


def _waits_for_its_technician(tx: Transaction, visit: Visit) -> bool:
    """Whether a plan means it for somebody whose shift begins later, and in time."""
    at, due = visit.planned_arrival_at, visit.due_at
    if visit.planned_for is None or at is None or at <= tx.now or (due is not None and at > due):
        return False
    known = abilities(tx.session, tx.now).get(visit.planned_for)
    return known is not None and on_duty_until(known[1], tx.now) is None


def _nobody(tx: Transaction, visit: Visit) -> None:
    look_again(tx, visit)
    if visit.nobody_told_at is None:
        visit.nobody_told_at = tx.now
        message = said("visit.nobody")
        notify(tx, to_role(Role.DISPATCHER), message, about(tx, visit), Urgency.URGENT)
    changed(tx, [DISPATCH], "visit", visit.id, visit.site_id)


def _tell_offered(tx: Transaction, visit: Visit, technician: Technician, offer: Offer) -> None:
    site = site_by_id(tx.session, visit.site_id)
    message = said(
        "visit.offered",
        priority=visit.priority,
        site=site.name,
        address=site.address,
        until=offer.deadline,
    )
    urgency = Urgency.URGENT if visit.priority == Priority.P1 else Urgency.NORMAL
    notify(tx, audience_of(technician), message, about(tx, visit), urgency)


def _tell_joined(tx: Transaction, visit: Visit, technician: Technician) -> None:
    notify(tx, audience_of(technician), said("visit.joined"), about(tx, visit))
