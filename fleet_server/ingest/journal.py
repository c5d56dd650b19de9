"""Stores what is new of a batch of messages and hands it on, in the transaction of `service.py`.

Everything is gathered first and written in a few statements: what a batch of 500 messages costs
the database hardly depends on how many cabinets they come from.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from fleet_server.bulk import Row, insert_rows
from fleet_server.database import storable
from fleet_server.ingest.events import (
    CabinetLooksCloned,
    EventHandlers,
    EventUnreadable,
    JournalGapFound,
    OutboxWasReset,
    Received,
)
from fleet_server.ingest.lanes import LanePosition, Lanes
from fleet_server.ingest.models import DeadLetter, JournalEvent, JournalGap, TelemetryBatchRow
from fleet_server.ingest.partitions import month_of
from fleet_server.ingest.rules import Decision, Run, Standing, decide
from fleet_server.ingest.speakers import Speaker
from fleet_server.ingest.telemetry import add_to_hours
from fleet_server.transactions import Transaction
from protocol.errors import ProtocolError
from protocol.events import read_body
from protocol.journal import (
    SEQUENCE_MAX,
    ClockQuality,
    Event,
    JournalBatch,
    Lane,
    Sample,
    TelemetryBatch,
    UnreadableEvent,
)

Poison = Mapping[tuple[str, str, int], str]
"""(cabinet, epoch, sequence) -> why its handler failed; these are stored and not handled."""

JOURNAL_COLUMNS = (
    "id",
    "cabinet_id",
    "month",
    "epoch",
    "seq",
    "at",
    "received_at",
    "mono_ms",
    "boot",
    "clock",
    "type",
    "body",
)
TELEMETRY_COLUMNS = (
    "id",
    "cabinet_id",
    "month",
    "epoch",
    "first",
    "last",
    "begins_at",
    "ends_at",
    "samples",
)


@dataclass
class Desk:
    """State of one ingest transaction: what came, and what is to be written of it."""

    tx: Transaction
    speakers: Mapping[str, Speaker]
    lanes: Lanes
    poison: Poison = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    telemetry: list[Row] = field(default_factory=list)
    samples: list[tuple[str, list[Sample]]] = field(default_factory=list)
    """Cabinet and its new samples."""
    received: list[Received] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    """Cabinets that said goodbye in this batch; the board is told after the commit."""

    @property
    def month(self) -> int:
        """Month everything of this transaction is filed under."""
        return month_of(self.tx.now)


def take_journal(desk: Desk, speaker: Speaker, batch: JournalBatch) -> None:
    """Gather the new events of a batch, for the journal and for the handlers."""
    decision = _decide(desk, speaker, Lane.JOURNAL, batch)
    if not decision.takes:
        return
    events = batch.events[decision.take_from - batch.first :]
    for event, event_id in zip(events, desk.tx.new_ids(len(events)), strict=True):
        at = _instant(event.at)
        desk.events.append(_row(desk, speaker, batch, event, (event_id, at)))
        _read(desk, speaker, batch.epoch, event, (event_id, at))


def take_telemetry(desk: Desk, speaker: Speaker, batch: TelemetryBatch) -> None:
    """Gather the new samples of a batch: one row."""
    decision = _decide(desk, speaker, Lane.TELEMETRY, batch)
    if not decision.takes:
        return
    samples = batch.samples[decision.take_from - batch.first :]
    desk.samples.append((speaker.id, samples))
    desk.telemetry.append(
        (
            desk.tx.new_id(),
            speaker.id,
            desk.month,
            batch.epoch,
            decision.take_from,
            decision.take_to,
            samples[0].at,
            samples[-1].at,
            msgspec.json.encode(samples),
        )
    )


def store(desk: Desk) -> None:
    """Write what was gathered, and how far each lane is committed by it."""
    insert_rows(desk.tx.session, JournalEvent, JOURNAL_COLUMNS, desk.events)
    insert_rows(desk.tx.session, TelemetryBatchRow, TELEMETRY_COLUMNS, desk.telemetry)
    add_to_hours(desk.tx, desk.samples)
    desk.lanes.write(desk.tx)


def hand_over(desk: Desk, handlers: EventHandlers) -> None:
    """Hand the new events to the features by type, each cabinet's in the order they happened."""
    for kind, events in waves(desk.received):
        for handler in handlers.get(kind, ()):
            handler(desk.tx, events)
    desk.received.clear()


def waves(received: Sequence[Received]) -> Iterator[tuple[str, list[Received]]]:
    """Events by type, in few and long groups.

    What one cabinet did keeps its order; what different cabinets did has none. So the n-th run of
    equal types of every cabinet makes the n-th wave, and a wave is grouped by type.
    """
    made: list[dict[str, list[Received]]] = []
    reached: dict[str, tuple[int, str]] = {}
    for one in received:
        wave, kind = reached.get(one.cabinet_id, (-1, ""))
        if kind != one.type:
            wave += 1
            reached[one.cabinet_id] = (wave, one.type)
        if wave == len(made):
            made.append(defaultdict(list))
        made[wave][one.type].append(one)
    for groups in made:
        yield from groups.items()


def bury(  # a dead letter has these parts
    tx: Transaction,
    speaker: Speaker,
    reason: str,
    body: bytes,
    epoch: str = "",
    seq: int = 0,
    kind: str = "",
) -> None:
    """Keep what cannot be read or handled, and tell (P-6)."""
    letter = DeadLetter(
        id=tx.new_id(),
        cabinet_id=speaker.id,
        at=tx.now,
        epoch=epoch,
        seq=seq,
        type=storable(kind)[:60],
        reason=storable(reason),
        body=body,
    )
    tx.session.add(letter)
    told = (letter.type, letter.reason)
    tx.announce(EventUnreadable(speaker.id, speaker.site_id, letter.id, *told))


def _decide(
    desk: Desk, speaker: Speaker, lane: Lane, batch: JournalBatch | TelemetryBatch
) -> Decision:
    cursors = desk.lanes.of(speaker.id, lane)
    newest = cursors[-1] if cursors else None
    standing = None
    if newest is not None:
        older = frozenset(one.epoch for one in cursors[:-1])
        standing = Standing(newest.epoch, newest.committed, older)
    decision = decide(standing, Run(batch.epoch, batch.floor, batch.first, batch.last))
    moved = newest
    if decision.is_new_epoch or moved is None:
        moved = desk.lanes.open(speaker.id, lane, batch.epoch)
    moved.committed = decision.committed
    for fact in _facts(desk, speaker, lane, decision, newest):
        desk.tx.announce(fact)
    return decision


def _facts(
    desk: Desk, speaker: Speaker, lane: Lane, decision: Decision, before: LanePosition | None
) -> Iterator[object]:
    if decision.is_stale_epoch:
        yield CabinetLooksCloned(speaker.id, speaker.site_id, f"an older epoch of {lane} came back")
    if decision.is_new_epoch and before is not None and lane is Lane.JOURNAL:
        yield OutboxWasReset(speaker.id, speaker.site_id, before.epoch, decision.epoch)
    if decision.gap is not None:
        first, last = decision.gap
        desk.tx.session.add(
            JournalGap(
                id=desk.tx.new_id(),
                cabinet_id=speaker.id,
                lane=lane,
                epoch=decision.epoch,
                first=first,
                last=last,
                found_at=desk.tx.now,
            )
        )
        if lane is Lane.JOURNAL:  # thinned telemetry declares its gaps itself (P-8)
            yield JournalGapFound(speaker.id, speaker.site_id, decision.epoch, first, last)


def _row(
    desk: Desk,
    speaker: Speaker,
    batch: JournalBatch,
    event: Event,
    known: tuple[str, datetime | None],
) -> Row:
    """Row of an event. Nothing in it may fail: an odd event is stored, then buried (P-6)."""
    event_id, at = known
    now = desk.tx.now
    return (
        event_id,
        speaker.id,
        month_of(now),
        batch.epoch,
        event.seq,
        at or now,
        now,
        max(0, min(event.mono_ms, SEQUENCE_MAX)),
        storable(event.boot)[:64],
        (event.clock or batch.clock).value if at else ClockQuality.UNSYNCED.value,
        storable(event.type)[:60],
        storable(bytes(event.body).decode(errors="replace")),
    )


def _instant(at: datetime) -> datetime | None:
    """UTC of an event's time; None for one that is no instant."""
    if at.tzinfo is UTC:
        return at
    try:
        return at.astimezone(UTC) if at.tzinfo else None
    except OverflowError:
        return None


def _read(
    desk: Desk, speaker: Speaker, epoch: str, event: Event, known: tuple[str, datetime | None]
) -> None:
    poison = desk.poison.get((speaker.id, epoch, event.seq)) if desk.poison else None
    if isinstance(event, UnreadableEvent):
        poison = event.reason
    try:
        body = None if poison else read_body(event)
    except ProtocolError as error:
        poison = str(error)
    if poison is not None:
        bury(desk.tx, speaker, poison, bytes(event.body), epoch, event.seq, event.type)
    elif body is not None:
        event_id, at = known
        desk.received.append(
            Received(
                event_id,
                speaker.id,
                speaker.site_id,
                epoch,
                event.seq,
                event.type,
                at or desk.tx.now,
                body,
            )
        )
