"""Queue a message for a cabinet, or for all, in the caller's transaction."""

from datetime import datetime

from fleet_server.outbox.models import OutboundMessage
from fleet_server.transactions import Transaction
from protocol.topics import AllKind, DownKind, broadcast, down
from protocol.wire import DOWN_LIMIT_BYTES, compressed


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


def send_to_all(tx: Transaction, fleet: str, kind: AllKind, body: bytes) -> None:
    """Queue signed JSON `body` for the whole fleet."""
    _queue(tx, broadcast(fleet, kind), body, None)


def _queue(tx: Transaction, topic: str, body: bytes, not_after: datetime | None) -> None:
    tx.session.add(
        OutboundMessage(
            topic=topic,
            qos=1,
            payload=compressed(body, DOWN_LIMIT_BYTES),
            created_at=tx.now,
            not_after=not_after,
        )
    )
