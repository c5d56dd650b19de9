"""A recall at each cabinet: in scope, blocking, visited, counted, emptied, reconciled, verified.

What the cabinet says (rules applied, goods counted and removed) moves a row by itself; people
only confirm, explain a discrepancy, or ask for another visit. A row is never removed.
Split from `service.py` by object.
"""

from collections.abc import Iterable
from datetime import timedelta

from fleet_server.audit.service import record
from fleet_server.auth.queries import user_by_id
from fleet_server.auth.rules import Role
from fleet_server.cabinets.queries import cabinet_by_id, site_by_id
from fleet_server.cabinets.states import CabinetState
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.live.service import FLEET, changed
from fleet_server.notifications.rules import About, Urgency, to_role, to_user
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.recalls.errors import SamePersonError
from fleet_server.recalls.models import Recall, RecallCabinet, RecallCabinetHistory, RulesHeld
from fleet_server.recalls.queries import (
    cabinet_rows,
    held_by,
    proofs_of,
    technicians_of_ticket,
)
from fleet_server.recalls.reach import by_cabinet, content_of, stock_in
from fleet_server.recalls.rules import PRIORITIES, LineProof, Need, need_of, next_state
from fleet_server.recalls.states import CABINET_LIFE, CabinetRecallState
from fleet_server.service_levels.queries import pinned
from fleet_server.stock.queries import FoundStock, units_of
from fleet_server.stock.service import explain
from fleet_server.technicians.queries import technician_of_user
from fleet_server.tickets.queries import ticket_by_id
from fleet_server.tickets.rules import STOCK_COMPONENT, STOCK_SKILL, TicketKind
from fleet_server.tickets.service import NewTicket, open_ticket
from fleet_server.tickets.states import OPEN
from fleet_server.transactions import Transaction
from protocol.matching import strongest
from protocol.rules import RecallClass
from protocol.service_pin import PIN_HOLDER

_C = CabinetRecallState
_NOT_ACKED = frozenset({_C.ORDER_QUEUED, _C.UNREACHABLE})
_BEFORE_VISIT = _NOT_ACKED | {_C.ACKED_BLOCKING, _C.REFUSED_ACCESS}


def add_cabinets(
    tx: Transaction, recall: Recall, found: Iterable[FoundStock], *, late: bool
) -> list[RecallCabinet]:
    """Take cabinets into scope that are not yet; returns the new rows (invariant 5)."""
    groups = by_cabinet(found)
    known = cabinet_rows(tx.session, [recall.id], groups)
    fresh = {one: lines for one, lines in groups.items() if (recall.id, one) not in known}
    rows = [_row(tx, recall, cabinet_id, fresh[cabinet_id], late=late) for cabinet_id in fresh]
    tx.session.add_all(rows)
    tx.session.flush()
    held = held_by(tx.session, fresh)
    for row in rows:
        move(tx, row, _C.ORDER_QUEUED, "the rules are on their way", audited=False)
        if row.cabinet_id in held:
            acknowledge(tx, recall, row, held[row.cabinet_id])
        if cabinet_by_id(tx.session, row.cabinet_id).state == CabinetState.RETIRED:
            retire_if_empty(tx, row, fresh[row.cabinet_id])
    if rows:
        facts = {"cabinets": len(rows), "late": late}
        record(tx, "recall.cabinets_added", "recall", recall.id, facts)
    return rows


def acknowledge(tx: Transaction, recall: Recall, row: RecallCabinet, held: RulesHeld) -> bool:
    """Count a cabinet as protected once it applied this recall's rules (invariant 4)."""
    if recall.rules_version is None or held.version < recall.rules_version:
        return False
    row.acked_version, row.acked_at = held.version, held.at
    if row.state in _NOT_ACKED:
        move(tx, row, _C.ACKED_BLOCKING, f"rules {held.version} applied", audited=False)
    row.look_at = tx.now
    return True


def follow_ledger(
    tx: Transaction, recall: Recall, row: RecallCabinet, found: list[FoundStock]
) -> None:
    """Take the steps the stock ledger proves by now."""
    if recall.activated_at is None:
        return
    proofs = proofs_of(tx.session, found, recall.activated_at)
    for _ in CabinetRecallState:  # no row takes more steps than there are states
        step = next_state(CabinetRecallState(row.state), proofs)
        if step is None:
            return
        move(tx, row, step, "the ledger says so")
        if step is _C.ACKED_BLOCKING:
            row.look_at = tx.now
            _forget_ended_ticket(tx, row)


def retire_if_empty(tx: Transaction, row: RecallCabinet, found: list[FoundStock]) -> None:
    """Take a retired cabinet off the board once the ledger proves it empty and accounted for."""
    proofs = [LineProof(units_of(one.line)) for one in found]
    legal = CABINET_LIFE.steps[CabinetRecallState(row.state)]
    if need_of(proofs, reported=False) is Need.NOTHING and _C.RETIRED in legal:
        move(tx, row, _C.RETIRED, "retired, nothing inside")
        row.look_at = None


def follow_ticket(tx: Transaction, row: RecallCabinet, wanted: CabinetRecallState) -> None:
    """Take the step a visit proves, where the row is not past it."""
    if wanted in CABINET_LIFE.steps[CabinetRecallState(row.state)]:
        move(tx, row, wanted, "the visit says so")


def back_to_waiting(tx: Transaction, row: RecallCabinet, reason: str) -> None:
    """Nobody is on the way any more; the goods are still inside."""
    if row.state in {_C.VISIT_ASSIGNED, _C.ON_SITE}:
        waits = _C.UNREACHABLE if row.acked_version is None else _C.ACKED_BLOCKING
        move(tx, row, waits, reason)


def send_somebody(tx: Transaction, recall: Recall, row: RecallCabinet) -> None:
    """Open the removal ticket; dispatch finds a technician. A drill sends nobody."""
    if recall.mock or row.ticket_id is not None:
        return
    content = content_of(recall)
    found = stock_in(tx.session, content.scope, [row.cabinet_id])
    ticket = open_ticket(
        tx,
        NewTicket(
            kind=TicketKind.RECALL_REMOVAL,
            priority=PRIORITIES[RecallClass(recall.recall_class)],
            site_id=row.site_id,
            cabinet_id=row.cabinet_id,
            component=STOCK_COMPONENT,
            skill=STOCK_SKILL,
            title_zh=f"召回取货：{content.title.zh}"[:200],
            title_en=f"Remove recalled goods: {content.title.en}"[:200],
            description=_work_order(found),
            origin_kind="recall",
            origin_id=recall.id,
        ),
    )
    row.ticket_id = ticket.id
    details = {"ticket": ticket.id, "cabinet": row.cabinet_id}
    record(tx, "recall.removal_asked", "recall", recall.id, details, row.site_id)


def verify(tx: Transaction, row: RecallCabinet, reason: str) -> None:
    """Confirm that a cabinet is clean. Raises IllegalTransitionError before it is reconciled."""
    move(tx, row, _C.VERIFIED, reason or f"by {tx.actor}")


def explain_discrepancy(
    tx: Transaction, recall: Recall, row: RecallCabinet, user_id: str | None, reason: str
) -> None:
    """Accept unexplained units with a reason, by somebody who did not count (invariant 8).

    A count under the shared PIN names nobody: then who was sent for the goods counts as who
    counted. Raises InvalidError without a reason, SamePersonError for the one who counted.
    """
    if not reason.strip():
        raise InvalidError("reason", "say why the units are missing or too many")
    found = stock_in(tx.session, content_of(recall).scope, [row.cabinet_id])
    if _counters(tx, row, found) & _names_of(tx, user_id):
        raise SamePersonError("who counted cannot explain the difference; a second person has to")
    move(tx, row, _C.RECONCILED, reason)
    for one in found:
        if one.line.unexplained != 0:
            explain(tx, one.line, reason)


def ask_for_visit(tx: Transaction, recall: Recall, row: RecallCabinet) -> None:
    """Ask for another visit by hand. Raises ConflictError while one is asked for or done."""
    _forget_ended_ticket(tx, row)
    if row.ticket_id is not None or row.state not in _BEFORE_VISIT:
        raise ConflictError(f"the cabinet is {row.state}, ticket {row.ticket_id}")
    send_somebody(tx, recall, row)


def move(
    tx: Transaction,
    row: RecallCabinet,
    to: CabinetRecallState,
    reason: str,
    *,
    audited: bool = True,
) -> None:
    """Take one step of the life cycle. Raises IllegalTransitionError.

    Steps of hundreds of cabinets at once are audited by the caller as one entry.
    """
    before = CabinetRecallState(row.state)
    row.state = CABINET_LIFE.step(before, to)
    row.reason = reason[:300]
    _note(tx, row)
    if audited:
        facts = {"cabinet": row.cabinet_id, "from": before, "reason": row.reason}
        record(tx, f"recall.cabinet.{to}", "recall", row.recall_id, facts, row.site_id)


def tell(tx: Transaction, row: RecallCabinet, roles: Iterable[Role], kind: str) -> None:
    """Tell roles about one cabinet by the template `kind`."""
    message = said(kind, cabinet=row.cabinet_id)
    region = site_by_id(tx.session, row.site_id).region
    about = About("recall", row.recall_id, row.site_id, region)
    for role in roles:
        notify(tx, to_role(role), message, about, Urgency.URGENT)


def _row(
    tx: Transaction, recall: Recall, cabinet_id: str, lines: list[FoundStock], *, late: bool
) -> RecallCabinet:
    row = RecallCabinet(
        id=tx.new_id(),
        recall_id=recall.id,
        cabinet_id=cabinet_id,
        site_id=lines[0].site_id,
        state=CABINET_LIFE.initial,
        match=strongest(one.match for one in lines),
        expected_units=sum(one.line.in_cabinet for one in lines),
        queued_at=tx.now,
        look_at=tx.now
        + timedelta(seconds=pinned(tx.session, recall.policy).unreachable.warn_seconds),
        rung=0,
        late=late,
        reason="late event" if late else "activated",
    )
    if recall.mock:
        row.look_at = tx.now
    return row


def _note(tx: Transaction, row: RecallCabinet) -> None:
    tx.session.add(
        RecallCabinetHistory(
            row_id=row.id, at=tx.now, state=row.state, actor=tx.actor, reason=row.reason
        )
    )
    topics = [FLEET, f"recall/{row.recall_id}", f"cabinet/{row.cabinet_id}"]
    changed(tx, topics, "recall", row.recall_id, row.site_id)


def _forget_ended_ticket(tx: Transaction, row: RecallCabinet) -> None:
    if row.ticket_id is not None and ticket_by_id(tx.session, row.ticket_id).state not in OPEN:
        row.ticket_id = None


def _work_order(found: Iterable[FoundStock]) -> str:
    """Expected counts by slot and lot, both languages in one line each."""
    return "\n".join(
        f"{one.line.slot}: {one.line.gtin} {one.line.lot or '?'} x{one.line.in_cabinet}"
        f" ({one.match})"
        for one in found
        if one.line.in_cabinet
    )


def _counters(tx: Transaction, row: RecallCabinet, found: Iterable[FoundStock]) -> set[str]:
    """Who counted, as far as it can be known."""
    counters = {one.line.counted_by for one in found if one.line.counted_by}
    if PIN_HOLDER in counters and row.ticket_id is not None:
        counters |= technicians_of_ticket(tx.session, row.ticket_id)
        counters.add(ticket_by_id(tx.session, row.ticket_id).owner)
    return counters


def _names_of(tx: Transaction, user_id: str | None) -> set[str]:
    """Names under which a person may stand in the journal of a cabinet or own a ticket."""
    user = user_by_id(tx.session, user_id or "")
    technician = technician_of_user(tx.session, user_id)
    names = {tx.actor, user_id or ""}
    names |= {user.username} if user else set()
    names |= {technician.id} if technician else set()
    names |= {to_user(user_id)} if user_id else set()
    return names - {""}
