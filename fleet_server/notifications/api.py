"""Routes of notices: of oneself and of one's roles; for administrators, what became of them."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.notifications import service
from fleet_server.notifications.models import Notice, NoticeDelivery
from fleet_server.notifications.queries import (
    count_by_state,
    deliveries_in,
    labels_of,
    notices_for,
    receipts_of,
    unread,
    unread_count,
)
from fleet_server.notifications.schemas import DeliveryView, NoticeView, UnreadView
from fleet_server.notifications.states import NoticeState
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

UNREAD_COUNTED_MAX = 1_000
"""A badge says no more than "more than that"; counting further costs and tells nothing."""

router = Router(prefix="/notices", tags=["notices"])


@router.get("")
def list_notices(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    state: NoticeState | None = None,
    acknowledged: bool | None = None,  # noqa: FBT001  # a query parameter
    must_acknowledge: bool | None = None,  # noqa: FBT001  # a query parameter
    is_read: Annotated[bool | None, Query(alias="read")] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[NoticeView]:
    """List notices to the caller, newest first."""
    found = notices_for(actor)
    if state is not None:
        found = found.where(Notice.state == state)
    if acknowledged is not None:
        unseen = Notice.acknowledged_at.is_(None)
        found = found.where(~unseen if acknowledged else unseen)
    if must_acknowledge is not None:
        found = found.where(Notice.must_acknowledge.is_(must_acknowledge))
    if is_read is not None:
        found = found.where(~unread(actor) if is_read else unread(actor))
    if since is not None:
        found = found.where(Notice.created_at >= since)
    with context.transactions.read() as tx:
        page = page_of(tx.session, found, Notice.id, limit, after, _view)
        read_at = receipts_of(tx.session, actor, [one.id for one in page.items])
    for view in page.items:
        view.read_at = read_at.get(view.id)
    return page


@router.get("/unread")
def count_unread(actor: CurrentActor, context: WebContext) -> UnreadView:
    """Count what the caller has not read."""
    with context.transactions.read() as tx:
        count = unread_count(tx.session, actor, UNREAD_COUNTED_MAX + 1)
    return UnreadView(count=min(count, UNREAD_COUNTED_MAX), more=count > UNREAD_COUNTED_MAX)


@router.get("/deliveries")
def list_deliveries(
    actor: CurrentActor,
    context: WebContext,
    state: NoticeState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[DeliveryView]:
    """List what became of notices at each address, newest first; addresses are masked."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.read() as tx:
        found = deliveries_in(state)
        page = page_of(tx.session, found, NoticeDelivery.id, limit, after, lambda row: row)
        labels = labels_of(tx.session, {row.address_id for row in page.items if row.address_id})
    views = []
    for row in page.items:
        view = DeliveryView.model_validate(row)
        view.owner, view.label = labels.get(row.address_id or "", (None, None))
        views.append(view)
    return Page(items=views, next=page.next)


@router.get("/deliveries/counts")
def count_deliveries(actor: CurrentActor, context: WebContext) -> dict[NoticeState, int]:
    """Count the deliveries in each state; `failed` ones reached nobody by that address."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.read() as tx:
        counted = count_by_state(tx.session)
    return {state: counted.get(state, 0) for state in NoticeState}


@router.post("/{notice_id}/acknowledge")
def acknowledge(notice_id: str, actor: CurrentActor, context: WebContext) -> NoticeView:
    """Say that it is taken note of; that it was read, too."""
    with context.transactions.write(actor.name) as tx:
        notice = service.acknowledge(tx, actor, notice_id)
        return _view_for(tx, actor, notice)


@router.post("/{notice_id}/read")
def read(notice_id: str, actor: CurrentActor, context: WebContext) -> NoticeView:
    """Say that the caller has read it."""
    with context.transactions.write(actor.name) as tx:
        notice = service.read(tx, actor, notice_id)
        return _view_for(tx, actor, notice)


def _view_for(tx: Transaction, actor: Actor, notice: Notice) -> NoticeView:
    tx.session.flush()
    view = _view(notice)
    view.read_at = receipts_of(tx.session, actor, [notice.id]).get(notice.id)
    return view


def _view(notice: Notice) -> NoticeView:
    view = NoticeView.model_validate(notice)
    if notice.acknowledged_at is None:
        view.actions = ["acknowledge"]
    return view
