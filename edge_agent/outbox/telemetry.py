"""The telemetry lane: bounded, written rarely, its losses declared (protocol v1, P-8).

Samples wait in memory and are written together, because each write wears the flash. When the
store holds too many the oldest portion goes, its sequences below the new floor, and an event says
so in the same transaction; a batch stays contiguous that way.
"""

from dataclasses import dataclass
from datetime import datetime

from edge_agent.outbox.store import Outbox, lane_row, next_sequences
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import Store
from protocol.events import TelemetryDropped
from protocol.intervals import TELEMETRY_SAMPLES_MAX
from protocol.journal import Lane, Sample

WAITING_MAX = 2_000
"""Samples in memory: more than any commit period brings; past it they are written early."""
DROPPED_AT_ONCE = 1_000
"""One declared gap per thousand samples, not one per sample."""


@dataclass(frozen=True)
class Measured:
    """One reading on its way to the lane."""

    at: datetime
    mono_ms: int
    part: str
    metric: str
    value: float


class Telemetry:
    """Collects samples and writes them."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        time: Timekeeper,
        *,
        commit_seconds: float,
        samples_max: int = TELEMETRY_SAMPLES_MAX,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._time = time
        self._commit_seconds = commit_seconds
        self._samples_max = samples_max
        self._waiting: list[Measured] = []
        self._forgettable = 0
        self._written_at = time.elapsed()

    def measure(self, part: str, metric: str, value: float) -> None:
        """Take one reading; it is durable after the next `step` that is due."""
        now, mono_ms = self._time.now(), self._time.mono_ms()
        self._waiting.append(Measured(now, mono_ms, part, metric, value))

    @property
    def due(self) -> bool:
        """Whether samples wait and it is time to write them."""
        due = self._time.elapsed() - self._written_at >= self._commit_seconds
        return bool(self._waiting) and (due or len(self._waiting) >= WAITING_MAX)

    def write(self) -> None:
        """Write what waits, in the caller's transaction; delete what the server has with it."""
        # A disk that stays full must not fill the memory: only the newest go on waiting.
        self._waiting = self._waiting[-WAITING_MAX:]
        self._delete_acknowledged()
        if self._waiting:
            self._write()
            self._drop_oldest()

    def written(self) -> None:
        """Forget what waited: the transaction of `write` was committed."""
        self._waiting.clear()
        self._written_at = self._time.elapsed()

    def forget(self, committed: int) -> None:
        """Have what the server has deleted with the next write; a commit of its own wears flash."""
        self._forgettable = committed

    def begin_anew(self) -> None:
        """A new epoch began: what the server has of the old one means nothing."""
        self._forgettable = 0

    def _delete_acknowledged(self) -> None:
        floor, committed = lane_row(self._store, Lane.TELEMETRY)[2], self._forgettable
        if committed >= floor:
            self._store.write("DELETE FROM telemetry WHERE seq <= ?", committed)
            self._raise_floor(committed + 1, committed)

    def samples(self, after: int, limit: int) -> list[Sample]:
        """Read at most `limit` samples after a sequence."""
        rows = self._store.rows(
            "SELECT seq, at, mono_ms, boot, part, metric, value FROM telemetry"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            after,
            limit,
        )
        return [Sample(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows]

    def _write(self) -> None:
        seq = next_sequences(self._store, Lane.TELEMETRY, len(self._waiting))
        for number, sample in enumerate(self._waiting, start=seq):
            self._store.write(
                "INSERT INTO telemetry VALUES (?, ?, ?, ?, ?, ?, ?)",
                number,
                sample.at.isoformat(),
                sample.mono_ms,
                self._outbox.boot,
                sample.part,
                sample.metric,
                sample.value,
            )

    def _drop_oldest(self) -> None:
        _, head, floor, committed = lane_row(self._store, Lane.TELEMETRY)
        held = head - floor + 1
        if held <= self._samples_max:
            return
        last = floor + max(held - self._samples_max, min(DROPPED_AT_ONCE, held - 1)) - 1
        gone = self._store.write("DELETE FROM telemetry WHERE seq <= ?", last)
        self._raise_floor(last + 1, committed)
        self._outbox.append("telemetry.dropped", TelemetryDropped(floor, last, gone))

    def _raise_floor(self, floor: int, committed: int) -> None:
        self._store.write(
            "UPDATE lane SET floor = ?, committed = ? WHERE name = ?",
            floor,
            committed,
            str(Lane.TELEMETRY),
        )
