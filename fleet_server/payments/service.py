"""Ask for refunds and follow them up.

The way to the payment provider is a port, `RefundRoute`. `VisibleRoute` is the twin that moves no
money: it answers like a provider, and every step of it stands in the tables for all to see.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from fleet_server.audit.service import record
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.live.service import FLEET, changed
from fleet_server.payments.events import RefundEnded
from fleet_server.payments.models import RefundHistory, RefundOrder
from fleet_server.payments.queries import due_refunds, promised_minor, refund_for
from fleet_server.payments.states import REFUND_LIFE, RefundState
from fleet_server.transactions import Transaction

REFUNDS_MAX = 50
"""Refunds of one sweep: each may cost a call to the provider."""
FIRST_LOOK = timedelta(seconds=2)
"""Most refunds are through within seconds of being accepted."""
ASK_AGAIN = timedelta(seconds=5)
"""When the route is asked what became of a refund: buyers wait for it at the counter."""


@dataclass(frozen=True)
class Refund:
    """What is asked for. `purpose` is unique; `charge` is what was paid `charged_minor` for."""

    purpose: str
    charge: str
    charged_minor: int
    amount_minor: int
    currency: str
    payment_reference: str
    site_id: str | None = None


class RefundRoute(Protocol):
    """The way back of the money. Repeating a call with the same number changes nothing."""

    def submit(self, number: str, reference: str, amount_minor: int) -> RefundState:
        """Hand in refund `number`; accepted, failed or unknown."""
        ...

    def look(self, number: str, reference: str) -> RefundState:
        """Ask what became of refund `number`; succeeded, failed, accepted or unknown."""
        ...


class VisibleRoute:
    """Twin of a provider: the reference says how it behaves (`...-declines`, `...-mute`)."""

    def submit(self, number: str, reference: str, amount_minor: int) -> RefundState:
        """Accept, unless the reference says otherwise."""
        del number, amount_minor
        if reference.endswith("-declines"):
            return RefundState.FAILED
        return RefundState.UNKNOWN if reference.endswith("-mute") else RefundState.ACCEPTED

    def look(self, number: str, reference: str) -> RefundState:
        """Succeed, also where the answer to `submit` was lost."""
        del number, reference
        return RefundState.SUCCEEDED


def request(tx: Transaction, refund: Refund) -> RefundOrder:
    """Ask for a refund; the same purpose again returns the first one and pays nothing.

    Raises InvalidError for an amount that is none, ConflictError when more would go back than was
    paid for the charge, or when the purpose stands for another amount. The caller holds a lock on
    what was charged, so that two requests for one charge come one after the other.
    """
    if refund.amount_minor <= 0:
        raise InvalidError("amount_minor", "a refund is more than nothing")
    known = refund_for(tx.session, refund.purpose)
    if known is not None:
        if known.amount_minor != refund.amount_minor:
            raise ConflictError(f"refund {refund.purpose} was asked for with another amount")
        return known
    if promised_minor(tx.session, refund.charge) + refund.amount_minor > refund.charged_minor:
        raise ConflictError(f"more would go back than the {refund.charged_minor} that were paid")
    order = RefundOrder(
        id=tx.new_id(),
        purpose=refund.purpose,
        charge=refund.charge,
        charged_minor=refund.charged_minor,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        payment_reference=refund.payment_reference,
        state=REFUND_LIFE.initial,
        site_id=refund.site_id,
        requested_by=tx.actor,
        requested_at=tx.now,
        look_at=tx.now,
    )
    tx.session.add(order)
    tx.session.flush()
    _note(tx, order, "")
    facts = {"amount_minor": order.amount_minor, "purpose": order.purpose}
    record(tx, "refund.requested", "refund", order.id, facts, order.site_id)
    return order


def settle_refunds(route: RefundRoute, tx: Transaction) -> None:
    """Sweep: hand in what was asked for, ask about what is under way."""
    for order in due_refunds(tx.session, tx.now, REFUNDS_MAX):
        is_new = order.state == RefundState.REQUESTED
        if is_new:
            _move(tx, order, RefundState.SUBMITTED)
            answer = route.submit(order.id, order.payment_reference, order.amount_minor)
        else:
            answer = route.look(order.id, order.payment_reference)
        if answer != order.state:
            _move(tx, order, answer)
        again = FIRST_LOOK if is_new else ASK_AGAIN
        order.look_at = None if answer in REFUND_LIFE.final else tx.now + again
        if answer in REFUND_LIFE.final:
            tx.announce(RefundEnded(order.id, order.purpose, answer))


def _move(tx: Transaction, order: RefundOrder, state: RefundState) -> None:
    order.state = REFUND_LIFE.step(RefundState(order.state), state)
    _note(tx, order, "")
    if state in REFUND_LIFE.final:
        record(tx, f"refund.{state}", "refund", order.id, site_id=order.site_id)


def _note(tx: Transaction, order: RefundOrder, reason: str) -> None:
    tx.session.add(RefundHistory(refund_id=order.id, at=tx.now, state=order.state, reason=reason))
    changed(tx, [FLEET], "refund", order.id, order.site_id)
