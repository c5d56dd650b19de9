"""Queue a message for a cabinet, or for all, in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete

from fleet_server.outbox.models import OutboundMessage
from fleet_server.transactions import Transaction
from protocol.topics import AllKind, DownKind, broadcast, down
from protocol.wire import DOWN_LIMIT_BYTES, compressed

SET_ASIDE_KEPT_FOR = timedelta(days=30)
"""Time for people to look at a message the broker never took."""


def send(  # a message has these parts
    tx: Transaction,
    fleet: str,
    cabinet: str,
    kind: DownKind,
    body: bytes,
    not_after: datetime | None = None,
) -> None:
    """Queue signed JSON `body` for one cabinet; it is dropped unsent after `not_after`."""
    _queue(tx, down(fleet, cabinet, kind), body, not_after)


def send_to_each(
    tx: Transaction, fleet: str, cabinets: Sequence[str], kind: DownKind, body: bytes
) -> None:
    """Queue the same signed JSON for several cabinets; it is packed once."""
    payload = compressed(body, DOWN_LIMIT_BYTES)
    for cabinet in cabinets:
        tx.session.add(_message(tx, down(fleet, cabinet, kind), payload, None))


def send_to_all(tx: Transaction, fleet: str, kind: AllKind, body: bytes) -> None:
    """Queue signed JSON `body` for the whole fleet."""
    _queue(tx, broadcast(fleet, kind), body, None)


def forget_set_aside(tx: Transaction) -> None:
    """Sweep: drop messages that were set aside long ago."""
    old = OutboundMessage.set_aside_at < tx.now - SET_ASIDE_KEPT_FOR
    tx.session.execute(delete(OutboundMessage).where(old))


def _queue(tx: Transaction, topic: str, body: bytes, not_after: datetime | None) -> None:
    tx.session.add(_message(tx, topic, compressed(body, DOWN_LIMIT_BYTES), not_after))


def _message(
    tx: Transaction, topic: str, payload: bytes, not_after: datetime | None
) -> OutboundMessage:
    return OutboundMessage(
        topic=topic, qos=1, payload=payload, created_at=tx.now, not_after=not_after
    )
