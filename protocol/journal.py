"""The journal: one log per cabinet, replicated with receipts (protocol v1, P-1 .. P-8).

Bodies stay raw bytes in `Event`: the server stores what it was sent, byte for byte, and reads it
by type afterwards, so an event it cannot read loses nothing (P-6). An event whose own fields
cannot be read becomes an `UnreadableEvent`; the events beside it are what they are.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.errors import MalformedMessageError
from protocol.intervals import BATCH_EVENTS_MAX
from protocol.salvage import fields_of, known, split_array, whole_text
from protocol.wire import decode, decode_json, unpack

WIRE_VERSION = 1
SEQUENCE_MAX = 2**63 - 1
"""Sequences are 64-bit and start at 1; signed, so that every database stores them."""

Count = Annotated[int, msgspec.Meta(ge=0, le=SEQUENCE_MAX)]
"""A number of the wire that a database has to hold; checked while it is read."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}(?!\n)$")]
"""An epoch or a boot id: 1 to 64 printable ASCII characters (PostgreSQL holds no NUL)."""


class ClockQuality(StrEnum):
    """How far a cabinet's wall clock is trusted (P-18)."""

    SYNCED = "synced"
    HOLDOVER = "holdover"
    UNSYNCED = "unsynced"


class Lane(StrEnum):
    """The two replicated lanes; each has its own cursor (P-3)."""

    JOURNAL = "journal"
    TELEMETRY = "telemetry"


class Event(msgspec.Struct, frozen=True):
    """One fact of a cabinet. `at` is its best known UTC, `mono_ms` its boot-relative time."""

    seq: int
    at: datetime
    mono_ms: int
    boot: str
    type: str
    body: msgspec.Raw
    clock: ClockQuality | None = None
    """Quality when the event was taken, where it differs from the batch's (an older boot)."""


class UnreadableEvent(Event, frozen=True, kw_only=True):
    """An event that could not be decoded: `body` holds all its bytes, the rest what is known.

    Never on the wire. `seq` is its place in the run, `at` the batch's where its own is not known.
    """

    reason: str


class JournalBatch(msgspec.Struct, frozen=True):
    """A contiguous run of events, `first` to `last`; `floor` is the lowest still held (P-3)."""

    v: int
    epoch: Name
    floor: Count
    first: Count
    last: Count
    sent_at: datetime
    clock: ClockQuality
    events: list[Event]


class Sample(msgspec.Struct, frozen=True):
    """One telemetry reading, in the unit its metric names (`temperature_celsius`)."""

    seq: int
    at: datetime
    mono_ms: int
    boot: str
    part: str
    metric: str
    value: float


class TelemetryBatch(msgspec.Struct, frozen=True):
    """A contiguous run of samples; thinned samples leave a declared gap below `floor` (P-8)."""

    v: int
    epoch: Name
    floor: Count
    first: Count
    last: Count
    sent_at: datetime
    clock: ClockQuality
    samples: list[Sample]


class Position(msgspec.Struct, frozen=True):
    """How far one lane is committed in the database, in one epoch."""

    epoch: str
    committed: Count


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sent after the commit, never before (P-4). `server_time` informs; it is never a clock."""

    v: int
    server_epoch: str
    server_time: datetime
    journal: Position | None = None
    telemetry: Position | None = None
    rules_version: Count = 0
    desired_version: Count = 0


def read_journal_batch(data: bytes) -> JournalBatch:
    """Bytes of the wire -> batch whose numbers agree; MalformedMessageError when they do not.

    An event that cannot be decoded stays in its place as an UnreadableEvent (P-6).
    """
    body = unpack(data)
    try:
        batch = decode_json(body, JournalBatch)
    except MalformedMessageError:
        batch = _salvaged(body)
    _check_run(batch, [event.seq for event in batch.events])
    return batch


def _salvaged(body: bytes) -> JournalBatch:
    """Batch read event by event; its own fields must be sound."""
    head, entries = split_array(body, "events", BATCH_EVENTS_MAX)
    batch = decode_json(head, JournalBatch)
    events = [_event(entry, seq, batch) for seq, entry in enumerate(entries, batch.first)]
    return msgspec.structs.replace(batch, events=events)


def _event(entry: bytes, seq: int, batch: JournalBatch) -> Event:
    try:
        return decode_json(entry, Event)
    except MalformedMessageError as error:
        fields = fields_of(entry)
        mono_ms = known(fields, "mono_ms", int, -1)
        # Boot and monotonic time date an event together (P-18): one alone would date it wrongly.
        boot = whole_text(known(fields, "boot", str, "")) if mono_ms >= 0 else ""
        return UnreadableEvent(
            seq=known(fields, "seq", int, seq),
            at=known(fields, "at", datetime, batch.sent_at),
            mono_ms=max(0, mono_ms),
            boot=boot,
            type=whole_text(known(fields, "type", str, "")),
            body=msgspec.Raw(entry),
            clock=ClockQuality.UNSYNCED,
            reason=error.reason,
        )


def read_telemetry_batch(data: bytes) -> TelemetryBatch:
    """Bytes of the wire -> batch whose numbers agree; MalformedMessageError when they do not."""
    batch = decode(data, TelemetryBatch)
    _check_run(batch, [sample.seq for sample in batch.samples])
    if any(sample.at.tzinfo is None for sample in batch.samples):
        raise MalformedMessageError("times of samples carry their offset (UTC)")
    return batch


def _check_run(batch: JournalBatch | TelemetryBatch, sequences: list[int]) -> None:
    if batch.v != WIRE_VERSION:
        raise MalformedMessageError(f"version {batch.v} is not spoken here")
    if not 1 <= batch.floor <= batch.first <= batch.last:
        raise MalformedMessageError("floor, first and last do not follow each other")
    if len(sequences) > BATCH_EVENTS_MAX:
        raise MalformedMessageError(f"{len(sequences)} entries exceed {BATCH_EVENTS_MAX}")
    if sequences != list(range(batch.first, batch.last + 1)):
        raise MalformedMessageError("the entries are not first..last without a gap")
    if batch.sent_at.tzinfo is None:
        raise MalformedMessageError("times carry their offset (UTC)")
