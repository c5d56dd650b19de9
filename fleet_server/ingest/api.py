"""Routes of the journal: timeline, telemetry, dead letters."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import msgspec
from fastapi import Query
from pydantic import AwareDatetime
from sqlalchemy import select

from fleet_server.audit.service import record
from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.queries import known_commands, site_of
from fleet_server.database import storable
from fleet_server.errors import InvalidError, NotFoundError
from fleet_server.ingest.models import DeadLetter, JournalEvent, TelemetryBatchRow
from fleet_server.ingest.schemas import (
    DeadLetterView,
    PointView,
    SampleView,
    SeriesView,
    TimelineEntry,
)
from fleet_server.ingest.telemetry import POINTS_MAX, chart
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.journal import Sample

router = Router(tags=["journal"])

SAMPLES_MAX = 5_000
"""Samples of one answer: what a chart of 1,000 pixels can use, five times over."""
BATCHES_MAX = 500
POINTS_DEFAULT = 500
COMMAND_FINISHED = "command.finished"
SPAN_MAX = timedelta(days=3653)
NESTING_MAX = 50
"""Levels of a body that are shown as JSON: an EVA-DTS report has 4, a serialiser fails at 255."""


@router.get("/cabinets/{cabinet_id}/timeline")
def timeline(
    cabinet_id: str,
    actor: CurrentActor,
    context: WebContext,
    type: str | None = None,  # noqa: A002  # the query parameter's name
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[TimelineEntry]:
    """Events of a cabinet, newest first."""
    with context.transactions.read() as tx:
        _allowed(tx, actor, cabinet_id)
        found = select(JournalEvent).where(JournalEvent.cabinet_id == cabinet_id)
        if type is not None:
            found = found.where(JournalEvent.type == type)
        page = page_of(tx.session, found, JournalEvent.id, limit, after, _entry)
        _mark_unknown_orders(tx, page.items)
        return page


@router.get("/cabinets/{cabinet_id}/telemetry")
def telemetry(
    cabinet_id: str, actor: CurrentActor, context: WebContext, since: AwareDatetime | None = None
) -> list[SampleView]:
    """Newest samples of a cabinet, oldest first."""
    with context.transactions.read() as tx:
        _allowed(tx, actor, cabinet_id)
        found = select(TelemetryBatchRow).where(TelemetryBatchRow.cabinet_id == cabinet_id)
        if since is not None:
            found = found.where(TelemetryBatchRow.ends_at >= since)
        rows = tx.session.scalars(
            found.order_by(TelemetryBatchRow.ends_at.desc()).limit(BATCHES_MAX)
        )
        samples = [
            sample
            for row in reversed(list(rows))
            for sample in msgspec.json.decode(row.samples, type=list[Sample])
        ]
    return [SampleView.model_validate(sample) for sample in samples[-SAMPLES_MAX:]]


@router.get("/cabinets/{cabinet_id}/telemetry/series")
def telemetry_series(  # what a chart asks for
    cabinet_id: str,
    actor: CurrentActor,
    context: WebContext,
    since: AwareDatetime,
    until: AwareDatetime | None = None,
    points: Annotated[int, Query(ge=1, le=POINTS_MAX)] = POINTS_DEFAULT,
) -> list[SeriesView]:
    """Every metric of a cabinet from `since` to `until` (now), for a chart.

    Each series has at most `points` points, each with the lowest, highest and mean value of its
    stretch. Up to two days are drawn from the samples themselves, more from hours.
    """
    with context.transactions.read() as tx:
        _allowed(tx, actor, cabinet_id)
        end = until or tx.now
        if not timedelta(0) < end - since <= SPAN_MAX:
            raise InvalidError("since", "it lies before `until`, by 10 years at most")
        found = chart(tx.session, cabinet_id, since, end, points)
        return [
            SeriesView(
                part=part,
                metric=metric,
                points=[PointView.model_validate(bucket) for bucket in buckets],
            )
            for (part, metric), buckets in found.items()
        ]


@router.get("/dead-letters")
def dead_letters(
    actor: CurrentActor, context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[DeadLetterView]:
    """What could not be read or handled, newest first."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.read() as tx:
        show = DeadLetterView.model_validate
        return page_of(tx.session, select(DeadLetter), DeadLetter.id, limit, after, show)


@router.post("/dead-letters/{letter_id}/settle")
def settle(letter_id: str, actor: CurrentActor, context: WebContext) -> DeadLetterView:
    """Say that a dead letter was looked into."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.write(actor.name) as tx:
        letter = tx.session.get(DeadLetter, letter_id, with_for_update=True)
        if letter is None:
            raise NotFoundError("dead letter", letter_id)
        letter.settled_at = letter.settled_at or tx.now
        record(tx, "dead_letter.settled", "dead_letter", letter_id)
        return DeadLetterView.model_validate(letter)


def _allowed(tx: Transaction, actor: Actor, cabinet_id: str) -> None:
    site = site_of(tx.session, cabinet_id)
    actor.must(Permission.VIEW, site.id, site.region)


def _entry(row: JournalEvent) -> TimelineEntry:
    return TimelineEntry(
        id=row.id,
        cabinet_id=row.cabinet_id,
        epoch=row.epoch,
        seq=row.seq,
        at=row.at,
        received_at=row.received_at,
        clock=row.clock,
        type=row.type,
        body=_shown(row.body),
    )


def _mark_unknown_orders(tx: Transaction, entries: Sequence[TimelineEntry]) -> None:
    """Mark outcomes of orders nobody here gave; the journal alone has them."""
    told = {
        entry.id: storable(str(entry.body.get("command")))
        for entry in entries
        if entry.type == COMMAND_FINISHED and isinstance(entry.body, dict)
    }
    known = known_commands(tx.session, told.values()) if told else set()
    for entry in entries:
        entry.unknown_order = entry.id in told and told[entry.id] not in known


def _shown(text: str) -> object:
    """Body as JSON; as its text where it could not be answered as JSON.

    Stored is what a cabinet sent, and honest cabinets send none of these: nesting deeper than
    NESTING_MAX, integers Python refuses to read (over 4,300 digits), numbers past a float, NaN,
    half a UTF-16 pair.
    """
    deepest, level = 0, 0
    for sign in text:
        level += (sign in "[{") - (sign in "]}")
        deepest = max(deepest, level)
    if deepest > NESTING_MAX:
        return text
    try:
        body: object = json.loads(text)
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:  # JSONDecodeError and UnicodeEncodeError are kinds of it
        return text
    return body
