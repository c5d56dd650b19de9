"""Sweeps of tickets: what is due by the clock alone. Each is bounded and may run again.

Split from `handlers.py`: nobody announces that time has passed.
"""

from datetime import datetime, timedelta
from itertools import groupby

from fleet_server.cabinets.queries import mutings_over, site_by_id
from fleet_server.cabinets.service import end_muting
from fleet_server.faults.models import Fault
from fleet_server.faults.queries import active_faults_of
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.handlers import follow_fault
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import due_tickets, silent_too_long, unended_ticket
from fleet_server.tickets.rules import TicketKind
from fleet_server.tickets.service import (
    NewTicket,
    begin_dispatch,
    join_fault,
    move,
    open_ticket,
)
from fleet_server.tickets.states import JOINABLE, TicketState
from fleet_server.transactions import Transaction
from protocol.faults import CATALOGUE, Severity

TICKETS_MAX = 100
"""Tickets of one sweep; those left over are taken a second later."""
SILENT_MAX = 500
"""Silent cabinets of one sweep: a region that goes dark is worked off in seconds."""
MUTINGS_MAX = 50
"""Cabinets of one sweep whose muting ended."""
OFFLINE = "OFFLINE"


def triage_waiting_tickets(tx: Transaction) -> None:
    """Triage what nobody triaged in time; technicians are asked later, by `dispatch_at`."""
    for ticket in due_tickets(tx.session, Ticket.triage_at, tx.now, TICKETS_MAX):
        move(tx, ticket, TicketState.TRIAGED, "automatic: nobody did it before")


def dispatch_waiting_tickets(tx: Transaction) -> None:
    """Let technicians be asked where the wait is over."""
    for ticket in due_tickets(tx.session, Ticket.dispatch_at, tx.now, TICKETS_MAX):
        begin_dispatch(tx, ticket)


def close_quiet_tickets(tx: Transaction) -> None:
    """Close what was verified and stayed quiet."""
    for ticket in due_tickets(tx.session, Ticket.close_at, tx.now, TICKETS_MAX):
        move(tx, ticket, TicketState.CLOSED, "quiet")


def open_site_tickets(tx: Transaction) -> None:
    """One ticket for each site with cabinets silent for too long (P-10)."""
    delay = timedelta(seconds=policy_in_force(tx.session).site_silent_seconds)
    silent = silent_too_long(tx.session, OFFLINE, tx.now - delay, tx.now, SILENT_MAX)
    for site_id, faults in groupby(silent, key=lambda fault: fault.site_id):
        _one_for_site(tx, site_id, list(faults))


def follow_after_muting(tx: Transaction) -> None:
    """Open the tickets a muting held back, where the fault still stands."""
    for cabinet in mutings_over(tx.session, tx.now, MUTINGS_MAX):
        end_muting(tx, cabinet)
        for fault in active_faults_of(tx.session, cabinet.id):
            follow_fault(tx, fault)


def _one_for_site(tx: Transaction, site_id: str, faults: list[Fault]) -> None:
    kind = CATALOGUE[OFFLINE]
    standing = unended_ticket(tx.session, site_id, None, TicketKind.FAULT, kind.component)
    if standing is not None and standing.state in JOINABLE:
        for fault in faults:
            join_fault(tx, standing, fault.id, Severity(fault.severity))
        return
    site = site_by_id(tx.session, site_id)
    open_ticket(
        tx,
        NewTicket(
            kind=TicketKind.FAULT,
            priority=Priority.P2,
            site_id=site_id,
            component=kind.component,
            skill=kind.skill,
            severity=kind.severity,
            title_zh=f"{kind.title_zh}（{site.name}）",
            title_en=f"{kind.title_en} ({site.name})",
            description=_silent_since(faults),
            origin_kind="site",
            origin_id=site_id,
            fault_ids=tuple(fault.id for fault in faults),
        ),
    )


def _silent_since(faults: list[Fault]) -> str:
    first: datetime = min(fault.since for fault in faults)
    cabinets = ", ".join(sorted(fault.cabinet_id for fault in faults))
    return f"{cabinets}: {first.isoformat(timespec='seconds')}"
