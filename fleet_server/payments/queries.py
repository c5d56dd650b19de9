"""All selects of refunds."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.payments.models import RefundHistory, RefundOrder
from fleet_server.payments.states import RefundState


def refund_for(session: Session, purpose: str) -> RefundOrder | None:
    """Refund of that purpose, locked."""
    found = select(RefundOrder).where(RefundOrder.purpose == purpose).with_for_update()
    return session.scalar(found)


def refunds_for(session: Session, purposes: Iterable[str]) -> list[RefundOrder]:
    """Refunds of those purposes."""
    found = select(RefundOrder).where(RefundOrder.purpose.in_(list(purposes)))
    return list(session.scalars(found.order_by(RefundOrder.id)))


def promised_minor(session: Session, charge: str) -> int:
    """What goes or went back of a charge; a failed refund gave nothing back."""
    total = session.scalar(
        select(func.sum(RefundOrder.amount_minor)).where(
            RefundOrder.charge == charge, RefundOrder.state != RefundState.FAILED
        )
    )
    return int(total or 0)


def due_refunds(session: Session, now: datetime, limit: int) -> list[RefundOrder]:
    """Refunds the route has to be asked about, locked."""
    found = (
        select(RefundOrder)
        .where(RefundOrder.look_at <= now)
        .order_by(RefundOrder.look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(found))


def amounts_by_state(session: Session, prefix: str) -> Counter[str]:
    """Minor units by state, of all purposes that begin so."""
    found = (
        select(RefundOrder.state, func.sum(RefundOrder.amount_minor))
        .where(RefundOrder.purpose.startswith(prefix, autoescape=True))
        .group_by(RefundOrder.state)
    )
    return Counter({state: int(total) for state, total in session.execute(found)})


def history_of(session: Session, refund_id: str) -> list[RefundHistory]:
    """Steps of a refund, oldest first."""
    found = select(RefundHistory).where(RefundHistory.refund_id == refund_id)
    return list(session.scalars(found.order_by(RefundHistory.seq)))
