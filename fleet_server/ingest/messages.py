"""Bytes of the broker -> one typed message of a cabinet; pure.

Split from `service.py`: reading never touches the database, so a message that cannot be read
costs no transaction.
"""

from typing import NamedTuple

from fleet_server.mqtt_inbox import Inbound
from protocol.errors import MalformedMessageError
from protocol.journal import (
    WIRE_VERSION,
    JournalBatch,
    TelemetryBatch,
    read_journal_batch,
    read_telemetry_batch,
)
from protocol.presence import Heartbeat, Presence, TimeRequest
from protocol.topics import UpKind, parse_up
from protocol.wire import decode

Body = JournalBatch | TelemetryBatch | Presence | Heartbeat | TimeRequest


class Message(NamedTuple):
    """One readable message."""

    cabinet_id: str
    body: Body
    arrived: float | None = None
    """When it was read, elapsed seconds of the server's clock; None: now."""


def read_message(fleet: str, inbound: Inbound) -> Message:
    """Topic and payload -> message; ProtocolError when it is none of this fleet."""
    parsed = parse_up(inbound.topic)
    if parsed.fleet != fleet:
        raise MalformedMessageError(f"a message of fleet {parsed.fleet!r}")
    return Message(parsed.cabinet, _body(parsed.kind, inbound.payload), inbound.arrived)


def _body(kind: UpKind, payload: bytes) -> Body:
    if kind is UpKind.JOURNAL:
        return read_journal_batch(payload)
    if kind is UpKind.TELEMETRY:
        return read_telemetry_batch(payload)
    body: Body
    if kind is UpKind.PRESENCE:
        body = decode(payload, Presence)
    elif kind is UpKind.HEARTBEAT:
        body = decode(payload, Heartbeat)
    else:
        body = decode(payload, TimeRequest)
    if body.v != WIRE_VERSION:
        raise MalformedMessageError(f"version {body.v} is not spoken here")
    return body


def one_event(batch: JournalBatch, seq: int) -> JournalBatch:
    """The same batch, cut down to one event: how a poison event is isolated (P-6)."""
    event = next(event for event in batch.events if event.seq == seq)
    return JournalBatch(
        v=batch.v,
        epoch=batch.epoch,
        floor=batch.floor,
        first=seq,
        last=seq,
        sent_at=batch.sent_at,
        clock=batch.clock,
        events=[event],
    )
