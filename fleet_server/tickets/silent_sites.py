"""One ticket for a silent site, also when its cabinets come and go.

Split from `sweep.py` because it is a rule of its own: a silence that ends by itself closes the
ticket, unless a cabinet flaps. Then the ticket stands, and further silences join it, until all its
cabinets were heard for a whole window: technicians are asked once, not with each drop.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from fleet_server.cabinets.queries import site_by_id
from fleet_server.faults.models import Fault
from fleet_server.faults.rules import OFFLINE, flapping_window, is_flapping
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import (
    cabinets_of,
    ended_ticket_since,
    self_cleared_since,
    unended_ticket,
)
from fleet_server.tickets.rules import SITE_ORIGIN, TicketKind
from fleet_server.tickets.service import NewTicket, join_fault, link_fault, open_ticket, reopen
from fleet_server.tickets.states import JOINABLE
from fleet_server.transactions import Transaction
from protocol.faults import CATALOGUE, Severity

KIND = CATALOGUE[OFFLINE]


def ask_for_site(tx: Transaction, site_id: str, faults: Sequence[Fault]) -> None:
    """Have somebody look at these silences: the site's ticket is joined, reopened or opened."""
    standing = unended_ticket(tx.session, site_id, None, TicketKind.FAULT, KIND.component)
    if standing is None:
        _open(tx, site_id, faults)
    elif standing.state in JOINABLE:
        for fault in faults:
            join_fault(tx, standing, fault.id, Severity(fault.severity))
    else:
        for fault in faults:
            link_fault(tx, standing, fault.id)
        reopen(tx, standing, "silent again")


def comes_and_goes(tx: Transaction, ticket: Ticket, faults: Sequence[Fault]) -> bool:
    """Whether a site's ticket stays open although all its cabinets are heard just now.

    One of them flaps, or the ticket before this one closed by itself a short while ago.
    """
    if ticket.origin_kind != SITE_ORIGIN:
        return False
    window = flapping_window(policy_in_force(tx.session).site_silent_seconds)
    if any(is_flapping(fault.count) for fault in faults):
        return True
    since = ticket.opened_at - window
    earlier = self_cleared_since(tx.session, ticket.site_id, KIND.component, since)
    return earlier is not None and _share(tx, earlier, faults)


def _open(tx: Transaction, site_id: str, faults: Sequence[Fault]) -> None:
    site = site_by_id(tx.session, site_id)
    earlier = _repeated(tx, site_id, faults)
    open_ticket(
        tx,
        NewTicket(
            kind=TicketKind.FAULT,
            priority=Priority.P2 if earlier is None else Priority.P2.raised,
            site_id=site_id,
            component=KIND.component,
            skill=KIND.skill,
            severity=KIND.severity,
            title_zh=f"{KIND.title_zh}（{site.name}）",
            title_en=f"{KIND.title_en} ({site.name})",
            description=_silent_since(faults),
            origin_kind=SITE_ORIGIN,
            origin_id=site_id,
            fault_ids=tuple(fault.id for fault in faults),
            repeat_of=None if earlier is None else earlier.id,
            repeats=0 if earlier is None else earlier.repeats + 1,
        ),
    )


def _repeated(tx: Transaction, site_id: str, faults: Sequence[Fault]) -> Ticket | None:
    """Ticket whose work did not last: done lately, for one of the same cabinets."""
    within = policy_in_force(tx.session).repeat_within_seconds
    since = tx.now - timedelta(seconds=within)
    earlier = ended_ticket_since(tx.session, site_id, None, TicketKind.FAULT, KIND.component, since)
    return earlier if earlier is not None and _share(tx, earlier, faults) else None


def _share(tx: Transaction, ticket: Ticket, faults: Sequence[Fault]) -> bool:
    return not cabinets_of(tx.session, [ticket])[ticket.id].isdisjoint(
        fault.cabinet_id for fault in faults
    )


def _silent_since(faults: Sequence[Fault]) -> str:
    first: datetime = min(fault.since for fault in faults)
    cabinets = ", ".join(sorted(fault.cabinet_id for fault in faults))
    return f"{cabinets}: {first.isoformat(timespec='seconds')}"
