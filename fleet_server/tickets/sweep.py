"""Sweeps of tickets: what is due by the clock alone. Each is bounded and may run again.

Split from `handlers.py`: nobody announces that time has passed.
"""

from datetime import timedelta
from itertools import groupby

from fleet_server.cabinets.queries import mutings_over, site_by_id
from fleet_server.cabinets.service import end_muting
from fleet_server.faults.queries import active_faults_of
from fleet_server.faults.rules import OFFLINE, flapping_window
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, said
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.tickets.by_hand import about
from fleet_server.tickets.handlers import follow_fault
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import (
    SELF_CLEARED,
    due_tickets,
    lock_site_tickets,
    silent_too_long,
    steady_site_tickets,
)
from fleet_server.tickets.rules import WAIT_LOOK, WAIT_REMIND
from fleet_server.tickets.service import begin_dispatch, move, return_to_dispatch
from fleet_server.tickets.silent_sites import ask_for_site
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction

TICKETS_MAX = 100
"""Tickets of one sweep; those left over are taken a second later."""
SILENT_MAX = 500
"""Silent cabinets of one sweep: a region that goes dark is worked off in seconds."""
MUTINGS_MAX = 50
"""Cabinets of one sweep whose muting ended."""


def triage_waiting_tickets(tx: Transaction) -> None:
    """Triage what nobody triaged in time; technicians are asked later, by `dispatch_at`."""
    for ticket in due_tickets(tx.session, Ticket.triage_at, tx.now, TICKETS_MAX):
        move(tx, ticket, TicketState.TRIAGED, "automatic: nobody did it before")


def dispatch_waiting_tickets(tx: Transaction) -> None:
    """Let technicians be asked where the wait is over."""
    for ticket in due_tickets(tx.session, Ticket.dispatch_at, tx.now, TICKETS_MAX):
        begin_dispatch(tx, ticket)


def look_at_waits(tx: Transaction) -> None:
    """Go on where the site is open again; else ask whoever answers for it what became of it."""
    for ticket in due_tickets(tx.session, Ticket.wait_look_at, tx.now, TICKETS_MAX):
        expected = ticket.expected_at
        if ticket.state == TicketState.WAITING_SITE and expected is not None:
            return_to_dispatch(tx, ticket, "the site is open again")
            continue
        ticket.wait_look_at = tx.now + (WAIT_LOOK if expected is None else WAIT_REMIND)
        _ask_about(tx, ticket)


def _ask_about(tx: Transaction, ticket: Ticket) -> None:
    title = InBoth(ticket.title_zh, ticket.title_en)
    message = said(
        "ticket.still_waiting",
        ticket=title,
        reason=ticket.reason,
        expected=ticket.expected_at or "?",
    )
    notify(tx, ticket.owner, message, about(ticket, site_by_id(tx.session, ticket.site_id)))


def close_quiet_tickets(tx: Transaction) -> None:
    """Close what was verified and stayed quiet."""
    for ticket in due_tickets(tx.session, Ticket.close_at, tx.now, TICKETS_MAX):
        move(tx, ticket, TicketState.CLOSED, "quiet")


def open_site_tickets(tx: Transaction) -> None:
    """One ticket for each site with cabinets silent for too long (P-10)."""
    delay = timedelta(seconds=policy_in_force(tx.session).site_silent_seconds)
    silent = silent_too_long(tx.session, OFFLINE, tx.now - delay, tx.now, SILENT_MAX)
    # In the order ingest locks them when the cabinets are heard again: by ticket, not by site.
    lock_site_tickets(tx.session, {fault.site_id for fault in silent})
    for site_id, faults in groupby(silent, key=lambda fault: fault.site_id):
        ask_for_site(tx, site_id, list(faults))


def close_steady_sites(tx: Transaction) -> None:
    """Close what stood because cabinets came and went, once all were heard for a window."""
    window = flapping_window(policy_in_force(tx.session).site_silent_seconds)
    for ticket in steady_site_tickets(tx.session, OFFLINE, tx.now - window, TICKETS_MAX):
        move(tx, ticket, TicketState.CLOSED, SELF_CLEARED)


def follow_after_muting(tx: Transaction) -> None:
    """Open the tickets a muting held back, where the fault still stands."""
    for cabinet in mutings_over(tx.session, tx.now, MUTINGS_MAX):
        end_muting(tx, cabinet)
        for fault in active_faults_of(tx.session, cabinet.id):
            follow_fault(tx, fault)
