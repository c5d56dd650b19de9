"""Give a visit to somebody else: by a plan or by a dispatcher.

Split from `assignment.py`, which finds somebody: here it is known who. Nobody is sent unasked:
the taker gets an offer, and whoever had it is told. Before their shift begins nobody is asked; the
visit waits, meant for them (`planned_for`).
"""

from dataclasses import dataclass
from datetime import datetime

from fleet_server.dispatch.answers import leave_route, withdraw
from fleet_server.dispatch.assignment import about, ask, look_again, step
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.queries import tickets_of
from fleet_server.dispatch.states import VisitState
from fleet_server.errors import ConflictError
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.technicians.queries import abilities, audience_of, technician_by_id
from fleet_server.technicians.rules import on_duty_until
from fleet_server.tickets.service import return_to_dispatch
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction

_MOVABLE = frozenset({VisitState.PLANNED, VisitState.OFFERED, VisitState.ACCEPTED})


@dataclass(frozen=True)
class Seat:
    """Who is to do it, and when they should be there; nobody: it waits for a dispatcher."""

    technician_id: str | None
    arrival_at: datetime | None = None


def give_to(tx: Transaction, visit: Visit, seat: Seat, reason: str) -> None:
    """Take a visit from whoever has it and ask the taker. Raises ConflictError once under way."""
    if visit.state not in _MOVABLE:
        raise ConflictError(f"visit {visit.id} is {visit.state}; it is not given to others now")
    if visit.technician_id is not None and visit.technician_id == seat.technician_id:
        return
    if visit.state != VisitState.PLANNED:
        _take_back(tx, visit, reason)
    visit.planned_for, visit.planned_arrival_at = seat.technician_id, seat.arrival_at
    if seat.technician_id is not None and is_on_duty(tx, seat.technician_id):
        ask(tx, visit, technician_by_id(tx.session, seat.technician_id), seat.arrival_at or tx.now)
    else:
        look_again(tx, visit)


def is_on_duty(tx: Transaction, technician_id: str) -> bool:
    """Whether they work now."""
    known = abilities(tx.session, tx.now).get(technician_id)
    return known is not None and on_duty_until(known[1], tx.now) is not None


def _take_back(tx: Transaction, visit: Visit, reason: str) -> None:
    had_accepted = visit.state == VisitState.ACCEPTED
    giver = technician_by_id(tx.session, visit.technician_id or "")
    withdraw(tx, visit, reason)
    step(tx, visit, VisitState.PLANNED, reason)
    leave_route(tx, visit)
    notify(tx, audience_of(giver), said("visit.given_to_another", reason=reason), about(tx, visit))
    if had_accepted:
        _count(tx, visit)
        for ticket in tickets_of(tx.session, visit.id):
            if ticket.state == TicketState.SCHEDULED:
                return_to_dispatch(tx, ticket, reason)


def _count(tx: Transaction, visit: Visit) -> None:
    today = tx.now.date()
    visit.moves = visit.moves + 1 if visit.moved_on == today else 1
    visit.moved_on = today
