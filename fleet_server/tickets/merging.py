"""Two tickets become one, one becomes two.

Split from `service.py` by verb. Whatever people do so, each ticket has one accountable owner, no
work is lost, and nobody wins time: a clock keeps the earlier of two due instants, and a breach
stays where it happened.
"""

from collections.abc import Collection

from fleet_server.attachments.service import hand_on as hand_on_attachments
from fleet_server.audit.service import record
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.faults.models import Fault
from fleet_server.faults.rules import kind_of
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets import dues
from fleet_server.tickets.by_hand import appoint, hand_on_notes
from fleet_server.tickets.events import TicketMerging
from fleet_server.tickets.models import Ticket, TicketFault
from fleet_server.tickets.queries import faults_of
from fleet_server.tickets.rules import (
    TICKET_ORIGIN,
    TicketKind,
    more_urgent,
    priority_of,
)
from fleet_server.tickets.service import (
    OWNER_KIND,
    NewTicket,
    escalate,
    link_fault,
    move,
    note,
    open_ticket,
    skills_of,
)
from fleet_server.tickets.states import ACTS, JOINABLE, TicketAct, TicketState
from fleet_server.transactions import Transaction
from protocol.faults import Severity


def merge(tx: Transaction, ticket: Ticket, into: Ticket, reason: str) -> None:
    """End a ticket as a part of another one of its site, which is as urgent and due as early.

    Both are locked. Raises InvalidError, ConflictError, IllegalTransitionError.
    """
    _check_pair(ticket, into)
    # The first of all facts: the other one may take the place in a visit that is on its way, before
    # it is given a visit of its own, and before the cancelled one leaves.
    tx.announce(TicketMerging(ticket.id, into.id))
    faults = faults_of(tx.session, ticket.id)
    _hand_on_faults(tx, ticket, into, faults)
    hand_on_notes(tx, ticket, into)
    hand_on_attachments(tx, OWNER_KIND, ticket.id, into.id)
    into.further_skills = sorted((skills_of(ticket) | skills_of(into)) - {into.skill})
    cabinets = {*ticket.further_cabinets, *into.further_cabinets, ticket.cabinet_id or ""}
    into.further_cabinets = sorted(cabinets - {"", into.cabinet_id})
    into.level = max(into.level, ticket.level)
    into.repeats = max(into.repeats, ticket.repeats)
    into.repeat_of = into.repeat_of or ticket.repeat_of
    promised = dues.of(tx, OWNER_KIND, ticket.id)
    severity = Severity(ticket.severity) if ticket.severity is not None else None
    escalate(tx, into, Priority(ticket.priority), severity)
    dues.keep_earlier(tx, OWNER_KIND, into.id, promised)
    _keep_appointment(tx, ticket, into)
    ids = [fault.id for fault in faults]
    facts = {"from": ticket.id, "faults": ids}
    note(tx, into, "merged", TicketState(into.state), reason, facts)
    record(tx, "ticket.merged", "ticket", into.id, {**facts, "reason": reason}, into.site_id)
    ticket.merged_into = into.id
    why = f"merged into {into.id}: {reason}"
    move(tx, ticket, TicketState.CANCELLED, why, {"into": into.id, "faults": ids})


def split(
    tx: Transaction, ticket: Ticket, fault_ids: Collection[str], title: tuple[str, str], reason: str
) -> Ticket:
    """Give some of a ticket's faults to a new one, which is due no later.

    `title`: in Chinese and English. Raises InvalidError for faults it has not, or all it has.
    """
    faults = faults_of(tx.session, ticket.id)
    chosen = [fault for fault in faults if fault.id in fault_ids]
    if len(chosen) < len(set(fault_ids)):
        raise InvalidError("fault_ids", "the ticket is not to end all of these")
    if len(chosen) == len(faults):
        raise InvalidError("fault_ids", "at least one fault stays with the ticket")
    promised = dues.of(tx, OWNER_KIND, ticket.id)
    for fault in chosen:
        _unlink(tx, ticket, fault)
    tx.session.flush()
    made = open_ticket(tx, _part(ticket, chosen, title))
    dues.keep_earlier(tx, OWNER_KIND, made.id, promised)
    facts = {"into": made.id, "faults": [fault.id for fault in chosen]}
    note(tx, ticket, "split", TicketState(ticket.state), reason, facts)
    record(tx, "ticket.split", "ticket", ticket.id, {**facts, "reason": reason}, ticket.site_id)
    return made


def _check_pair(ticket: Ticket, into: Ticket) -> None:
    if ticket.id == into.id:
        raise InvalidError("into", "a ticket is not merged into itself")
    if ticket.site_id != into.site_id:
        raise InvalidError("into", "it is at another site")
    if into.state not in JOINABLE:
        raise ConflictError(f"ticket {into.id} is {into.state}; no work joins it any more")
    if TicketKind.RECALL_REMOVAL in {ticket.kind, into.kind}:
        raise ConflictError("removal tickets prove a recall cabinet by cabinet; they stay apart")
    if ticket.needs_visit and not into.needs_visit:
        raise ConflictError("merge the one for the desk into the one that needs a visit")


def _hand_on_faults(
    tx: Transaction, ticket: Ticket, into: Ticket, faults: Collection[Fault]
) -> None:
    for fault in faults:
        _unlink(tx, ticket, fault)
        link_fault(tx, into, fault.id)
    tx.session.flush()


def _keep_appointment(tx: Transaction, ticket: Ticket, into: Ticket) -> None:
    """What the site was promised for the merged ticket holds for both, unless it wanted another."""
    start, end = ticket.appointment_from, ticket.appointment_to
    can_be_kept = TicketState(into.state) in ACTS[TicketAct.APPOINT]
    if start is None or end is None or end <= tx.now or into.appointment_to or not can_be_kept:
        return
    appoint(tx, into, start, end)


def _unlink(tx: Transaction, ticket: Ticket, fault: Fault) -> None:
    tx.session.delete(tx.session.get_one(TicketFault, (ticket.id, fault.id)))


def _part(ticket: Ticket, faults: Collection[Fault], title: tuple[str, str]) -> NewTicket:
    gravest = min((Severity(fault.severity) for fault in faults), key=lambda one: one.rank)
    cabinets = {fault.cabinet_id for fault in faults}
    first = next(iter(faults))
    return NewTicket(
        kind=TicketKind(ticket.kind),
        priority=more_urgent(Priority(ticket.priority), priority_of(gravest)),
        site_id=ticket.site_id,
        cabinet_id=cabinets.pop() if len(cabinets) == 1 else None,
        component=first.component,
        skill=kind_of(first.code, first.part).skill if ticket.needs_visit else ticket.skill,
        severity=gravest,
        title_zh=title[0],
        title_en=title[1],
        needs_visit=ticket.needs_visit,
        origin_kind=TICKET_ORIGIN,
        origin_id=ticket.id,
        fault_ids=tuple(fault.id for fault in faults),
        split_from=ticket.id,
        level=ticket.level,
    )
