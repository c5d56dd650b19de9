"""Routes of plan versions and of what a dispatcher decides against the plan.

Split from `api.py` by object.
"""

from typing import Annotated

from fastapi import Query

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch import overrides
from fleet_server.dispatch.api import shown_visits
from fleet_server.dispatch.models import PlanVersion, Visit
from fleet_server.dispatch.overrides import Price
from fleet_server.dispatch.queries import locked_visit, moves_of, plans_within, visit_by_id
from fleet_server.dispatch.schemas import (
    AssignmentOrder,
    AssignmentView,
    PlanMoveView,
    PlanVersionView,
    PreviewOrder,
    PriceView,
    VisitView,
)
from fleet_server.errors import NotFoundError
from fleet_server.technicians.queries import technician_by_id
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(tags=["dispatch"])


@router.get("/dispatch/plans")
def list_plans(
    actor: CurrentActor,
    context: WebContext,
    region: Annotated[str | None, Query(max_length=40)] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[PlanVersionView]:
    """List plan versions, newest first, each with the reason for every visit it moved."""
    found = plans_within(actor.must_somewhere(Permission.DISPATCH))
    if region is not None:
        found = found.where(PlanVersion.region == region)
    with context.transactions.read() as tx:
        page = page_of(tx.session, found, PlanVersion.id, limit, after, lambda row: row)
        return Page(items=_plans(tx, page.items), next=page.next)


@router.get("/dispatch/plans/{plan_id}")
def show_plan_version(plan_id: str, actor: CurrentActor, context: WebContext) -> PlanVersionView:
    """Show one plan version."""
    with context.transactions.read() as tx:
        plan = tx.session.get(PlanVersion, plan_id)
        if plan is None:
            raise NotFoundError("plan", plan_id)
        actor.must(Permission.DISPATCH, region=plan.region)
        return _plans(tx, [plan])[0]


@router.post("/dispatch/preview")
def preview(order: PreviewOrder, actor: CurrentActor, context: WebContext) -> PriceView:
    """Say what giving a visit to somebody would cost and break; nothing is changed."""
    with context.transactions.read() as tx:
        visit = visit_by_id(tx.session, order.visit_id)
        _must_dispatch(tx, actor, visit)
        technician = technician_by_id(tx.session, order.technician_id)
        return _shown(overrides.price_of(tx, visit, technician))


@router.post("/visits/{visit_id}/assignment")
def assign_visit(
    visit_id: str, order: AssignmentOrder, actor: CurrentActor, context: WebContext
) -> AssignmentView:
    """Ask this technician, whatever the plan says; the answer shows the price."""
    with context.transactions.write(actor.name) as tx:
        visit = locked_visit(tx.session, visit_id)
        _must_dispatch(tx, actor, visit)
        technician = technician_by_id(tx.session, order.technician_id)
        price = overrides.assign(tx, visit, technician, order.reason, lock=order.lock)
        context.transactions.settle(tx)
        return AssignmentView(visit=shown_visits(tx, actor, [visit])[0], price=_shown(price))


@router.delete("/visits/{visit_id}/lock")
def unlock_visit(visit_id: str, actor: CurrentActor, context: WebContext) -> VisitView:
    """Let plans move the visit again."""
    with context.transactions.write(actor.name) as tx:
        visit = locked_visit(tx.session, visit_id)
        _must_dispatch(tx, actor, visit)
        overrides.unlock(tx, visit)
        return shown_visits(tx, actor, [visit])[0]


def _must_dispatch(tx: Transaction, actor: Actor, visit: Visit) -> None:
    site = site_by_id(tx.session, visit.site_id)
    actor.must(Permission.DISPATCH, site.id, site.region)


def _plans(tx: Transaction, rows: list[PlanVersion]) -> list[PlanVersionView]:
    moves = moves_of(tx.session, [row.id for row in rows])
    views = []
    for row in rows:
        names = set(PlanVersionView.model_fields) - {"moves"}
        view = PlanVersionView(**{name: getattr(row, name) for name in names})
        view.moves = [PlanMoveView.model_validate(move) for move in moves[row.id]]
        views.append(view)
    return views


def _shown(price: Price) -> PriceView:
    return PriceView.model_validate(price)
