"""Sweeps of recalls: cabinets that do not answer, removals to send, buyers to tell.

Each is bounded and may run again: a row's `look_at` says what is due, and is moved on here.
Split from `handlers.py`: nothing happened, time passed.
"""

from datetime import timedelta

from fleet_server.auth.rules import Role
from fleet_server.recalls import buyers, cabinets
from fleet_server.recalls.models import Recall, RecallCabinet
from fleet_server.recalls.publishing import ensure_public_notice
from fleet_server.recalls.queries import (
    due_buyers,
    due_cabinets,
    due_rescans,
    held_by,
    is_online,
    proofs_of,
    recall_by_id,
    told_sales,
)
from fleet_server.recalls.reach import content_of, sales_in, stock_in
from fleet_server.recalls.rules import Need, need_of
from fleet_server.recalls.states import CABINET_DONE, RUNNING, CabinetRecallState
from fleet_server.service_levels.queries import pinned
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction

CABINETS_PER_SWEEP = 50
"""Each may open a ticket and ask for a technician."""
BUYERS_PER_SWEEP = 100
RECALLS_PER_SWEEP = 1
"""A second look reads as much as an activation."""

_C = CabinetRecallState


def look_at_cabinets(tx: Transaction) -> None:
    """Decide about cabinets that answered, climb the ladder for those that do not."""
    for row in due_cabinets(tx.session, tx.now, CABINETS_PER_SWEEP):
        recall = recall_by_id(tx.session, row.recall_id)
        row.look_at = None
        if recall.state not in RUNNING:
            continue
        if row.state == _C.ACKED_BLOCKING:
            _decide(tx, recall, row)
        elif recall.mock:
            _drill(tx, recall, row)
        elif row.acked_version is None and row.state not in CABINET_DONE:
            _climb(tx, recall, row)


def look_again(tx: Transaction) -> None:
    """Take in what ingest was writing while a recall was activated: neither saw the other."""
    for recall in due_rescans(tx.session, tx.now, RECALLS_PER_SWEEP):
        recall.rescan_at = None
        if recall.state not in RUNNING:
            continue
        scope = content_of(recall).scope
        cabinets.add_cabinets(tx, recall, stock_in(tx.session, scope), late=True)
        known = told_sales(tx.session, recall.id)
        fresh = (sale for sale in sales_in(tx.session, scope) if sale.sale_id not in known)
        if buyers.add_buyers(tx, recall, fresh, late=True):
            ensure_public_notice(tx, recall, "a buyer without contact")


def tell_buyers(signing: SigningService, channel: buyers.BuyerChannel, tx: Transaction) -> None:
    """Tell buyers nobody has told yet."""
    for buyer in due_buyers(tx.session, tx.now, BUYERS_PER_SWEEP):
        recall = recall_by_id(tx.session, buyer.recall_id)
        if recall.state in RUNNING:
            buyers.tell(tx, signing, channel, recall, buyer)
        else:
            buyer.look_at = None


def _decide(tx: Transaction, recall: Recall, row: RecallCabinet) -> None:
    """Send somebody where units are inside, by our book or the cabinet's own."""
    found = stock_in(tx.session, content_of(recall).scope, [row.cabinet_id])
    proofs = proofs_of(tx.session, found, recall.activated_at or tx.now)
    held = held_by(tx.session, [row.cabinet_id]).get(row.cabinet_id)
    need = need_of(proofs, reported=held is not None and recall.id in held.blocked)
    if need is Need.NOTHING:
        cabinets.move(tx, row, _C.NONE_FOUND, "blocking, and nothing is inside")
    elif need is Need.REASON:
        cabinets.move(tx, row, _C.DISCREPANCY, "nothing is inside, units are unexplained")
    else:
        cabinets.send_somebody(tx, recall, row)


def _drill(tx: Transaction, recall: Recall, row: RecallCabinet) -> None:
    """In a drill nothing is blocked: a cabinet that is heard of counts as one that would answer."""
    if is_online(tx.session, row.cabinet_id):
        cabinets.move(tx, row, _C.ACKED_BLOCKING, "drill: the cabinet is heard of")
        row.look_at = tx.now
    elif row.rung == 0:
        row.rung = 1
        row.look_at = row.queued_at + _after(tx, recall, 0)
    elif row.state == _C.ORDER_QUEUED:
        cabinets.move(tx, row, _C.UNREACHABLE, "drill: the cabinet is not heard of")


def _climb(tx: Transaction, recall: Recall, row: RecallCabinet) -> None:
    """No acknowledgement: warn, then send somebody, then escalate (recalls, Per cabinet)."""
    row.rung += 1
    if row.rung == 1:
        if row.state == _C.ORDER_QUEUED:
            cabinets.move(tx, row, _C.UNREACHABLE, "it has not confirmed the block in time")
        kind = "recall.cabinet_unconfirmed"
        roles = [Role.OPERATOR]
    elif row.rung == 2:
        cabinets.send_somebody(tx, recall, row)
        kind = "recall.cabinet_still_unconfirmed"
        roles = [Role.OPERATOR, Role.DISPATCHER]
    else:
        kind = "recall.cabinet_unprotected"
        roles = [Role.SUPERVISOR, Role.RECALL_AUTHOR, Role.RECALL_APPROVER]
    cabinets.tell(tx, row, roles, kind)
    row.look_at = row.queued_at + _after(tx, recall, row.rung) if row.rung < 3 else None


def _after(tx: Transaction, recall: Recall, rung: int) -> timedelta:
    """Time from the order to the rung after `rung`, by the policy the recall pinned."""
    ladder = pinned(tx.session, recall.policy).unreachable
    steps = (ladder.warn_seconds, ladder.visit_seconds, ladder.escalate_seconds)
    return timedelta(seconds=steps[rung])
