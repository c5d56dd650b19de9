"""Telemetry for charts: hours are summed up as samples come, in their own transaction.

A chart of a year would otherwise read 100,000 batches. Extremes are kept beside the mean: a chart
of temperatures that hides the one warm hour would be worse than none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from fleet_server.database import storable
from fleet_server.ingest.models import TelemetryBatchRow, TelemetryHour
from fleet_server.transactions import Transaction
from protocol.journal import Sample

RAW_SPAN = timedelta(hours=48)
"""Charts of up to two days show samples: some 600 batches, 20 ms to read."""
BATCHES_MAX = 2_000
"""Batches read for one chart: two days of a cabinet that sends every two minutes."""
NAME_MAX = 64
"""Characters of a part or metric that a key holds."""
POINTS_MAX = 2_000
"""Points of one series: a wall screen has not more pixels."""

SeriesKey = tuple[str, str]
"""(part, metric)."""


@dataclass(slots=True)
class Bucket:
    """What was measured in one stretch of time."""

    at: datetime
    """Where it begins."""
    count: int
    low: float
    high: float
    total: float

    def add(self, other: "Bucket") -> None:
        """Take in another one."""
        self.count += other.count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.total += other.total

    @property
    def mean(self) -> float:
        """Mean of all samples."""
        return self.total / self.count


def add_to_hours(tx: Transaction, taken: Iterable[tuple[str, Sequence[Sample]]]) -> None:
    """Sum up new samples of cabinets, by hour, part and metric."""
    hours: dict[tuple[str, str, str, datetime], Bucket] = {}
    for cabinet_id, samples in taken:
        for one in samples:
            at = one.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            fresh = Bucket(at, 1, one.value, one.value, one.value)
            key = (cabinet_id, storable(one.part)[:NAME_MAX], storable(one.metric)[:NAME_MAX], at)
            known = hours.setdefault(key, fresh)
            if known is not fresh:
                known.add(fresh)
    if not hours:
        return
    rows = [
        {
            "cabinet_id": cabinet_id,
            "part": part,
            "metric": metric,
            "hour": hour,
            "count": bucket.count,
            "low": bucket.low,
            "high": bucket.high,
            "total": bucket.total,
        }
        # In one order: nobody waits in a ring.
        for (cabinet_id, part, metric, hour), bucket in sorted(
            hours.items(), key=lambda one: one[0]
        )
    ]
    tx.session.execute(_merge(tx.session), rows)


def chart(
    session: Session, cabinet_id: str, since: datetime, until: datetime, points: int
) -> dict[SeriesKey, list[Bucket]]:
    """Series of a cabinet, each at most `points` long, oldest first; the end is not included."""
    if until - since <= RAW_SPAN:
        found = _from_batches(session, cabinet_id, since, until)
    else:
        found = _from_hours(session, cabinet_id, since, until)
    step = (until - since) / points
    series: dict[SeriesKey, dict[int, Bucket]] = {}
    for key, bucket in found:
        place = int((bucket.at - since) / step)
        buckets = series.setdefault(key, {})
        if place in buckets:
            buckets[place].add(bucket)
        else:
            buckets[place] = bucket
    return {key: [bucket for _, bucket in sorted(series[key].items())] for key in sorted(series)}


def _from_batches(
    session: Session, cabinet_id: str, since: datetime, until: datetime
) -> Iterable[tuple[SeriesKey, Bucket]]:
    batches = session.scalars(
        select(TelemetryBatchRow.samples)
        .where(
            TelemetryBatchRow.cabinet_id == cabinet_id,
            TelemetryBatchRow.ends_at >= since,
            TelemetryBatchRow.begins_at < until,
        )
        .order_by(TelemetryBatchRow.ends_at.desc())
        .limit(BATCHES_MAX)
    )
    for batch in reversed(list(batches)):
        for one in msgspec.json.decode(batch, type=list[Sample]):
            if since <= one.at < until:
                value = one.value
                yield (one.part, one.metric), Bucket(one.at, 1, value, value, value)


def _from_hours(
    session: Session, cabinet_id: str, since: datetime, until: datetime
) -> Iterable[tuple[SeriesKey, Bucket]]:
    first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    rows = session.scalars(
        select(TelemetryHour)
        .where(
            TelemetryHour.cabinet_id == cabinet_id,
            TelemetryHour.hour >= first,
            TelemetryHour.hour < until,
        )
        .order_by(TelemetryHour.hour)
    )
    for row in rows:
        bucket = Bucket(max(row.hour, since), row.count, row.low, row.high, row.total)
        yield (row.part, row.metric), bucket


def _merge(session: Session) -> postgresql.Insert | sqlite.Insert:
    is_server = session.get_bind().dialect.name == "postgresql"
    made: postgresql.Insert | sqlite.Insert
    made = postgresql.insert(TelemetryHour) if is_server else sqlite.insert(TelemetryHour)
    low, high = (func.least, func.greatest) if is_server else (func.min, func.max)
    new = made.excluded
    return made.on_conflict_do_update(
        index_elements=["cabinet_id", "part", "metric", "hour"],
        set_={
            "count": TelemetryHour.count + new.count,
            "low": low(TelemetryHour.low, new.low),
            "high": high(TelemetryHour.high, new.high),
            "total": TelemetryHour.total + new.total,
        },
    )
