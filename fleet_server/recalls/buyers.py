"""A recall and each buyer: found by sale, told once, answered, remedied.

The sealed contact is opened here only, for the notice only, and each use stands in the audit log
with the recall (invariant 21). Where it goes is a port, `BuyerChannel`; `VisibleChannel` is the
twin that sends nothing and leaves the notice where everyone with the right can read it.
Split from `service.py` by object.
"""

from collections.abc import Iterable
from math import ceil
from typing import Any, Protocol

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.cabinets.queries import site_by_id
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.live.service import changed
from fleet_server.notifications.rules import About, Urgency, Words, to_buyer, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, said
from fleet_server.payments.queries import promised_minor, refunds_for
from fleet_server.payments.service import Refund, request
from fleet_server.payments.states import REFUND_LIFE
from fleet_server.recalls import notice
from fleet_server.recalls.models import Recall, RecallBuyer, RecallBuyerHistory
from fleet_server.recalls.publishing import ensure_public_notice
from fleet_server.recalls.queries import buyers_of_sales
from fleet_server.recalls.reach import content_of, product_names
from fleet_server.recalls.schemas import BuyerTransition, Remedy
from fleet_server.recalls.states import BUYER_LIFE, TOLD, Answer, BuyerState
from fleet_server.sales.queries import FoundSale, sale_by_id
from fleet_server.sales.service import charge_of
from fleet_server.service_levels.rules import Priority
from fleet_server.signing import SigningService
from fleet_server.tickets.rules import TicketKind
from fleet_server.tickets.service import NewTicket, open_ticket
from fleet_server.transactions import Transaction
from protocol.errors import SealBrokenError
from protocol.matching import Match, strongest

PURPOSE = "recall/"
"""How the purposes of recall refunds begin."""

_B = BuyerState


class BuyerChannel(Protocol):
    """The way to one buyer."""

    def send(self, contact: str, words: Words) -> bool:
        """Send a notice; False when the contact does not exist (any more)."""
        ...


class VisibleChannel:
    """Twin that sends nothing: the notice is kept and shown. A contact `...-gone` bounces."""

    def send(self, contact: str, words: Words) -> bool:
        """Accept, unless the contact says otherwise."""
        del words
        return not contact.endswith("-gone")


def add_buyers(tx: Transaction, recall: Recall, sales: Iterable[FoundSale], *, late: bool) -> int:
    """Make a buyer of each matching sale; returns how many of the new ones have no contact."""
    groups: dict[str, list[FoundSale]] = {}
    for sale in sales:
        groups.setdefault(sale.sale_id, []).append(sale)
    known = buyers_of_sales(tx.session, recall.id, groups) if late else {}
    for sale_id, buyer in known.items():
        _widen(buyer, groups.pop(sale_id))
    buyers = [_buyer(tx, recall, lines, late=late) for lines in groups.values()]
    tx.session.add_all(buyers)
    tx.session.flush()
    for buyer in buyers:
        _note(tx, buyer, "late event" if late else "activated")
    if buyers:
        facts = {"buyers": len(buyers), "late": late}
        record(tx, "recall.buyers_added", "recall", recall.id, facts)
    _tell_sold_under_block(tx, [buyer for buyer in buyers if buyer.under_block])
    return sum(not lines[0].has_contact for lines in groups.values())


def tell(
    tx: Transaction,
    signing: SigningService,
    channel: BuyerChannel,
    recall: Recall,
    buyer: RecallBuyer,
) -> None:
    """Tell a buyer, once for each (recall, revision, sale); without a contact the public notice."""
    buyer.look_at = None
    sale = sale_by_id(tx.session, buyer.sale_id)
    if recall.mock or not sale.sealed_contact:
        reason = "a drill tells nobody" if recall.mock else "no safety contact"
        move(tx, buyer, _B.NO_CONTACT, reason, audited=False)
        _fall_back(tx, recall, buyer, reason)
        return
    move(tx, buyer, _B.QUEUED, "direct notice", audited=False)
    words = _words(tx, recall, buyer)
    used = {"buyer": buyer.id, "revision": recall.revision}
    record(tx, "contact.used", "recall", recall.id, used, buyer.site_id)
    if _sent(signing, channel, sale.sealed_contact, words):
        buyer.notice_id = notify(
            tx, to_buyer(buyer.id), words, About("recall", recall.id), Urgency.URGENT
        ).id
        buyer.told_revision, buyer.told_at = recall.revision, tx.now
        move(tx, buyer, _B.SENT, "direct notice", audited=False)
    else:
        move(tx, buyer, _B.BOUNCED, "the contact does not take it", audited=False)
        _fall_back(tx, recall, buyer, "a contact does not take the notice")


def take_step(tx: Transaction, recall: Recall, buyer: RecallBuyer, order: BuyerTransition) -> None:
    """Take a step for a buyer by hand. Raises IllegalTransitionError, InvalidError."""
    to = BUYER_LIFE.named(order.to)
    BUYER_LIFE.step(BuyerState(buyer.state), to)
    if to in {_B.QUEUED, _B.SENT, _B.NO_CONTACT}:
        raise ConflictError("buyers are told by the server itself")
    if to is _B.ANSWERED:
        _answer(tx, recall, buyer, order)
    elif to is _B.REMEDIED:
        _remedy(tx, recall, buyer, order)
    elif to is _B.DECLINED and buyer.answer != Answer.NOT_MINE and not order.reason:
        raise InvalidError("reason", "say why a buyer with the goods gets nothing")
    else:
        move(tx, buyer, to, order.reason)
        if to in {_B.PUBLIC_FALLBACK, _B.BOUNCED}:
            ensure_public_notice(tx, recall, "a buyer did not react")


def refund_ended(tx: Transaction, recall: Recall, buyer: RecallBuyer) -> None:
    """Settle a buyer once all refunds have ended; one that failed may be asked for again."""
    refunds = refunds_for(tx.session, _purposes(recall, buyer, range(1, buyer.refund_attempt + 1)))
    if any(refund.state not in REFUND_LIFE.final for refund in refunds):
        return
    buyer.refunding = False
    if any(_owed(tx, buyer, line) for line in buyer.lines):
        _note(tx, buyer, "a refund failed; ask for it again")
    elif buyer.state == _B.REMEDY_OFFERED:
        move(tx, buyer, _B.REMEDIED, "refunded")


def correct(tx: Transaction, recall: Recall, buyer: RecallBuyer) -> None:
    """Tell a buyer who was told that the recall was withdrawn (invariant 17)."""
    buyer.look_at = None
    if buyer.state in TOLD and not recall.mock and buyer.told_at is not None:
        words = notice.correction(content_of(recall))
        notify(tx, to_buyer(buyer.id), words, About("recall", recall.id))
        _note(tx, buyer, "told that the recall was withdrawn")


def move(
    tx: Transaction, buyer: RecallBuyer, to: BuyerState, reason: str, *, audited: bool = True
) -> None:
    """Take one step of the life cycle. Raises IllegalTransitionError."""
    before = BuyerState(buyer.state)
    buyer.state = BUYER_LIFE.step(before, to)
    _note(tx, buyer, reason)
    if audited:
        facts = {"buyer": buyer.id, "from": before, "reason": reason}
        record(tx, f"recall.buyer.{to}", "recall", buyer.recall_id, facts, buyer.site_id)


def _buyer(tx: Transaction, recall: Recall, lines: list[FoundSale], *, late: bool) -> RecallBuyer:
    first = lines[0]
    version = recall.rules_version
    return RecallBuyer(
        id=tx.new_id(),
        recall_id=recall.id,
        sale_id=first.sale_id,
        site_id=first.site_id,
        cabinet_id=first.cabinet_id,
        state=BUYER_LIFE.initial,
        match=strongest(line.match for line in lines),
        lines=[_line(line) for line in lines],
        sold_at=first.at,
        gap_seconds=max(1, ceil((tx.now - first.at).total_seconds())) if late else 0,
        under_block=version is not None and first.rules_version >= version,
        look_at=tx.now,
        refund_attempt=0,
        refunding=False,
    )


def _line(line: FoundSale) -> dict[str, Any]:
    return {
        "line": line.line,
        "slot": line.slot,
        "gtin": line.gtin,
        "lot": line.lot or None,
        "quantity": line.quantity,
        "paid_minor": line.quantity * line.price_minor,
        "match": line.match,
    }


def _widen(buyer: RecallBuyer, lines: list[FoundSale]) -> None:
    """Add lines a later look at the sale brought; nothing is taken away (invariant 5)."""
    known = {line["line"] for line in buyer.lines}
    buyer.lines = [*buyer.lines, *(_line(line) for line in lines if line.line not in known)]
    buyer.match = strongest([Match(buyer.match), *(line.match for line in lines)])


def _words(tx: Transaction, recall: Recall, buyer: RecallBuyer) -> Words:
    content = content_of(recall)
    site = site_by_id(tx.session, buyer.site_id)
    where = f"{site.name} / {buyer.cabinet_id}, {buyer.sold_at.isoformat(timespec='minutes')}"
    sold = {"zh": where, "en": where}
    return notice.words(content, product_names(tx.session, content), sold)


def _sent(signing: SigningService, channel: BuyerChannel, sealed: str, words: Words) -> bool:
    try:
        return channel.send(signing.unsealed(sealed), words)
    except SealBrokenError:
        return False  # nobody can be reached by it: the public notice has to do


def _fall_back(tx: Transaction, recall: Recall, buyer: RecallBuyer, reason: str) -> None:
    move(tx, buyer, _B.PUBLIC_FALLBACK, "public notice", audited=False)
    ensure_public_notice(tx, recall, reason)


def _answer(tx: Transaction, recall: Recall, buyer: RecallBuyer, order: BuyerTransition) -> None:
    if order.answer is None:
        raise InvalidError("answer", "say what became of the goods")
    buyer.answer = order.answer
    move(tx, buyer, _B.ANSWERED, f"{order.answer}: {order.reason}".strip(": "))
    if order.answer is Answer.NOT_MINE:
        move(tx, buyer, _B.DECLINED, "not mine")
    if order.answer is Answer.INJURED:
        _report_injury(tx, recall, buyer)


def _report_injury(tx: Transaction, recall: Recall, buyer: RecallBuyer) -> None:
    content = content_of(recall)
    message = said("recall.injury", title=InBoth(content.title.zh, content.title.en))
    if not recall.mock:
        open_ticket(
            tx,
            NewTicket(
                kind=TicketKind.CONSUMER_REPORT,
                priority=Priority.P1,
                site_id=buyer.site_id,
                cabinet_id=buyer.cabinet_id,
                title_zh="召回商品致伤报告",
                title_en="Injury reported in a recall",
                description=f"recall {recall.id}, sale {buyer.sale_id}",
                needs_visit=False,
                origin_kind="recall",
                origin_id=buyer.id,
            ),
        )
    notify(tx, to_role(Role.SUPERVISOR), message, About("recall", recall.id), Urgency.URGENT)


def _remedy(tx: Transaction, recall: Recall, buyer: RecallBuyer, order: BuyerTransition) -> None:
    """Give the remedy. A refund is asked for here; the buyer is remedied once it succeeded."""
    if buyer.match == Match.POSSIBLE and not order.statement:
        raise InvalidError("statement", "the match is possible: the buyer has to state the goods")
    if recall.mock or content_of(recall).remedy != Remedy.REFUND:
        move(tx, buyer, _B.REMEDIED, order.statement or order.reason)
        return
    if buyer.refunding:
        return
    buyer.refund_attempt += 1
    asked = [_ask_refund(tx, recall, buyer, line) for line in buyer.lines]
    buyer.refunding = any(asked)
    _note(tx, buyer, order.statement or "refund asked for")
    if not buyer.refunding:
        move(tx, buyer, _B.REMEDIED, "everything was refunded before")


def _ask_refund(tx: Transaction, recall: Recall, buyer: RecallBuyer, line: dict[str, Any]) -> bool:
    owed = _owed(tx, buyer, line)
    if owed <= 0:
        return False
    sale = sale_by_id(tx.session, buyer.sale_id)
    request(
        tx,
        Refund(
            purpose=_purpose(recall, buyer, line, buyer.refund_attempt),
            charge=charge_of(buyer.sale_id, line["line"]),
            charged_minor=line["paid_minor"],
            amount_minor=owed,
            currency=sale.currency,
            payment_reference=sale.payment_reference,
            site_id=buyer.site_id,
        ),
    )
    return True


def _owed(tx: Transaction, buyer: RecallBuyer, line: dict[str, Any]) -> int:
    """Return what was paid for a line, less all that goes or went back (invariant 14)."""
    paid: int = line["paid_minor"]
    return paid - promised_minor(tx.session, charge_of(buyer.sale_id, line["line"]))


def _purposes(recall: Recall, buyer: RecallBuyer, attempts: Iterable[int]) -> list[str]:
    return [_purpose(recall, buyer, line, attempt) for attempt in attempts for line in buyer.lines]


def _purpose(recall: Recall, buyer: RecallBuyer, line: dict[str, Any], attempt: int) -> str:
    return f"{PURPOSE}{recall.id}/{buyer.id}/{line['line']}#{attempt}"


def _tell_sold_under_block(tx: Transaction, buyers: list[RecallBuyer]) -> None:
    for buyer in buyers:
        message = said("recall.sold_under_block", cabinet=buyer.cabinet_id, sale=buyer.sale_id)
        about = About("recall", buyer.recall_id, buyer.site_id)
        notify(tx, to_role(Role.SUPERVISOR), message, about, Urgency.URGENT)


def _note(tx: Transaction, buyer: RecallBuyer, reason: str) -> None:
    tx.session.add(
        RecallBuyerHistory(
            buyer_id=buyer.id, at=tx.now, state=buyer.state, actor=tx.actor, reason=reason[:300]
        )
    )
    changed(tx, [f"recall/{buyer.recall_id}"], "recall", buyer.recall_id, buyer.site_id)
