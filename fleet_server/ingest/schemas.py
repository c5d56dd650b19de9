"""Web shapes of the journal."""

from datetime import datetime
from typing import Any

from fleet_server.web.schemas import View


class TimelineEntry(View):
    """One event of a cabinet."""

    id: str
    cabinet_id: str
    epoch: str
    seq: int
    at: datetime
    received_at: datetime
    clock: str
    type: str
    body: Any
    """As it was sent: an object in every type this server knows, any JSON in others.

    A string holding the raw text where the body could not be read, or cannot be answered as JSON
    (too deep, a number past all bounds, half a UTF-16 pair).
    """
    unknown_order: bool = False
    """A `command.finished` of an order this database does not hold: given before a restore."""


class SampleView(View):
    """One telemetry reading."""

    at: datetime
    part: str
    metric: str
    value: float


class PointView(View):
    """What was measured in one stretch of time, which begins at `at`."""

    at: datetime
    count: int
    low: float
    high: float
    mean: float


class SeriesView(View):
    """One metric of one part over time, oldest first; stretches without samples are left out."""

    part: str
    metric: str
    points: list[PointView]


class DeadLetterView(View):
    """What could not be read or handled."""

    id: str
    cabinet_id: str
    at: datetime
    epoch: str
    seq: int
    type: str
    reason: str
    settled_at: datetime | None
