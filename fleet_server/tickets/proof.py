"""What has to be proven before a ticket is resolved, verified and closed.

Split from `service.py` because it is another question: not "what happens", but "may it happen".
"""

from typing import Any

from fleet_server.audit.service import record
from fleet_server.errors import InvalidError
from fleet_server.faults.models import Fault
from fleet_server.faults.rules import FaultSource
from fleet_server.faults.service import end_for
from fleet_server.faults.states import FaultState
from fleet_server.live.service import changed
from fleet_server.tickets.errors import FaultsActiveError, RecordIncompleteError
from fleet_server.tickets.models import ServiceRecord, Ticket
from fleet_server.tickets.queries import faults_of, record_fields, record_of
from fleet_server.tickets.rules import RecordFields, missing_fields
from fleet_server.tickets.service import move
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction
from protocol.events import ClearedBy


def save_record(tx: Transaction, ticket: Ticket, fields: RecordFields) -> ServiceRecord:
    """Write the service record, whole; it stands still once the ticket is resolved.

    Raises InvalidError when the work ends before it begins or the ticket is past it.
    """
    if ticket.state in {TicketState.VERIFIED, TicketState.CLOSED, TicketState.CANCELLED}:
        raise InvalidError("record", f"the ticket is {ticket.state}; its record stands")
    if fields.began_at and fields.finished_at and fields.finished_at < fields.began_at:
        raise InvalidError("finished_at", "the work ends after it began")
    if ticket.state == TicketState.RESOLVED and missing_fields(fields):
        raise RecordIncompleteError(ticket.id, missing_fields(fields))
    row = record_of(tx.session, ticket.id)
    if row is None:
        row = ServiceRecord(ticket_id=ticket.id)
        tx.session.add(row)
    for name in RecordFields.__dataclass_fields__:
        setattr(row, name, getattr(fields, name))
    row.saved_at, row.saved_by = tx.now, tx.actor
    tx.session.flush()
    lacking = {"missing": missing_fields(fields)}
    record(tx, "ticket.record_saved", "ticket", ticket.id, lacking, ticket.site_id)
    changed(tx, [f"ticket/{ticket.id}"], "ticket", ticket.id, ticket.site_id)
    return row


def must_be_recorded(tx: Transaction, ticket: Ticket) -> None:
    """Raise RecordIncompleteError unless the service record is whole."""
    missing = missing_fields(record_fields(tx.session, ticket.id))
    if missing:
        raise RecordIncompleteError(ticket.id, missing)


def resolve(tx: Transaction, ticket: Ticket, reason: str) -> None:
    """Say that the work is done; verified at once where the cabinet has proven it already.

    Raises RecordIncompleteError, IllegalTransitionError.
    """
    must_be_recorded(tx, ticket)
    move(tx, ticket, TicketState.RESOLVED, reason)
    verify_if_cleared(tx, ticket)


def verify_if_cleared(tx: Transaction, ticket: Ticket) -> None:
    """Verify a resolved ticket whose faults the cabinet cleared; one without faults waits."""
    if ticket.state != TicketState.RESOLVED:
        return
    faults = faults_of(tx.session, ticket.id)
    if faults and not _active(faults):
        move(tx, ticket, TicketState.VERIFIED, "the cabinet cleared its faults")


def verify(tx: Transaction, ticket: Ticket, reason: str, details: dict[str, Any]) -> None:
    """Verify by word of the site or a supervisor. Raises FaultsActiveError.

    Latched findings of the server have nobody else to end them: this ends them.
    """
    left = []
    for fault in _active(faults_of(tx.session, ticket.id)):
        if fault.source == FaultSource.SERVER and fault.latched:
            end_for(tx, fault, ClearedBy.REMOTE, tx.actor)
        else:
            left.append(fault.id)
    if left:
        raise FaultsActiveError(ticket.id, left)
    move(tx, ticket, TicketState.VERIFIED, reason, details)


def _active(faults: list[Fault]) -> list[Fault]:
    return [fault for fault in faults if fault.state == FaultState.ACTIVE]
