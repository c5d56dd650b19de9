"""The journal in SQLite: append in the caller's transaction, read to send, delete when old (P-1).

One epoch is one life of this database. A sequence is given exactly once, because head and event
are written together. Acknowledged events stay 7 more days and are deleted in bounded portions.
"""

from datetime import datetime, timedelta

import msgspec

from edge_agent.errors import MisuseError
from edge_agent.outbox.timekeeper import Taken, Timekeeper
from edge_agent.seed import Chance
from edge_agent.store import Store
from protocol.events import BODIES
from protocol.intervals import ACKNOWLEDGED_KEPT_SECONDS
from protocol.journal import ClockQuality, Event, Lane
from protocol.presence import LanePosition

BODY_BYTES_MAX = 48 * 1024
"""One event must fit into 64 KiB on the wire even where compression gains nothing."""
DELETED_AT_ONCE_MAX = 500
"""A portion takes some milliseconds on an eMMC; the next step takes the next."""
MARK_EVERY_SECONDS = 3600.0
"""Acknowledgements are noted hourly: exact enough for 7 days, and 24 writes a day."""


_TABLES = {Lane.JOURNAL: "journal", Lane.TELEMETRY: "telemetry"}


class EventTooLargeError(MisuseError):
    """An event of ours would not fit on the wire; whoever builds it has to bound it."""

    def __init__(self, kind: str, size_bytes: int) -> None:
        super().__init__(f"{kind}: {size_bytes} bytes exceed {BODY_BYTES_MAX}")
        self.kind = kind
        self.size_bytes = size_bytes


class Outbox:
    """Writes the journal; the lanes (`lanes.py`) read it for the sender."""

    def __init__(self, store: Store, time: Timekeeper, chance: Chance, boot: str) -> None:
        """Begin a new epoch where the store has none. Raises StorageError."""
        self._store = store
        self._time = time
        self._chance = chance
        self.boot = boot
        self.new_epoch = store.row("SELECT 1 FROM lane LIMIT 1") is None
        if self.new_epoch:
            with store.transaction():
                _begin_epoch(store, chance)
        self._committed_kept = lane_row(store, Lane.JOURNAL)[3]
        self.committed = self._committed_kept
        """How far the server is with the journal; written along with the next append."""

    def append(self, kind: str, body: msgspec.Struct, taken: Taken | None = None) -> int:
        """Add one event in the caller's transaction; return its sequence.

        `taken`: when it happened, where that was not now (the disk was full then).
        """
        if type(body) is not BODIES[kind]:
            raise MisuseError(f"{kind} does not carry a {type(body).__name__}")
        data = msgspec.json.encode(body)
        if len(data) > BODY_BYTES_MAX:
            raise EventTooLargeError(kind, len(data))
        seq = next_sequences(self._store, Lane.JOURNAL, 1)
        taken = taken or self._time.taken()
        self._store.write(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)",
            seq,
            taken.at.isoformat(),
            taken.mono_ms,
            self.boot,
            str(taken.quality),
            kind,
            data,
        )
        if taken.quality is ClockQuality.SYNCED:
            self._time.raise_bound(taken.at)
        self._keep_committed()
        return seq

    def position(self, lane: Lane) -> LanePosition:
        """Epoch, head and floor of a lane."""
        epoch, head, floor = lane_row(self._store, lane)[:3]
        return LanePosition(epoch, head, floor)

    def events(self, after: int, limit: int, *, newer: ClockQuality | None = None) -> list[Event]:
        """Read at most `limit` events after a sequence; `newer`: quality the batch declares."""
        rows = self._store.rows(
            "SELECT seq, at, mono_ms, boot, type, body, clock FROM journal"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            after,
            limit,
        )
        return [_event(row, newer) for row in rows]

    def tidy(self, *, short_of_space: bool = False) -> int:
        """Note how far the server is, delete what is acknowledged for 7 days; return how many.

        `short_of_space`: delete all that is acknowledged; the 7 days are for when there is room.
        """
        now, committed = self._time.now(), self.committed
        floor = lane_row(self._store, Lane.JOURNAL)[2]
        last = self._store.row("SELECT through, at FROM acknowledged ORDER BY through DESC LIMIT 1")
        due = last is None or _age(now, last[1]) >= MARK_EVERY_SECONDS
        old = committed if short_of_space else _deletable(self._store, now, committed)
        if not (due and committed >= floor) and old < floor:
            return 0
        with self._store.transaction():
            if due and (last is None or committed > last[0]):
                self._store.write(
                    "INSERT INTO acknowledged VALUES (?, ?)", committed, now.isoformat()
                )
            return _delete_through(self._store, floor, old)

    def fall_back(self, committed: int) -> None:
        """Forget marks past `committed`: the server lost what it had acknowledged (P-7)."""
        with self._store.transaction():
            self._store.write("DELETE FROM acknowledged WHERE through > ?", committed)

    def begin_anew(self) -> None:
        """Begin a new epoch in both lanes with what is not acknowledged (ADR 0008); durable.

        The store turned out to be an older copy of itself, so it counts as lost, too: what it
        forgot (a hold, a count) nobody knows.
        """
        telemetry_gone = lane_row(self._store, Lane.TELEMETRY)[2] - 1
        with self._store.transaction():
            _shift(self._store, Lane.JOURNAL, self.committed, self._chance)
            _shift(self._store, Lane.TELEMETRY, telemetry_gone, self._chance)
            self._store.write("DELETE FROM acknowledged")
            self._store.note_loss()
        self.committed = self._committed_kept = 0

    def _keep_committed(self) -> None:
        # Its own write would cost a flush per receipt; losing it only sends a batch again.
        if self.committed != self._committed_kept:
            self._committed_kept = self.committed
            self._store.write(
                "UPDATE lane SET committed = ? WHERE name = ?", self.committed, str(Lane.JOURNAL)
            )


def _begin_epoch(store: Store, chance: Chance) -> None:
    for lane in Lane:
        store.write("INSERT INTO lane VALUES (?, ?, 0, 1, 0)", str(lane), chance.short_id())


def _shift(store: Store, lane: Lane, gone: int, chance: Chance) -> None:
    """Drop the entries up to `gone`, number the others from 1, in a new epoch."""
    table = _TABLES[lane]
    store.write(f"DELETE FROM {table} WHERE seq <= ?", gone)  # noqa: S608  # a name of ours
    # Over negative numbers, so that no row meets another on the way.
    store.write(f"UPDATE {table} SET seq = ? - seq", gone)  # noqa: S608  # same
    store.write(f"UPDATE {table} SET seq = -seq")  # noqa: S608  # same
    store.write(
        "UPDATE lane SET epoch = ?, head = head - ?, floor = 1, committed = 0 WHERE name = ?",
        chance.short_id(),
        gone,
        str(lane),
    )


def lane_row(store: Store, lane: Lane) -> tuple[str, int, int, int]:
    """Epoch, head, floor and committed of a lane."""
    found = store.row("SELECT epoch, head, floor, committed FROM lane WHERE name = ?", str(lane))
    if found is None:
        raise MisuseError(f"lane {lane} was never begun")
    return found[0], found[1], found[2], found[3]


def next_sequences(store: Store, lane: Lane, count: int) -> int:
    """Give `count` sequences; return the first."""
    store.write("UPDATE lane SET head = head + ? WHERE name = ?", count, str(lane))
    return lane_row(store, lane)[1] - count + 1


def _event(row: tuple[int, str, int, str, str, bytes, str], declared: ClockQuality | None) -> Event:
    seq, at, mono_ms, boot, kind, body, clock = row
    quality = None if clock == declared else ClockQuality(clock)
    moment = datetime.fromisoformat(at)
    return Event(seq, moment, mono_ms, boot, kind, msgspec.Raw(body), quality)


def _age(now: datetime, then: str) -> float:
    return (now - datetime.fromisoformat(then)).total_seconds()


def _deletable(store: Store, now: datetime, committed: int) -> int:
    limit = now - timedelta(seconds=ACKNOWLEDGED_KEPT_SECONDS)
    found = store.row("SELECT max(through) FROM acknowledged WHERE at <= ?", limit.isoformat())
    return min(committed, found[0]) if found is not None and found[0] is not None else 0


def _delete_through(store: Store, floor: int, old: int) -> int:
    through = min(old, floor + DELETED_AT_ONCE_MAX - 1)
    if through < floor:
        return 0
    gone = store.write("DELETE FROM journal WHERE seq <= ?", through)
    store.write("DELETE FROM acknowledged WHERE through <= ? AND through < ?", through, old)
    store.write("UPDATE lane SET floor = ? WHERE name = ?", through + 1, str(Lane.JOURNAL))
    return gone
