"""Stores what is new of a batch and hands it on, inside the transaction of `service.py`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

import msgspec
from sqlalchemy import insert

from fleet_server.cabinets.models import Cabinet
from fleet_server.ingest.events import (
    CabinetLooksCloned,
    EventHandlers,
    EventUnreadable,
    JournalGapFound,
    OutboxWasReset,
    Received,
)
from fleet_server.ingest.models import (
    Cursor,
    DeadLetter,
    JournalEvent,
    JournalGap,
    TelemetryBatchRow,
)
from fleet_server.ingest.queries import lane_cursors
from fleet_server.ingest.rules import Decision, Run, Standing, decide
from fleet_server.transactions import Transaction
from protocol.errors import ProtocolError
from protocol.events import read_body
from protocol.journal import (
    SEQUENCE_MAX,
    ClockQuality,
    Event,
    JournalBatch,
    Lane,
    Position,
    TelemetryBatch,
    UnreadableEvent,
)

Poison = Mapping[tuple[str, str, int], str]
"""(cabinet, epoch, sequence) -> why its handler failed; these are stored and not handled."""


@dataclass
class Desk:
    """State of one ingest transaction: cursors in memory, moved rows at the end."""

    tx: Transaction
    cabinets: Mapping[str, Cabinet]
    cursors: dict[str, list[Cursor]]
    poison: Poison = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Cabinets that said goodbye in this batch; the board is told after the commit."""

    def positions(self, cabinet_id: str) -> dict[Lane, Position]:
        """Where each lane of a cabinet is committed, newest epochs."""
        found: dict[Lane, Position] = {}
        for lane in Lane:
            cursors = lane_cursors(self.cursors.get(cabinet_id, []), lane)
            if cursors:
                found[lane] = Position(cursors[-1].epoch, cursors[-1].committed)
        return found


def take_journal(desk: Desk, cabinet: Cabinet, batch: JournalBatch) -> None:
    """Store the new events of a batch and queue them for the handlers."""
    decision = _decide(desk, cabinet, Lane.JOURNAL, batch)
    if not decision.takes:
        return
    events = batch.events[decision.take_from - batch.first :]
    rows = [_row(desk, cabinet, batch, event) for event in events]
    desk.tx.session.execute(insert(JournalEvent), rows)
    for event, row in zip(events, rows, strict=True):
        _read(desk, cabinet, batch.epoch, event, str(row["id"]))


def take_telemetry(desk: Desk, cabinet: Cabinet, batch: TelemetryBatch) -> None:
    """Store the new samples of a batch as one row."""
    decision = _decide(desk, cabinet, Lane.TELEMETRY, batch)
    if not decision.takes:
        return
    samples = batch.samples[decision.take_from - batch.first :]
    desk.tx.session.add(
        TelemetryBatchRow(
            id=desk.tx.new_id(),
            cabinet_id=cabinet.id,
            epoch=batch.epoch,
            first=decision.take_from,
            last=decision.take_to,
            begins_at=samples[0].at,
            ends_at=samples[-1].at,
            samples=msgspec.json.encode(samples),
        )
    )


def hand_over(desk: Desk, handlers: EventHandlers) -> None:
    """Hand the new events to the features, in runs of one type, in the order they happened."""
    for kind, run in groupby(desk.received, key=lambda received: received.type):
        events = list(run)
        for handler in handlers.get(kind, ()):
            handler(desk.tx, events)
    desk.received.clear()


def bury(  # a dead letter has these parts
    tx: Transaction,
    cabinet: Cabinet,
    reason: str,
    body: bytes,
    epoch: str = "",
    seq: int = 0,
    kind: str = "",
) -> None:
    """Keep what cannot be read or handled, and tell (P-6)."""
    letter = DeadLetter(
        id=tx.new_id(),
        cabinet_id=cabinet.id,
        at=tx.now,
        epoch=epoch,
        seq=seq,
        type=_storable(kind)[:60],
        reason=_storable(reason),
        body=body,
    )
    tx.session.add(letter)
    told = (letter.type, letter.reason)
    tx.announce(EventUnreadable(cabinet.id, cabinet.site_id, letter.id, *told))


def _decide(
    desk: Desk, cabinet: Cabinet, lane: Lane, batch: JournalBatch | TelemetryBatch
) -> Decision:
    cursors = lane_cursors(desk.cursors.setdefault(cabinet.id, []), lane)
    newest = cursors[-1] if cursors else None
    older = frozenset(cursor.epoch for cursor in cursors[:-1])
    standing = Standing(newest.epoch, newest.committed, older) if newest else None
    decision = decide(standing, Run(batch.epoch, batch.floor, batch.first, batch.last))
    if decision.is_new_epoch:
        cursor = _open(desk, cabinet, lane, batch.epoch, len(cursors) + 1)
    elif newest is not None:
        cursor = newest
    cursor.committed = decision.committed
    for fact in _facts(desk, cabinet, lane, decision, newest):
        desk.tx.announce(fact)
    return decision


def _open(desk: Desk, cabinet: Cabinet, lane: Lane, epoch: str, generation: int) -> Cursor:
    cursor = Cursor(
        cabinet_id=cabinet.id,
        lane=lane,
        epoch=epoch,
        generation=generation,
        committed=0,
        opened_at=desk.tx.now,
    )
    desk.tx.session.add(cursor)
    desk.cursors[cabinet.id].append(cursor)
    return cursor


def _facts(
    desk: Desk, cabinet: Cabinet, lane: Lane, decision: Decision, before: Cursor | None
) -> Iterator[object]:
    if decision.is_stale_epoch:
        yield CabinetLooksCloned(cabinet.id, cabinet.site_id, f"an older epoch of {lane} came back")
    if decision.is_new_epoch and before is not None and lane is Lane.JOURNAL:
        yield OutboxWasReset(cabinet.id, cabinet.site_id, before.epoch, decision.epoch)
    if decision.gap is not None:
        first, last = decision.gap
        desk.tx.session.add(
            JournalGap(
                id=desk.tx.new_id(),
                cabinet_id=cabinet.id,
                lane=lane,
                epoch=decision.epoch,
                first=first,
                last=last,
                found_at=desk.tx.now,
            )
        )
        if lane is Lane.JOURNAL:  # thinned telemetry declares its gaps itself (P-8)
            yield JournalGapFound(cabinet.id, cabinet.site_id, decision.epoch, first, last)


def _row(desk: Desk, cabinet: Cabinet, batch: JournalBatch, event: Event) -> dict[str, object]:
    """Row of an event. Nothing in it may fail: an odd event is stored, then buried (P-6)."""
    at = _instant(event.at)
    clock = event.clock or batch.clock
    return {
        "id": desk.tx.new_id(),
        "cabinet_id": cabinet.id,
        "epoch": batch.epoch,
        "seq": event.seq,
        "at": at or desk.tx.now,
        "received_at": desk.tx.now,
        "mono_ms": max(0, min(event.mono_ms, SEQUENCE_MAX)),
        "boot": _storable(event.boot)[:64],
        "clock": clock if at else ClockQuality.UNSYNCED,
        "type": _storable(event.type)[:60],
        "body": _storable(bytes(event.body).decode(errors="replace")),
    }


def _storable(text: str) -> str:
    """Text as both databases hold it: PostgreSQL knows no NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _instant(at: datetime) -> datetime | None:
    """UTC of an event's time; None for one that is no instant."""
    try:
        return at.astimezone(UTC) if at.tzinfo else None
    except OverflowError:
        return None


def _read(desk: Desk, cabinet: Cabinet, epoch: str, event: Event, event_id: str) -> None:
    poison = desk.poison.get((cabinet.id, epoch, event.seq))
    if isinstance(event, UnreadableEvent):
        poison = event.reason
    try:
        body = None if poison else read_body(event)
    except ProtocolError as error:
        poison = str(error)
    if poison is not None:
        bury(desk.tx, cabinet, poison, bytes(event.body), epoch, event.seq, event.type)
    elif body is not None:
        desk.received.append(
            Received(
                event_id=event_id,
                cabinet_id=cabinet.id,
                site_id=cabinet.site_id,
                epoch=epoch,
                seq=event.seq,
                type=event.type,
                at=_instant(event.at) or desk.tx.now,
                body=body,
            )
        )
