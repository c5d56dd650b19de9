"""All selects of dispatch."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from fleet_server.auth.rules import Scope
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import within
from fleet_server.dispatch.models import (
    Offer,
    PlanMove,
    PlanRound,
    PlanVersion,
    PlanWish,
    Visit,
    VisitHistory,
    VisitTicket,
)
from fleet_server.dispatch.states import NOT_BEGUN, UNENDED, OfferState, VisitState
from fleet_server.errors import NotFoundError
from fleet_server.faults.models import Fault
from fleet_server.faults.states import FaultState
from fleet_server.tickets.models import Ticket, TicketFault


def visit_by_id(session: Session, visit_id: str) -> Visit:
    """Visit; NotFoundError when there is none."""
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise NotFoundError("visit", visit_id)
    return visit


def locked_visit(session: Session, visit_id: str) -> Visit:
    """Visit for a change; NotFoundError when there is none.

    Its tickets are locked first, as everywhere: two orders of locking would be a deadlock.
    """
    session.flush()
    tickets = select(VisitTicket.ticket_id).where(VisitTicket.visit_id == visit_id)
    lock = select(Ticket.id).where(Ticket.id.in_(tickets)).order_by(Ticket.id).with_for_update()
    session.execute(lock).all()
    found = select(Visit).where(Visit.id == visit_id).with_for_update()
    visit = session.scalar(found.execution_options(populate_existing=True))
    if visit is None:
        raise NotFoundError("visit", visit_id)
    return visit


def visits_seen(scope: Scope | None, technician_id: str | None) -> Select[Visit]:
    """Visits at the sites a scope covers, and those of this technician."""
    own = Visit.technician_id == technician_id
    if scope is None:
        return select(Visit).where(own)
    if scope.everywhere:
        return select(Visit)
    there = within(select(Visit.id), Visit.site_id, scope)
    return select(Visit).where(or_(Visit.id.in_(there), own))


def for_ticket(found: Select[Visit], ticket_id: str) -> Select[Visit]:
    """Keep only visits that are or were for this ticket."""
    ids = select(VisitTicket.visit_id).where(VisitTicket.ticket_id == ticket_id)
    return found.where(Visit.id.in_(ids))


def unended_visit_of(session: Session, ticket_id: str) -> Visit | None:
    """Visit that is for this ticket and has not ended, locked."""
    return unended_visits_of(session, [ticket_id]).get(ticket_id)


def unended_visits_of(session: Session, ticket_ids: Iterable[str]) -> dict[str, Visit]:
    """The same for many tickets, locked in one order; those without a visit are left out."""
    found = (
        select(VisitTicket.ticket_id, Visit)
        .join(Visit, Visit.id == VisitTicket.visit_id)
        .where(one_of(session, VisitTicket.ticket_id, ticket_ids))
        .where(VisitTicket.dropped_at.is_(None), Visit.state.in_(UNENDED))
        .order_by(Visit.id)
    )
    return dict(session.execute(found.with_for_update(of=Visit)).all())


def unended_visits_with(session: Session, technician_id: str) -> list[Visit]:
    """Visits somebody was asked for or has accepted, by id; not locked."""
    found = select(Visit).where(Visit.technician_id == technician_id, Visit.state.in_(UNENDED))
    return list(session.scalars(found.order_by(Visit.id)))


def not_begun_visits_at(session: Session, site_id: str) -> list[Visit]:
    """Visits of a site a ticket may still join, most advanced first, locked."""
    found = (
        select(Visit)
        .where(Visit.site_id == site_id, Visit.state.in_(NOT_BEGUN))
        .order_by(Visit.state, Visit.id)
        .with_for_update()
    )
    return list(session.scalars(found))


def under_way_at(session: Session, site_ids: Iterable[str]) -> list[Visit]:
    """Visits travelling to these sites, locked."""
    found = select(Visit).where(
        Visit.site_id.in_(list(site_ids)),
        Visit.state.in_([VisitState.ACCEPTED, VisitState.TRAVELLING]),
    )
    return list(session.scalars(found.with_for_update()))


def link_of(session: Session, visit_id: str, ticket_id: str) -> VisitTicket | None:
    """Link of a ticket to a visit, dropped or not."""
    return session.get(VisitTicket, (visit_id, ticket_id))


def tickets_of(session: Session, visit_id: str) -> list[Ticket]:
    """Tickets a visit is for now, oldest first."""
    session.flush()
    found = (
        select(Ticket)
        .join(VisitTicket, VisitTicket.ticket_id == Ticket.id)
        .where(VisitTicket.visit_id == visit_id, VisitTicket.dropped_at.is_(None))
        .order_by(Ticket.id)
    )
    return list(session.scalars(found))


def ticket_ids_of(session: Session, visit_ids: Iterable[str]) -> defaultdict[str, list[str]]:
    """Ids of the tickets of several visits."""
    found = (
        select(VisitTicket.visit_id, VisitTicket.ticket_id)
        .where(VisitTicket.visit_id.in_(list(visit_ids)), VisitTicket.dropped_at.is_(None))
        .order_by(VisitTicket.ticket_id)
    )
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for visit_id, ticket_id in session.execute(found):
        ids[visit_id].append(ticket_id)
    return ids


def answered_no(session: Session, visit_id: str, states: Iterable[OfferState]) -> set[str]:
    """Technicians whose offers of this visit ended in one of these states."""
    found = select(Offer.technician_id).where(
        Offer.visit_id == visit_id, Offer.state.in_(list(states))
    )
    return set(session.scalars(found))


def gave_back(session: Session, visit_id: str) -> set[str]:
    """Technicians who gave back another visit for one of the same tickets."""
    mine = select(VisitTicket.ticket_id).where(VisitTicket.visit_id == visit_id)
    found = (
        select(Visit.technician_id)
        .join(VisitTicket, VisitTicket.visit_id == Visit.id)
        .where(VisitTicket.ticket_id.in_(mine), Visit.given_back)
    )
    return {technician_id for technician_id in session.scalars(found) if technician_id}


def standing_offer(session: Session, visit_id: str) -> Offer | None:
    """Offer of this visit that waits for its answer, locked."""
    return session.scalar(
        select(Offer)
        .where(Offer.visit_id == visit_id, Offer.state == OfferState.OFFERED)
        .with_for_update()
    )


def offer_by_id(session: Session, offer_id: str) -> Offer:
    """Offer; NotFoundError when there is none."""
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise NotFoundError("offer", offer_id)
    return offer


def offers_of(session: Session, visit_id: str) -> list[Offer]:
    """All offers of a visit, oldest first."""
    return list(
        session.scalars(
            select(Offer).where(Offer.visit_id == visit_id).order_by(Offer.offered_at, Offer.id)
        )
    )


def expired_offers(session: Session, now: datetime, limit: int) -> list[str]:
    """Visits whose standing offer nobody answered in time."""
    found = (
        select(Offer.visit_id)
        .where(Offer.state == OfferState.OFFERED, Offer.deadline <= now)
        .order_by(Offer.deadline)
        .limit(limit)
    )
    return list(session.scalars(found))


def visits_to_ask_again(session: Session, now: datetime, limit: int) -> list[str]:
    """Planned visits for which everyone is asked again now."""
    found = (
        select(Visit.id)
        .where(Visit.state == VisitState.PLANNED, Visit.ask_again_at <= now)
        .order_by(Visit.ask_again_at)
        .limit(limit)
    )
    return list(session.scalars(found))


def planned_visits(scope: Scope) -> Select[Visit]:
    """Visits nobody has taken, at the sites of a scope."""
    return within(select(Visit), Visit.site_id, scope).where(Visit.state == VisitState.PLANNED)


def visits_of_technicians(
    session: Session, technician_ids: Iterable[str]
) -> defaultdict[str, list[tuple[Visit, Site]]]:
    """Unended visits with their sites, by technician, in the order of the plan."""
    found = (
        select(Visit, Site)
        .join(Site, Site.id == Visit.site_id)
        .where(Visit.technician_id.in_(list(technician_ids)), Visit.state.in_(UNENDED))
        .order_by(Visit.planned_arrival_at, Visit.id)
    )
    visits: defaultdict[str, list[tuple[Visit, Site]]] = defaultdict(list)
    for visit, site in session.execute(found):
        visits[visit.technician_id or ""].append((visit, site))
    return visits


def last_sites(session: Session, technician_ids: Iterable[str], since: datetime) -> dict[str, Site]:
    """Where each technician's last done visit since then was."""
    found = (
        select(Visit.technician_id, Site)
        .join(Site, Site.id == Visit.site_id)
        .where(Visit.technician_id.in_(list(technician_ids)))
        .where(Visit.state == VisitState.DONE, Visit.ended_at >= since)
        .order_by(Visit.ended_at)
    )
    return {technician_id: site for technician_id, site in session.execute(found) if technician_id}


def history_of(session: Session, visit_id: str) -> list[VisitHistory]:
    """Steps of a visit, oldest first."""
    found = select(VisitHistory).where(VisitHistory.visit_id == visit_id)
    return list(session.scalars(found.order_by(VisitHistory.seq)))


def planned_in(session: Session, region: str) -> list[tuple[Visit, Site]]:
    """Visits of a region that nobody has been asked for, with their sites, oldest first."""
    found = (
        select(Visit, Site)
        .join(Site, Site.id == Visit.site_id)
        .where(Site.region == region, Visit.state == VisitState.PLANNED)
        .order_by(Visit.id)
    )
    return [(visit, site) for visit, site in session.execute(found)]


def refusals_of(session: Session, visit_ids: Iterable[str]) -> dict[str, set[str]]:
    """Technicians who declined each visit, or gave one of its tickets back."""
    ids = list(visit_ids)
    declined = select(Offer.visit_id, Offer.technician_id).where(
        one_of(session, Offer.visit_id, ids), Offer.state == OfferState.DECLINED
    )
    mine, other = aliased(VisitTicket), aliased(VisitTicket)
    returned = (
        select(mine.visit_id, Visit.technician_id)
        .join(other, other.ticket_id == mine.ticket_id)
        .join(Visit, Visit.id == other.visit_id)
        .where(one_of(session, mine.visit_id, ids), Visit.given_back)
    )
    found: dict[str, set[str]] = {}
    for query in (declined, returned):
        for visit_id, technician_id in session.execute(query):
            if technician_id is not None:
                found.setdefault(visit_id, set()).add(technician_id)
    return found


def fault_codes_of(session: Session, visit_ids: Iterable[str]) -> dict[str, list[str]]:
    """Codes of the active faults of the tickets of each visit."""
    found = (
        select(VisitTicket.visit_id, Fault.code)
        .join(TicketFault, TicketFault.ticket_id == VisitTicket.ticket_id)
        .join(Fault, Fault.id == TicketFault.fault_id)
        .where(one_of(session, VisitTicket.visit_id, visit_ids))
        .where(VisitTicket.dropped_at.is_(None), Fault.state == FaultState.ACTIVE)
        .order_by(Fault.id)
    )
    codes: dict[str, list[str]] = {}
    for visit_id, code in session.execute(found):
        codes.setdefault(visit_id, []).append(code)
    return codes


def visits_by_id(session: Session, visit_ids: Iterable[str]) -> dict[str, Visit]:
    """Those of these visits that there are."""
    found = select(Visit).where(one_of(session, Visit.id, list(visit_ids)))
    return {visit.id: visit for visit in session.scalars(found)}


def next_wish(session: Session, now: datetime) -> PlanWish | None:
    """The most urgent wish for a plan that is due, locked."""
    found = (
        select(PlanWish)
        .where(PlanWish.not_before <= now)
        .order_by(PlanWish.tier, PlanWish.wished_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalar(found)


def regions_with_work(session: Session, before: datetime, limit: int) -> list[str]:
    """Regions with visits to plan whose last round lies before an instant."""
    found = (
        select(Site.region)
        .join(Visit, Visit.site_id == Site.id)
        .outerjoin(PlanRound, PlanRound.region == Site.region)
        .where(Visit.state.in_(NOT_BEGUN))
        .where(or_(PlanRound.round_at.is_(None), PlanRound.round_at <= before))
        .group_by(Site.region)
        .order_by(Site.region)
        .limit(limit)
    )
    return list(session.scalars(found))


def steps_since(session: Session, region: str, since: datetime) -> bool:
    """Whether any visit of a region took a step since then."""
    found = (
        select(VisitHistory.seq)
        .join(Visit, Visit.id == VisitHistory.visit_id)
        .join(Site, Site.id == Visit.site_id)
        .where(Site.region == region, VisitHistory.at > since)
        .limit(1)
    )
    newly = (
        select(Visit.id)
        .join(Site, Site.id == Visit.site_id)
        .where(Site.region == region, Visit.created_at > since)
        .limit(1)
    )
    return session.scalar(found) is not None or session.scalar(newly) is not None


def plans_within(scope: Scope) -> Select[PlanVersion]:
    """Plan versions of the regions of a scope."""
    found = select(PlanVersion)
    return found if scope.everywhere else found.where(PlanVersion.region.in_(scope.regions))


def moves_of(session: Session, plan_ids: Iterable[str]) -> defaultdict[str, list[PlanMove]]:
    """What each of these plans moved."""
    found = (
        select(PlanMove)
        .where(PlanMove.plan_id.in_(list(plan_ids)))
        .order_by(PlanMove.plan_id, PlanMove.visit_id)
    )
    moves: defaultdict[str, list[PlanMove]] = defaultdict(list)
    for row in session.scalars(found):
        moves[row.plan_id].append(row)
    return moves


def technicians_to_draw(session: Session, before: datetime, limit: int) -> list[str]:
    """Technicians with a visit ahead whose risk is not known, or was drawn before an instant."""
    found = (
        select(Visit.technician_id)
        .where(Visit.state.in_([VisitState.OFFERED, VisitState.ACCEPTED]))
        .where(Visit.technician_id.is_not(None))
        .where(or_(Visit.risk_at.is_(None), Visit.risk_at <= before))
        .group_by(Visit.technician_id)
        .order_by(Visit.technician_id)
        .limit(limit)
    )
    return [one for one in session.scalars(found) if one is not None]
