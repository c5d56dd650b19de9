"""What merging tickets means for their visits.

Split from `handlers.py` by theme.
"""

from fleet_server.dispatch.assignment import join, refresh
from fleet_server.dispatch.given_back import give_back
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.queries import link_of, ticket_ids_of, unended_visit_of
from fleet_server.dispatch.states import VisitState
from fleet_server.dispatch.visits import abort
from fleet_server.technicians.queries import abilities
from fleet_server.technicians.rules import is_qualified
from fleet_server.tickets.events import TicketAppointed, TicketMerging
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import locked_ticket
from fleet_server.tickets.service import begin_dispatch, skills_of
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction

_TAKEN = frozenset({VisitState.ACCEPTED, VisitState.TRAVELLING})
_WITHOUT_TECHNICIAN = frozenset({TicketState.NEW, TicketState.TRIAGED, TicketState.REOPENED})


def on_ticket_merging(tx: Transaction, fact: TicketMerging) -> None:
    """Whoever is on the way for the merged ticket comes for the other one, where they can.

    Otherwise the other one's visit goes on, unless its technician cannot do what came to it. The
    merged ticket leaves its own visit right after this.
    """
    visit = unended_visit_of(tx.session, fact.ticket_id)
    into = locked_ticket(tx.session, fact.into)
    own = unended_visit_of(tx.session, into.id)
    if visit is not None and visit.state in _TAKEN and _may_join(tx, visit, into):
        if own is not None and own.id != visit.id:
            _leave(tx, own, into)
        if into.state != TicketState.TRIAGED:
            begin_dispatch(tx, into)
        join(tx, visit, into)
    elif own is not None:
        refresh(tx, own)
        if own.state in {VisitState.OFFERED, VisitState.ACCEPTED} and not _can_do(tx, own, into):
            give_back(tx, own, "merged work asks for more")


def on_ticket_appointed(tx: Transaction, fact: TicketAppointed) -> None:
    """A visit is due when the site wants somebody."""
    visit = unended_visit_of(tx.session, fact.ticket_id)
    if visit is not None:
        refresh(tx, visit)


def _may_join(tx: Transaction, visit: Visit, ticket: Ticket) -> bool:
    return ticket.state in _WITHOUT_TECHNICIAN and _can_do(tx, visit, ticket)


def _can_do(tx: Transaction, visit: Visit, ticket: Ticket) -> bool:
    known = abilities(tx.session, tx.now).get(visit.technician_id or "")
    skills, level = {*visit.skills, *skills_of(ticket)}, max(visit.level, ticket.level)
    return known is not None and is_qualified(known[1], skills, tx.now, level)


def _leave(tx: Transaction, visit: Visit, ticket: Ticket) -> None:
    link = link_of(tx.session, visit.id, ticket.id)
    if link is not None:
        link.dropped_at = tx.now
    refresh(tx, visit)
    if not ticket_ids_of(tx.session, [visit.id])[visit.id]:
        abort(tx, visit, "somebody else is on the way already")
