"""Answers to offers: yes, no, silence; and taking an offer back.

Split from `assignment.py` by verb.
"""

from fleet_server.auth.rules import Role
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch.assignment import about, ask_next, step, take_over
from fleet_server.dispatch.errors import OfferAnsweredError
from fleet_server.dispatch.events import VisitAccepted
from fleet_server.dispatch.models import Offer, Visit
from fleet_server.dispatch.queries import standing_offer, tickets_of
from fleet_server.dispatch.routes import retime
from fleet_server.dispatch.rules import REFUSALS_UNTIL_DISPATCHER
from fleet_server.dispatch.states import OFFER_LIFE, OfferState, VisitState
from fleet_server.dispatch.wishes import wish_for_visit
from fleet_server.notifications.rules import to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.queries import technician_by_id
from fleet_server.transactions import Transaction


def accept(tx: Transaction, visit: Visit, reason: str) -> None:
    """Take the visit. A yes after the deadline still counts while nobody else was asked.

    Raises OfferAnsweredError.
    """
    offer = _waiting(tx, visit)
    technician = technician_by_id(tx.session, offer.technician_id)
    if not technician.active:  # left in the moment the offer was made: it ends by its deadline
        raise OfferAnsweredError(visit.id, visit.state)
    _end(tx, offer, OfferState.ACCEPTED, reason)
    step(tx, visit, VisitState.ACCEPTED, reason or "accepted")
    tickets = tickets_of(tx.session, visit.id)
    for ticket in tickets:
        take_over(tx, ticket, technician)
    ids = tuple(ticket.id for ticket in tickets)
    tx.announce(VisitAccepted(visit.id, ids, visit.site_id, technician.id))


def decline(tx: Transaction, visit: Visit, reason: str) -> None:
    """Refuse the visit: the next technician is asked at once. Raises OfferAnsweredError."""
    _refused(tx, visit, _waiting(tx, visit), OfferState.DECLINED, reason or "declined")


def expire(tx: Transaction, visit: Visit) -> None:
    """Nobody answered in time: the next technician is asked at once."""
    offer = standing_offer(tx.session, visit.id)
    if offer is not None and offer.deadline <= tx.now:
        _refused(tx, visit, offer, OfferState.EXPIRED, "no answer in time")


def withdraw(tx: Transaction, visit: Visit, reason: str) -> None:
    """Take back an offer that waits, if there is one."""
    offer = standing_offer(tx.session, visit.id)
    if offer is not None:
        _end(tx, offer, OfferState.WITHDRAWN, reason)


def leave_route(tx: Transaction, visit: Visit) -> None:
    """Take a visit out of its technician's route; the others' arrivals are computed anew."""
    technician_id, visit.technician_id = visit.technician_id, None
    visit.planned_arrival_at = None
    tx.session.flush()
    if technician_id is not None:
        retime(tx, technician_by_id(tx.session, technician_id))


def _waiting(tx: Transaction, visit: Visit) -> Offer:
    offer = standing_offer(tx.session, visit.id)
    if offer is None:
        raise OfferAnsweredError(visit.id, visit.state)
    return offer


def _refused(tx: Transaction, visit: Visit, offer: Offer, state: OfferState, reason: str) -> None:
    _end(tx, offer, state, reason)
    step(tx, visit, VisitState.PLANNED, reason, {"offer": offer.id, "answer": state})
    visit.refusals += 1
    # Whom a dispatcher chose has said no: the lock would leave nobody to ask.
    visit.locked_to = visit.planned_for = None
    leave_route(tx, visit)
    if visit.refusals == REFUSALS_UNTIL_DISPATCHER:
        message = said("visit.refused", refusals=visit.refusals)
        notify(tx, to_role(Role.DISPATCHER), message, about(tx, visit))
    if Priority(visit.priority) is not Priority.P3:
        wish_for_visit(tx, visit, site_by_id(tx.session, visit.site_id).region, str(state))
    ask_next(tx, visit)


def _end(tx: Transaction, offer: Offer, state: OfferState, reason: str) -> None:
    offer.state = OFFER_LIFE.step(OfferState(offer.state), state)
    offer.answered_at, offer.reason = tx.now, reason[:200]
    tx.session.flush()
