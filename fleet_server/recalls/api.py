"""Routes of recalls, their cabinets, buyers and report; and of the public notices."""

from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.queries import site_by_id
from fleet_server.errors import ForbiddenError, IllegalTransitionError
from fleet_server.recalls import buyers, cabinets, service
from fleet_server.recalls.models import PublicNotice, Recall, RecallBuyer, RecallCabinet
from fleet_server.recalls.permissions import must_cover, must_step
from fleet_server.recalls.queries import (
    buyer_by_id,
    buyers_within,
    cabinet_row,
    cabinets_within,
    locked_recall,
    recall_by_id,
    standing_notices,
)
from fleet_server.recalls.reach import content_of, preview
from fleet_server.recalls.report import as_html, report
from fleet_server.recalls.schemas import (
    BuyerTransition,
    CabinetTransition,
    PreviewOrder,
    PreviewView,
    PublicNoticeView,
    RecallBuyerView,
    RecallCabinetView,
    RecallOrder,
    RecallView,
    TransitionOrder,
)
from fleet_server.recalls.states import (
    CABINET_LIFE,
    RECALL_LIFE,
    BuyerState,
    CabinetRecallState,
    RecallState,
)
from fleet_server.recalls.views import (
    buyer_view,
    cabinet_steps,
    cabinet_views,
    may_serve,
    public_view,
    recall_view,
)
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.rules import RecallClass

router = Router(tags=["recalls"])
_C = CabinetRecallState


@router.get("/recalls")
def list_recalls(  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    state: RecallState | None = None,
    recall_class: RecallClass | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[RecallView]:
    """List recalls, newest first. They concern the whole fleet: whoever may view sees them."""
    actor.must_somewhere(Permission.VIEW)
    found = select(Recall)
    if state is not None:
        found = found.where(Recall.state == state)
    if recall_class is not None:
        found = found.where(Recall.recall_class == recall_class)
    with context.transactions.read() as tx:
        show = _shower(tx, actor)
        return page_of(tx.session, found, Recall.id, limit, after, show)


@router.post("/recalls", status_code=201)
def draft_recall(
    order: RecallOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> RecallView:
    """Write down a recall; nothing is blocked by a draft."""

    def create(tx: Transaction) -> RecallView:
        recall = service.draft(tx, actor, order)
        must_cover(tx.session, actor, Permission.RECALL_WRITE, content_of(recall).scope)
        tx.session.flush()
        return recall_view(tx, actor, recall)

    return create_once(context.transactions, actor.name, key, "recalls", order, RecallView, create)


@router.post("/recalls/preview")
def preview_recall(order: PreviewOrder, actor: CurrentActor, context: WebContext) -> PreviewView:
    """Show what a scope would touch, before anything happens."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        return preview(tx.session, order.scope)


@router.get("/recalls/{recall_id}")
def show_recall(recall_id: str, actor: CurrentActor, context: WebContext) -> RecallView:
    """Show one recall with its history."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        return recall_view(tx, actor, recall_by_id(tx.session, recall_id))


@router.put("/recalls/{recall_id}")
def edit_recall(
    recall_id: str, order: RecallOrder, actor: CurrentActor, context: WebContext
) -> RecallView:
    """Rewrite a draft, whole."""
    with context.transactions.write(actor.name) as tx:
        recall = locked_recall(tx.session, recall_id)
        must_cover(tx.session, actor, Permission.RECALL_WRITE, content_of(recall).scope)
        service.edit(tx, actor, recall, order)
        must_cover(tx.session, actor, Permission.RECALL_WRITE, content_of(recall).scope)
        tx.session.flush()
        return recall_view(tx, actor, recall)


@router.post("/recalls/{recall_id}/transitions")
def move_recall(
    recall_id: str, order: TransitionOrder, actor: CurrentActor, context: WebContext
) -> RecallView:
    """Take a step; an illegal one answers with the legal ones."""
    to = RECALL_LIFE.named(order.to)
    with context.transactions.write(actor.name) as tx:
        recall = locked_recall(tx.session, recall_id)
        RECALL_LIFE.step(RecallState(recall.state), to)
        must_step(tx.session, actor, to, content_of(recall).scope)
        recall = service.take_step(tx, recall_id, service.Step(context.signing, actor, order))
        context.transactions.settle(tx)
        return recall_view(tx, actor, recall)


@router.get("/recalls/{recall_id}/cabinets")
def list_cabinets(  # a list has its filters
    recall_id: str,
    actor: CurrentActor,
    context: WebContext,
    state: CabinetRecallState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[RecallCabinetView]:
    """List the cabinets of a recall at the caller's sites."""
    found = cabinets_within(recall_id, actor.must_somewhere(Permission.VIEW))
    if state is not None:
        found = found.where(RecallCabinet.state == state)
    with context.transactions.read() as tx:
        recall = recall_by_id(tx.session, recall_id)
        page = page_of(tx.session, found, RecallCabinet.id, limit, after, lambda row: row)
        return Page(items=cabinet_views(tx, actor, recall, page.items), next=page.next)


@router.post("/recalls/{recall_id}/cabinets/{cabinet_id}/transitions")
def move_cabinet(
    recall_id: str,
    cabinet_id: str,
    order: CabinetTransition,
    actor: CurrentActor,
    context: WebContext,
) -> RecallCabinetView:
    """Confirm a cabinet, explain its discrepancy, or ask for a visit (`visit_assigned`)."""
    to = CABINET_LIFE.named(order.to)
    with context.transactions.write(actor.name) as tx:
        recall = locked_recall(tx.session, recall_id)
        row = cabinet_row(tx.session, recall_id, cabinet_id)
        _must_step_cabinet(tx, actor, recall, row, to)
        if to is _C.RECONCILED and row.state == _C.DISCREPANCY:
            cabinets.explain_discrepancy(tx, recall, row, actor.user_id, order.reason)
        elif to is _C.VISIT_ASSIGNED and not recall.mock:
            cabinets.ask_for_visit(tx, recall, row)
        else:
            cabinets.move(tx, row, to, order.reason or f"by {actor.name}")
        context.transactions.settle(tx)
        return cabinet_views(tx, actor, recall, [row])[0]


@router.get("/recalls/{recall_id}/buyers")
def list_buyers(  # a list has its filters
    recall_id: str,
    actor: CurrentActor,
    context: WebContext,
    state: BuyerState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[RecallBuyerView]:
    """List the buyers of a recall at the caller's sites; contacts are never shown."""
    found = buyers_within(recall_id, actor.must_somewhere(Permission.VIEW))
    if state is not None:
        found = found.where(RecallBuyer.state == state)
    with context.transactions.read() as tx:
        recall_by_id(tx.session, recall_id)
        return page_of(
            tx.session,
            found,
            RecallBuyer.id,
            limit,
            after,
            lambda buyer: buyer_view(actor, buyer, site_by_id(tx.session, buyer.site_id)),
        )


@router.post("/recalls/{recall_id}/buyers/{buyer_id}/transitions")
def move_buyer(
    recall_id: str,
    buyer_id: str,
    order: BuyerTransition,
    actor: CurrentActor,
    context: WebContext,
) -> RecallBuyerView:
    """Note a buyer's answer, offer and give the remedy."""
    with context.transactions.write(actor.name) as tx:
        recall = recall_by_id(tx.session, recall_id)
        buyer = buyer_by_id(tx.session, recall_id, buyer_id)
        site = site_by_id(tx.session, buyer.site_id)
        if not may_serve(actor, site):
            raise ForbiddenError("serving buyers of this site is not permitted to you")
        buyers.take_step(tx, recall, buyer, order)
        context.transactions.settle(tx)
        return buyer_view(actor, buyer, site)


@router.get("/recalls/{recall_id}/report", response_model=None)
def show_report(
    recall_id: str,
    actor: CurrentActor,
    context: WebContext,
    shape: Annotated[Literal["json", "html"], Query(alias="format")] = "json",
) -> HTMLResponse | JSONResponse:
    """Report of a recall over all sites, as JSON or as a page that prints."""
    actor.must(Permission.VIEW)
    with context.transactions.read() as tx:
        found: dict[str, Any] = report(tx, recall_by_id(tx.session, recall_id))
    return HTMLResponse(as_html(found)) if shape == "html" else JSONResponse(found)


@router.get("/public/recalls")
def public_recalls(
    context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[PublicNoticeView]:
    """List the public notices that stand, for everybody; no login."""
    with context.transactions.read() as tx:
        return page_of(
            tx.session,
            standing_notices(),
            PublicNotice.id,
            limit,
            after,
            lambda notice: public_view(tx, notice),
        )


def _shower(tx: Transaction, actor: Actor) -> Any:
    return lambda recall: recall_view(tx, actor, recall)


def _must_step_cabinet(
    tx: Transaction, actor: Actor, recall: Recall, row: RecallCabinet, to: CabinetRecallState
) -> None:
    steps = cabinet_steps(actor, recall, row, site_by_id(tx.session, row.site_id))
    if to in steps:
        return
    state = CabinetRecallState(row.state)
    if to in CABINET_LIFE.steps[state]:
        raise ForbiddenError(f"{to} is not permitted to you, or follows from what the cabinet says")
    raise IllegalTransitionError(CABINET_LIFE.kind, state, to, steps)
