"""Use cases of a recall's life: draft, edit, submit, approve, activate, close, withdraw.

Speed needs one person (a hold); notices, refunds and release need two. Who wrote, edited or
submitted a recall never approves it, and what is activated is the very version that was approved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fleet_server.audit.service import record
from fleet_server.auth.rules import Actor, Role
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.live.service import FLEET, changed
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, said
from fleet_server.recalls import holds, notice
from fleet_server.recalls import scope as scopes
from fleet_server.recalls.buyers import add_buyers, correct
from fleet_server.recalls.cabinets import add_cabinets
from fleet_server.recalls.cabinets import move as move_cabinet
from fleet_server.recalls.errors import NoticeIncompleteError, RecallOpenError, SamePersonError
from fleet_server.recalls.models import Recall, RecallHistory
from fleet_server.recalls.permissions import person
from fleet_server.recalls.publishing import (
    end_public_notices,
    ensure_public_notice,
    publish_correction,
)
from fleet_server.recalls.queries import (
    authors_of,
    buyers_of,
    cabinets_of,
    hold_by_id,
    locked_recall,
    still_open,
)
from fleet_server.recalls.reach import (
    content_of,
    product_names,
    sales_in,
    sold_anywhere,
    stock_in,
)
from fleet_server.recalls.rules import RESCAN_AFTER, content_hash, needs_public_notice
from fleet_server.recalls.schemas import RecallContent, RecallOrder, Scope, TransitionOrder
from fleet_server.recalls.states import RECALL_LIFE, CabinetRecallState, RecallState
from fleet_server.rules.service import lift_rules, put_rules
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.signing import SigningService
from fleet_server.tickets.queries import locked_ticket
from fleet_server.tickets.service import move as move_ticket
from fleet_server.tickets.states import TICKET_LIFE, TicketState
from fleet_server.transactions import Transaction
from protocol.rules import BlockKind, RecallClass

REVISION = 1
"""Widening and narrowing an active recall come later; the shape carries revisions."""
STAFF = (Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR)
"""Everybody inside who has to know of a recall (S3-7.6.4.1)."""


@dataclass(frozen=True)
class Step:
    """A step somebody takes."""

    signing: SigningService
    actor: Actor
    order: TransitionOrder

    @property
    def person(self) -> str:
        """Who takes it."""
        return person(self.actor)


def draft(tx: Transaction, actor: Actor, order: RecallOrder) -> Recall:
    """Write down a recall; nothing is blocked by a draft. Raises NotFoundError, ConflictError."""
    hold = hold_by_id(tx.session, order.from_hold, lock=True) if order.from_hold else None
    held = scopes.read(hold.scope) if hold else None
    content = _content(order, held)
    recall = Recall(
        id=tx.new_id(),
        state=RECALL_LIFE.initial,
        revision=REVISION,
        hold_id=hold.id if hold else None,
        policy=policy_in_force(tx.session).reference,
        created_by=person(actor),
        created_at=tx.now,
        **_stored(content),
    )
    tx.session.add(recall)
    tx.session.flush()
    if hold is not None:
        holds.link(tx, hold, recall.id)
    _note(tx, recall, person(actor), "drafted", RecallState.DRAFT)
    return recall


def edit(tx: Transaction, actor: Actor, recall: Recall, order: RecallOrder) -> None:
    """Rewrite a draft, whole. Raises ConflictError once it was submitted."""
    if recall.state != RecallState.DRAFT:
        raise ConflictError(f"the recall is {recall.state}; only a draft is rewritten")
    for name, value in _stored(_content(order, content_of(recall).scope)).items():
        setattr(recall, name, value)
    _note(tx, recall, person(actor), "edited", RecallState.DRAFT)


def take_step(tx: Transaction, recall_id: str, step: Step) -> Recall:
    """Take one step of the life cycle; the caller checked the permission."""
    recall = locked_recall(tx.session, recall_id)
    before = RecallState(recall.state)
    to = RECALL_LIFE.step(before, RECALL_LIFE.named(step.order.to))
    if to is RecallState.WITHDRAWN and recall.withdrawal_asked_by is None:
        _ask_withdrawal(tx, recall, step)
        return recall
    work = _WORK.get(to)
    if work is not None:
        work(tx, recall, step)
    recall.state = to
    what = "submitted" if to is RecallState.PENDING_APPROVAL else str(to)[:20]
    _note(tx, recall, step.person, what, before, step.order.reason)
    return recall


def _check_notice(tx: Transaction, recall: Recall, _step: Step) -> None:
    content = content_of(recall)
    names = product_names(tx.session, content)
    missing = notice.missing_parts(content, names, sold_anywhere(content.scope))
    softening = notice.softening_words(content)
    if missing or softening:
        raise NoticeIncompleteError(missing, softening)


def _approve(tx: Transaction, recall: Recall, step: Step) -> None:
    if step.person in authors_of(tx.session, recall.id):
        raise SamePersonError("who wrote, edited or submitted a recall does not approve it")
    if step.order.content_hash not in {None, recall.content_hash}:
        raise ConflictError("the recall was rewritten since you read it")
    recall.approved_by, recall.approved_at = step.person, tx.now
    recall.approved_hash = recall.content_hash


def _reject(_tx: Transaction, _recall: Recall, step: Step) -> None:
    if not step.order.reason:
        raise InvalidError("reason", "tell the author what to change")


def _activate(tx: Transaction, recall: Recall, step: Step) -> None:
    """All at once: rules in force and on their way, cabinets and buyers found, public notice."""
    if recall.approved_hash != recall.content_hash or recall.approved_by is None:
        raise ConflictError("what was approved is not what would be activated")
    content = content_of(recall)
    if not recall.mock:
        rules = scopes.scope_to_rules(
            content.scope,
            recall.id,
            recall.revision,
            BlockKind.RECALL,
            notice.screen(content),
            RecallClass(recall.recall_class),
        )
        issued = put_rules(tx, step.signing, recall.id, recall.revision, rules)
        recall.rules_version = issued.version
        if recall.hold_id is not None:
            hold = hold_by_id(tx.session, recall.hold_id, lock=True)
            holds.convert(tx, step.signing, hold, recall.id)
    recall.activated_at, recall.rescan_at = tx.now, tx.now + RESCAN_AFTER
    tx.session.flush()
    add_cabinets(tx, recall, stock_in(tx.session, content.scope), late=False)
    without_contact = add_buyers(tx, recall, sales_in(tx.session, content.scope), late=False)
    if needs_public_notice(RecallClass(recall.recall_class), without_contact):
        ensure_public_notice(tx, recall, "class I, or a buyer without contact")
    _tell_staff(tx, recall, "recall.active")


def _close(tx: Transaction, recall: Recall, step: Step) -> None:
    cabinets, buyers, waiting = still_open(tx.session, recall.id)
    if waiting:
        raise RecallOpenError(cabinets, buyers, waiting)
    for row in cabinets_of(tx.session, recall.id, lock=True):
        if row.state in {CabinetRecallState.VERIFIED, CabinetRecallState.NONE_FOUND}:
            move_cabinet(tx, row, CabinetRecallState.RELEASED, "recall closed", audited=False)
        row.look_at = None
    _lift(tx, recall, step)
    recall.ended_at = tx.now
    _tell_staff(tx, recall, "recall.closed")


def _withdraw(tx: Transaction, recall: Recall, step: Step) -> None:
    if recall.withdrawal_asked_by == step.person:
        raise SamePersonError("a second person has to withdraw it too")
    _lift(tx, recall, step)
    recall.ended_at = tx.now
    for buyer in buyers_of(tx.session, recall.id):
        correct(tx, recall, buyer)
    publish_correction(tx, recall)
    for row in cabinets_of(tx.session, recall.id, lock=True):
        row.look_at = None
        if row.ticket_id is not None:
            _cancel_ticket(tx, row.ticket_id)
    _tell_staff(tx, recall, "recall.withdrawn")


def _terminate(tx: Transaction, recall: Recall, _step: Step) -> None:
    end_public_notices(tx, recall)


_WORK: Mapping[RecallState, Callable[[Transaction, Recall, Step], None]] = {
    RecallState.PENDING_APPROVAL: _check_notice,
    RecallState.APPROVED: _approve,
    RecallState.REJECTED: _reject,
    RecallState.ACTIVE: _activate,
    RecallState.CLOSED: _close,
    RecallState.WITHDRAWN: _withdraw,
    RecallState.TERMINATED: _terminate,
}
"""What a step does beside being noted."""


def _ask_withdrawal(tx: Transaction, recall: Recall, step: Step) -> None:
    if not step.order.reason:
        raise InvalidError("reason", "say what the error was")
    recall.withdrawal_asked_by = step.person
    state = RecallState(recall.state)
    _note(tx, recall, step.person, "withdrawal_asked", state, step.order.reason)
    _tell_staff(tx, recall, "recall.withdrawal_asked")


def _lift(tx: Transaction, recall: Recall, step: Step) -> None:
    """Lift its own rules only (invariants 11, 17); a drill has none."""
    if recall.rules_version is not None:
        lift_rules(tx, step.signing, recall.id)


def _cancel_ticket(tx: Transaction, ticket_id: str) -> None:
    ticket = locked_ticket(tx.session, ticket_id)
    if TicketState.CANCELLED in TICKET_LIFE.steps[TicketState(ticket.state)]:
        move_ticket(tx, ticket, TicketState.CANCELLED, "the recall was withdrawn")


def _content(order: RecallOrder, otherwise: Scope | None) -> RecallContent:
    scope = order.scope or otherwise
    if scope is None:
        raise InvalidError("scope", "name a scope or a hold")
    given = order.model_dump(by_alias=True, exclude={"scope", "from_hold"})
    return RecallContent.model_validate({**given, "scope": scopes.stored(scope)})


def _stored(content: RecallContent) -> dict[str, object]:
    kept = {**content.model_dump(mode="json", by_alias=True), "scope": scopes.stored(content.scope)}
    return {
        "content": kept,
        "content_hash": content_hash(kept, REVISION),
        "recall_class": content.recall_class,
        "mock": content.mock,
    }


def _note(
    tx: Transaction,
    recall: Recall,
    who: str,
    what: str,
    before: RecallState,
    reason: str = "",
) -> None:
    tx.session.add(
        RecallHistory(
            recall_id=recall.id,
            at=tx.now,
            what=what,
            before=before,
            after=recall.state,
            actor=tx.actor,
            person=who,
            reason=reason,
            content_hash=recall.content_hash,
        )
    )
    facts = {"hash": recall.content_hash, "reason": reason, "mock": recall.mock}
    record(tx, f"recall.{what}", "recall", recall.id, facts)
    changed(tx, [FLEET, f"recall/{recall.id}"], "recall", recall.id)


def _tell_staff(tx: Transaction, recall: Recall, kind: str) -> None:
    content = content_of(recall)
    message = said(
        kind,
        drill=InBoth("【演练】", "[DRILL] ") if recall.mock else "",
        title=InBoth(content.title.zh, content.title.en),
        reason=InBoth(content.reason.zh, content.reason.en),
    )
    for role in STAFF:
        notify(tx, to_role(role), message, About("recall", recall.id), Urgency.URGENT)
