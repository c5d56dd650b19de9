"""Routes of notices: one's own and those of one's roles."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

from fleet_server.auth.api import CurrentActor
from fleet_server.notifications import service
from fleet_server.notifications.models import Notice
from fleet_server.notifications.queries import notices_for
from fleet_server.notifications.schemas import NoticeView
from fleet_server.notifications.states import NoticeState
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(prefix="/notices", tags=["notices"])


@router.get("")
def list_notices(  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    state: NoticeState | None = None,
    acknowledged: bool | None = None,  # noqa: FBT001  # a query parameter
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
    if since is not None:
        found = found.where(Notice.created_at >= since)
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Notice.id, limit, after, _view)


@router.post("/{notice_id}/acknowledge")
def acknowledge(notice_id: str, actor: CurrentActor, context: WebContext) -> NoticeView:
    """Say that it was seen."""
    with context.transactions.write(actor.name) as tx:
        return _view(service.acknowledge(tx, actor, notice_id))


def _view(notice: Notice) -> NoticeView:
    view = NoticeView.model_validate(notice)
    if notice.acknowledged_at is None:
        view.actions = ["acknowledge"]
    return view
