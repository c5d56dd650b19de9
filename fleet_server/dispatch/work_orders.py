"""Work-order tokens: what lets a technician do things at a cabinet, signed (P-12).

Split from `visits.py`: it is about signed documents, not about steps.
"""

from datetime import datetime

import msgspec

from fleet_server.audit.service import record
from fleet_server.cabinets.queries import cabinet_by_id
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.queries import tickets_of
from fleet_server.dispatch.rules import WORK_ORDER_LIFETIME, allowed_actions
from fleet_server.dispatch.states import UNDER_WAY
from fleet_server.errors import ConflictError
from fleet_server.signing import SigningService
from fleet_server.tickets.queries import cabinets_of
from fleet_server.tickets.rules import TicketKind
from fleet_server.transactions import Transaction
from protocol.signatures import Envelope, SignedKind
from protocol.work_order import WorkOrder


def work_orders(
    tx: Transaction, signing: SigningService, fleet: str, visit: Visit
) -> tuple[datetime, dict[str, Envelope]]:
    """Return until when they hold, and a token for each cabinet of the visit.

    Raises ConflictError while the technician is not under way.
    """
    if visit.state not in UNDER_WAY:
        raise ConflictError(f"a work order is given out under way; the visit is {visit.state}")
    not_after = tx.now + WORK_ORDER_LIFETIME
    tokens = {}
    for cabinet_id, kinds in sorted(_kinds_by_cabinet(tx, visit).items()):
        order = WorkOrder(
            kind=SignedKind.WORK_ORDER,
            fleet=fleet,
            cabinet=cabinet_by_id(tx.session, cabinet_id).id,
            visit=visit.id,
            technician=visit.technician_id or "",
            actions=allowed_actions(kinds),
            not_after=not_after,
        )
        tokens[cabinet_id] = msgspec.json.decode(signing.signed(order), type=Envelope)
    record(tx, "work_order.signed", "visit", visit.id, {"cabinets": list(tokens)}, visit.site_id)
    return not_after, tokens


def _kinds_by_cabinet(tx: Transaction, visit: Visit) -> dict[str, list[TicketKind]]:
    tickets = tickets_of(tx.session, visit.id)
    cabinets = cabinets_of(tx.session, tickets)
    kinds: dict[str, list[TicketKind]] = {}
    for ticket in tickets:
        for cabinet_id in cabinets[ticket.id]:
            kinds.setdefault(cabinet_id, []).append(TicketKind(ticket.kind))
    return kinds
