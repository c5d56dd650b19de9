"""Reactions of dispatch: to tickets, to their clocks, and to doors opened for service."""

from collections import Counter
from collections.abc import Sequence

from fleet_server.auth.rules import Role
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch.assignment import about, refresh, schedule
from fleet_server.dispatch.events import VisitDone
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.queries import (
    link_of,
    ticket_ids_of,
    under_way_at,
    unended_visit_of,
    unended_visits_of,
)
from fleet_server.dispatch.rules import SUPERVISOR_PERCENT
from fleet_server.dispatch.states import NOT_BEGUN, UNENDED, VisitState
from fleet_server.dispatch.visits import abort
from fleet_server.dispatch.wishes import wish_for_visit
from fleet_server.ingest.events import Received
from fleet_server.notifications.rules import Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.service_levels.events import ClockWarned
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.parts import use_for_ticket
from fleet_server.technicians.queries import technician_by_id
from fleet_server.tickets.events import TicketEscalated, TicketMoved, TicketReady
from fleet_server.tickets.queries import locked_ticket, record_of
from fleet_server.tickets.service import OWNER_KIND
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction
from protocol.events import DoorCause, DoorMoved

_LEFT = frozenset(
    {
        TicketState.CLOSED,
        TicketState.CANCELLED,
        TicketState.WAITING_PARTS,
        TicketState.WAITING_SITE,
    }
)


def on_ticket_ready(tx: Transaction, fact: TicketReady) -> None:
    """Find somebody for the ticket."""
    schedule(tx, locked_ticket(tx.session, fact.ticket_id))


def on_tickets_moved(tx: Transaction, facts: Sequence[TicketMoved]) -> None:
    """Take tickets out of their visits that no technician has to come for any more."""
    visits = unended_visits_of(tx.session, {fact.ticket_id for fact in facts})
    for fact in facts:
        visit = visits.get(fact.ticket_id)
        if visit is None or visit.state not in UNENDED:
            continue
        from_desk = fact.after is TicketState.IN_PROGRESS and visit.state != VisitState.ON_SITE
        if fact.after in _LEFT or from_desk:
            _drop(tx, visit, fact)
            del visits[fact.ticket_id]


def on_ticket_escalated(tx: Transaction, fact: TicketEscalated) -> None:
    """Make its visit as urgent; who was asked already keeps the time they were given."""
    visit = unended_visit_of(tx.session, fact.ticket_id)
    if visit is None:
        return
    refresh(tx, visit)
    if visit.priority == Priority.P1 and visit.state in NOT_BEGUN:
        wish_for_visit(tx, visit, site_by_id(tx.session, visit.site_id).region, "urgent")


def on_clock_warned(tx: Transaction, fact: ClockWarned) -> None:
    """Tell a supervisor when an arrival clock is mostly gone and nobody has accepted."""
    if fact.owner_kind != OWNER_KIND or not fact.clock.startswith("arrival"):
        return
    visit = unended_visit_of(tx.session, fact.owner_id)
    waiting = visit is not None and visit.state in {VisitState.PLANNED, VisitState.OFFERED}
    if visit is not None and waiting and fact.percent >= SUPERVISOR_PERCENT:
        message = said("visit.unaccepted", percent=fact.percent)
        notify(tx, to_role(Role.SUPERVISOR), message, about(tx, visit), Urgency.URGENT)


def on_door_opened(tx: Transaction, events: Sequence[Received]) -> None:
    """Note for visits under way that a cabinet of the site was opened for service."""
    opened = [
        event
        for event in events
        if isinstance(event.body, DoorMoved) and event.body.cause is DoorCause.SERVICE
    ]
    if opened:
        for visit in under_way_at(tx.session, {event.site_id for event in opened}):
            visit.service_seen_at = tx.now


def on_visit_done(tx: Transaction, fact: VisitDone) -> None:
    """Take the parts the service records name from the technician's van."""
    technician = technician_by_id(tx.session, fact.technician_id)
    for ticket_id in fact.ticket_ids:
        record = record_of(tx.session, ticket_id)
        used: Counter[str] = Counter()
        for part in (record.parts or []) if record is not None else []:
            if part.get("code"):
                used[part["code"]] += part["quantity"]
        use_for_ticket(tx, technician, fact.visit_id, ticket_id, used)


def _drop(tx: Transaction, visit: Visit, fact: TicketMoved) -> None:
    link = link_of(tx.session, visit.id, fact.ticket_id)
    if link is not None:
        link.dropped_at = tx.now
    refresh(tx, visit)
    left = ticket_ids_of(tx.session, [visit.id])[visit.id]
    if not left and visit.state != VisitState.ON_SITE:
        abort(tx, visit, f"nothing left to do: {fact.reason}")
