"""All selects of the outbox."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.outbox.models import OutboundMessage


def waiting(session: Session, limit: int) -> list[OutboundMessage]:
    """Messages to hand to the broker, oldest first."""
    found = (
        select(OutboundMessage)
        .where(OutboundMessage.set_aside_at.is_(None))
        .order_by(OutboundMessage.seq)
        .limit(limit)
    )
    return list(session.scalars(found))


def by_seq(session: Session, seqs: Iterable[int]) -> list[OutboundMessage]:
    """Messages of these numbers, locked; those that are gone are left out."""
    found = select(OutboundMessage).where(OutboundMessage.seq.in_(list(seqs)))
    return list(session.scalars(found.order_by(OutboundMessage.seq).with_for_update()))


def count_of(session: Session, *, set_aside: bool) -> int:
    """How many messages wait, or were set aside."""
    column = OutboundMessage.set_aside_at
    found = select(func.count(OutboundMessage.seq))
    return session.scalar(found.where(column.is_not(None) if set_aside else column.is_(None))) or 0
