"""Reactions of recalls to the journal and to facts of earlier features, all in bulk."""

from collections.abc import Sequence

from fleet_server.auth.rules import Role
from fleet_server.cabinets.events import CabinetRetired
from fleet_server.ingest.events import Received
from fleet_server.logs import get_logger
from fleet_server.payments.events import RefundEnded
from fleet_server.recalls import buyers, cabinets
from fleet_server.recalls.models import Recall, RecallCabinet, RulesHeld
from fleet_server.recalls.publishing import ensure_public_notice
from fleet_server.recalls.queries import (
    buyer_by_id,
    cabinet_rows,
    held_by,
    recall_by_id,
    rows_of_cabinet,
    rows_of_tickets,
    running_recalls,
    unacknowledged,
)
from fleet_server.recalls.reach import by_cabinet, content_of, sales_in, stock_in
from fleet_server.recalls.scope import terms_of
from fleet_server.recalls.states import CABINET_UNVISITED, CabinetRecallState
from fleet_server.rules.queries import digests_of
from fleet_server.sales.events import SalesRecorded
from fleet_server.sales.models import SaleLineRow
from fleet_server.sales.queries import lines_of_sales
from fleet_server.stock.events import StockShifted
from fleet_server.stock.models import StockLine
from fleet_server.stock.queries import goods_of, lines_by_id
from fleet_server.tickets.events import TicketMoved
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction
from protocol.events import RulesApplied
from protocol.matching import match_terms
from protocol.rules import Terms

log = get_logger("recalls")

_ENDED = frozenset({TicketState.CANCELLED, TicketState.CLOSED})
_BY_TICKET = {
    TicketState.SCHEDULED: CabinetRecallState.VISIT_ASSIGNED,
    TicketState.IN_PROGRESS: CabinetRecallState.ON_SITE,
    TicketState.WAITING_SITE: CabinetRecallState.REFUSED_ACCESS,
}


def on_rules_applied(tx: Transaction, received: Sequence[Received]) -> None:
    """`rules.applied`: the only acknowledgement; each row needs the recall's version or more."""
    told = [(one, one.body) for one in received if isinstance(one.body, RulesApplied)]
    digests = digests_of(tx.session, {body.version for _, body in told})
    newest = {
        one.cabinet_id: (one, body)
        for one, body in told
        if _is_ours(one.cabinet_id, body, digests.get(body.version))
    }
    if not newest:
        return
    held = held_by(tx.session, newest)
    for cabinet_id, (one, body) in newest.items():
        row = held.get(cabinet_id)
        if row is None:
            row = held[cabinet_id] = RulesHeld(cabinet_id=cabinet_id, version=0, blocked=[])
            tx.session.add(row)
        if body.version >= row.version:  # a version never goes back (invariant 3)
            row.version, row.at = body.version, one.at
            row.blocked = sorted({slot.recall for slot in body.blocked})
    tx.session.flush()
    for recall_row in unacknowledged(tx.session, newest):
        recall = recall_by_id(tx.session, recall_row.recall_id)
        cabinets.acknowledge(tx, recall, recall_row, held[recall_row.cabinet_id])


def on_stock_shifted(tx: Transaction, fact: StockShifted) -> None:
    """Take in cabinets that late events bring, and the steps the ledger proves by now."""
    recalls = running_recalls(tx.session)
    if not recalls:
        return
    lines = lines_by_id(tx.session, fact.line_ids)
    for recall in recalls:
        terms = terms_of(content_of(recall).scope)
        concerned = sorted({line.cabinet_id for line in lines if _means(terms, line)})
        if concerned:
            _follow_stock(tx, recall, concerned)


def on_sales_recorded(tx: Transaction, fact: SalesRecorded) -> None:
    """Make buyers of matching sales that arrive after activation (invariant 6)."""
    recalls = running_recalls(tx.session)
    lines = lines_of_sales(tx.session, fact.sale_ids) if recalls else []
    for recall in recalls:
        scope = content_of(recall).scope
        if not any(_means(terms_of(scope), line) for line in lines):
            continue
        found = sales_in(tx.session, scope, fact.sale_ids)
        if buyers.add_buyers(tx, recall, found, late=True):
            ensure_public_notice(tx, recall, "a buyer without contact")


def on_tickets_moved(tx: Transaction, facts: Sequence[TicketMoved]) -> None:
    """Let the board follow the visits of removals."""
    rows = rows_of_tickets(tx.session, {fact.ticket_id for fact in facts})
    for fact in facts:
        _follow(tx, [row for row in rows[fact.ticket_id] if row.ticket_id == fact.ticket_id], fact)


def _follow(tx: Transaction, rows: Sequence[RecallCabinet], fact: TicketMoved) -> None:
    wanted = _BY_TICKET.get(fact.after)
    for row in rows:
        if wanted is not None:
            cabinets.follow_ticket(tx, row, wanted)
        elif fact.after is TicketState.TRIAGED or fact.after in _ENDED:
            cabinets.back_to_waiting(tx, row, fact.reason or str(fact.after))
        if fact.after in _ENDED and row.state in CABINET_UNVISITED:
            row.ticket_id = None
            roles = [Role.OPERATOR, Role.SUPERVISOR]
            cabinets.tell(tx, row, roles, "recall.removal_uncounted")


def on_cabinet_retired(tx: Transaction, fact: CabinetRetired) -> None:
    """Take a retired cabinet off the board once the ledger proves it empty and accounted for."""
    for row in rows_of_cabinet(tx.session, fact.cabinet_id):
        recall = recall_by_id(tx.session, row.recall_id)
        found = stock_in(tx.session, content_of(recall).scope, [row.cabinet_id])
        cabinets.retire_if_empty(tx, row, found)


def on_refund_ended(tx: Transaction, fact: RefundEnded) -> None:
    """Settle the buyer a refund was for."""
    if fact.purpose.startswith(buyers.PURPOSE):
        _, recall_id, buyer_id, _line = fact.purpose.split("/")
        buyer = buyer_by_id(tx.session, recall_id, buyer_id)
        buyers.refund_ended(tx, recall_by_id(tx.session, recall_id), buyer)


def _is_ours(cabinet_id: str, body: RulesApplied, issued: str | None) -> bool:
    """Whether the digest is that of the bundle we issued: another one acknowledges nothing."""
    if issued == body.digest:
        return True
    log.warning("rules.unknown_digest", cabinet=cabinet_id, version=body.version)
    return False


def _means(terms: Terms, line: StockLine | SaleLineRow) -> bool:
    goods = goods_of(line.gtin, line.lot, line.expiry, line.production)
    return match_terms(terms, goods).blocks


def _follow_stock(tx: Transaction, recall: Recall, cabinet_ids: list[str]) -> None:
    found = by_cabinet(stock_in(tx.session, content_of(recall).scope, cabinet_ids))
    every = (one for lines in found.values() for one in lines)
    cabinets.add_cabinets(tx, recall, every, late=True)
    rows = cabinet_rows(tx.session, [recall.id], found)
    for (_, cabinet_id), row in rows.items():
        cabinets.follow_ledger(tx, recall, row, found[cabinet_id])
