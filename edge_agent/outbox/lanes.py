"""Both lanes as the sender sees them: read from the store, packed within the wire's bounds."""

from collections.abc import Callable
from typing import TypeVar

from edge_agent.outbox.sender import Packed
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.telemetry import Telemetry
from edge_agent.outbox.timekeeper import Timekeeper
from protocol.errors import MessageTooLargeError
from protocol.intervals import BATCH_EVENTS_MAX
from protocol.journal import (
    WIRE_VERSION,
    Event,
    JournalBatch,
    Lane,
    Sample,
    TelemetryBatch,
)
from protocol.presence import LanePosition
from protocol.wire import encode

E = TypeVar("E", Event, Sample)


class JournalLane:
    """Events, to be kept until their receipt."""

    def __init__(self, outbox: Outbox, time: Timekeeper) -> None:
        self._outbox = outbox
        self._time = time

    def position(self) -> LanePosition:
        """Epoch, head and floor now."""
        return self._outbox.position(Lane.JOURNAL)

    def pack(self, first: int, last: int) -> Packed:
        """Batch of at most 100 events and 64 KiB from `first` to `last` at most."""
        here, now, clock = self.position(), self._time.now(), self._time.quality()
        count = min(BATCH_EVENTS_MAX, last - first + 1)
        events = self._outbox.events(first - 1, count, newer=clock)

        def batch(part: list[Event]) -> JournalBatch:
            last = part[-1].seq
            return JournalBatch(WIRE_VERSION, here.epoch, here.floor, first, last, now, clock, part)

        return _pack_within_bounds(events, batch)


class TelemetryLane:
    """Samples, bounded."""

    def __init__(self, outbox: Outbox, telemetry: Telemetry, time: Timekeeper) -> None:
        self._outbox = outbox
        self._telemetry = telemetry
        self._time = time

    def position(self) -> LanePosition:
        """Epoch, head and floor now."""
        return self._outbox.position(Lane.TELEMETRY)

    def pack(self, first: int, last: int) -> Packed:
        """Batch of at most 100 samples and 64 KiB from `first` to `last` at most."""
        here, now, clock = self.position(), self._time.now(), self._time.quality()
        count = min(BATCH_EVENTS_MAX, last - first + 1)
        samples = self._telemetry.samples(first - 1, count)

        def batch(part: list[Sample]) -> TelemetryBatch:
            last = part[-1].seq
            return TelemetryBatch(
                WIRE_VERSION, here.epoch, here.floor, first, last, now, clock, part
            )

        return _pack_within_bounds(samples, batch)


def _pack_within_bounds(
    entries: list[E], batch: Callable[[list[E]], JournalBatch | TelemetryBatch]
) -> Packed:
    """Halve the run until it fits; one entry alone always does (BODY_BYTES_MAX)."""
    while True:
        try:
            payload = encode(batch(entries))
        except MessageTooLargeError:
            if len(entries) == 1:
                raise
            entries = entries[: len(entries) // 2]
        else:
            return Packed(entries[0].seq, entries[-1].seq, payload)
