"""Steps of an accepted visit: travel, check in, finish; and aborting it, whoever does.

Split from `assignment.py` by verb.
"""

from dataclasses import dataclass

from fleet_server.auth.rules import Role
from fleet_server.cabinets.queries import cabinet_by_id, site_by_id
from fleet_server.dispatch.answers import withdraw
from fleet_server.dispatch.assignment import about, step
from fleet_server.dispatch.errors import NotAtSiteError
from fleet_server.dispatch.events import VisitAborted, VisitArrived, VisitDone
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.planner.travel import Place, distance_metres
from fleet_server.dispatch.queries import tickets_of
from fleet_server.dispatch.routes import retime
from fleet_server.dispatch.rules import (
    CHECK_IN_METRES_MAX,
    SERVICE_SEEN_COUNTS,
    CheckInWay,
)
from fleet_server.dispatch.states import VISIT_LIFE, VisitState
from fleet_server.errors import IllegalTransitionError
from fleet_server.notifications.rules import to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.technicians.queries import audience_of, technician_by_id
from fleet_server.tickets import proof
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import cabinets_of
from fleet_server.tickets.service import arrive, hand_over, move, return_to_dispatch
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction


@dataclass(frozen=True)
class CheckIn:
    """What a technician shows for being there."""

    way: CheckInWay
    latitude: float | None = None
    longitude: float | None = None
    code: str = ""


def depart(tx: Transaction, visit: Visit, reason: str) -> None:
    """Set out."""
    step(tx, visit, VisitState.TRAVELLING, reason or "travelling")


def check_in(tx: Transaction, visit: Visit, shown: CheckIn, reason: str) -> None:
    """Arrive, proven: the arrival clocks stop, the tickets are in progress.

    Raises NotAtSiteError, IllegalTransitionError.
    """
    _legal(visit, VisitState.ON_SITE)
    tickets = tickets_of(tx.session, visit.id)
    _prove(tx, visit, tickets, shown)
    visit.check_in_way, visit.checked_in_at = shown.way, tx.now
    visit.check_in_latitude, visit.check_in_longitude = shown.latitude, shown.longitude
    step(tx, visit, VisitState.ON_SITE, reason or "on site", {"way": shown.way})
    for ticket in tickets:
        if ticket.state == TicketState.SCHEDULED:
            arrive(tx, ticket, f"technician on site ({shown.way})")
    tx.announce(VisitArrived(visit.id, _ids(tickets), visit.site_id, visit.technician_id or ""))


def finish(tx: Transaction, visit: Visit, reason: str) -> None:
    """End the work: each ticket has its whole service record and is resolved.

    Raises RecordIncompleteError, IllegalTransitionError.
    """
    _legal(visit, VisitState.DONE)
    tickets = tickets_of(tx.session, visit.id)
    working = [ticket for ticket in tickets if ticket.state == TicketState.IN_PROGRESS]
    for ticket in working:
        proof.must_be_recorded(tx, ticket)
    step(tx, visit, VisitState.DONE, reason or "done")
    for ticket in working:
        proof.resolve(tx, ticket, "visit done")
    tx.announce(VisitDone(visit.id, _ids(tickets), visit.site_id, visit.technician_id or ""))


def abort(
    tx: Transaction,
    visit: Visit,
    reason: str,
    leave_in: TicketState = TicketState.TRIAGED,
) -> None:
    """End a visit without its work; its tickets wait in `leave_in`, or are given out anew."""
    withdraw(tx, visit, reason)
    tickets = tickets_of(tx.session, visit.id)
    step(tx, visit, VisitState.ABORTED, reason)
    _tell_technician(tx, visit, reason)
    tx.announce(VisitAborted(visit.id, _ids(tickets), visit.site_id, visit.technician_id, reason))
    if visit.technician_id is not None:
        retime(tx, technician_by_id(tx.session, visit.technician_id))
    for ticket in tickets:
        _leave(tx, ticket, leave_in, reason)


def _leave(tx: Transaction, ticket: Ticket, leave_in: TicketState, reason: str) -> None:
    under_way = {TicketState.TRIAGED, TicketState.SCHEDULED, TicketState.IN_PROGRESS}
    if ticket.state not in under_way:
        return
    if leave_in is TicketState.TRIAGED:
        return_to_dispatch(tx, ticket, reason)
        return
    move(tx, ticket, leave_in, reason)
    hand_over(tx, ticket, to_role(Role.DISPATCHER), reason)


def _prove(tx: Transaction, visit: Visit, tickets: list[Ticket], shown: CheckIn) -> None:
    if shown.way is CheckInWay.GPS:
        _prove_by_gps(tx, visit, shown)
    elif shown.way is CheckInWay.CABINET_CODE:
        _prove_by_code(tx, tickets, shown)
    elif visit.service_seen_at is None or tx.now - visit.service_seen_at > SERVICE_SEEN_COUNTS:
        raise NotAtSiteError(shown.way, "no cabinet of the site saw its service door opened")


def _prove_by_gps(tx: Transaction, visit: Visit, shown: CheckIn) -> None:
    if shown.latitude is None or shown.longitude is None:
        raise NotAtSiteError(shown.way, "latitude and longitude are needed")
    site = site_by_id(tx.session, visit.site_id)
    here = Place(shown.latitude, shown.longitude)
    away = distance_metres(here, Place(site.latitude, site.longitude))
    if away > CHECK_IN_METRES_MAX:
        raise NotAtSiteError(shown.way, f"{away:.0f} m away; within {CHECK_IN_METRES_MAX:.0f} m")


def _prove_by_code(tx: Transaction, tickets: list[Ticket], shown: CheckIn) -> None:
    """Check the serial number on the plate inside. The id proves nothing: it is in the ticket."""
    ids = set().union(*cabinets_of(tx.session, tickets).values())
    plates = {cabinet_by_id(tx.session, cabinet_id).serial_number for cabinet_id in ids}
    if shown.code not in plates:
        raise NotAtSiteError(shown.way, "this is no code of a cabinet of this visit")


def _tell_technician(tx: Transaction, visit: Visit, reason: str) -> None:
    if visit.technician_id is None:
        return
    technician = technician_by_id(tx.session, visit.technician_id)
    message = said("visit.called_off", reason=reason)
    notify(tx, audience_of(technician), message, about(tx, visit))


def _legal(visit: Visit, to: VisitState) -> None:
    state = VisitState(visit.state)
    if to not in VISIT_LIFE.steps[state]:
        raise IllegalTransitionError(VISIT_LIFE.kind, state, to, VISIT_LIFE.steps[state])


def _ids(tickets: list[Ticket]) -> tuple[str, ...]:
    return tuple(ticket.id for ticket in tickets)
