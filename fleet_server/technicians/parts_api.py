"""Routes of parts, of what repairs take, and of the stock of vans.

Split from `api.py` by object.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import Path
from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.technicians import parts
from fleet_server.technicians.models import Part, PartMovement, PartNeed
from fleet_server.technicians.parts_queries import (
    locked_stock,
    movements_of,
    needs_by_fault,
    part_by_code,
    stock_of,
)
from fleet_server.technicians.parts_schemas import (
    AllNeedsView,
    MovementOrder,
    MovementView,
    NeededView,
    NeedsOrder,
    NeedsView,
    PartOrder,
    PartView,
    StockItemView,
    StockView,
)
from fleet_server.technicians.permissions import is_self, may_manage, own_or_managed, readable
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(tags=["technicians"])


@router.get("/parts")
def list_parts(
    actor: CurrentActor, context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[PartView]:
    """List parts by code."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        show = partial(_part_view, actor)
        return page_of(tx.session, select(Part), Part.code, limit, after, show, newest_first=False)


@router.post("/parts", status_code=201)
def add_part(
    order: PartOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> PartView:
    """Add a part; parts are everyone's, so that needs a grant without limits."""
    actor.must(Permission.DISPATCH)

    def create(tx: Transaction) -> PartView:
        return _part_view(actor, parts.add_part(tx, order))

    return create_once(context.transactions, actor.name, key, "parts", order, PartView, create)


@router.get("/parts/{code}")
def show_part(code: str, actor: CurrentActor, context: WebContext) -> PartView:
    """Show one part."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        return _part_view(actor, part_by_code(tx.session, code))


@router.put("/parts/{code}")
def change_part(code: str, order: PartOrder, actor: CurrentActor, context: WebContext) -> PartView:
    """Say anew what a part is for."""
    actor.must(Permission.DISPATCH)
    with context.transactions.write(actor.name) as tx:
        part = part_by_code(tx.session, code)
        parts.change_part(tx, part, order)
        return _part_view(actor, part)


@router.get("/part-needs")
def list_needs(actor: CurrentActor, context: WebContext) -> AllNeedsView:
    """List what repairs usually take, by fault."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        needs = needs_by_fault(tx.session)
        return AllNeedsView(items=[_needs_view(actor, code, rows) for code, rows in needs.items()])


@router.put("/part-needs/{fault_code}")
def set_needs(
    fault_code: Annotated[str, Path(min_length=1, max_length=40)],
    order: NeedsOrder,
    actor: CurrentActor,
    context: WebContext,
) -> NeedsView:
    """Say anew what repairing a fault takes."""
    actor.must(Permission.DISPATCH)
    with context.transactions.write(actor.name) as tx:
        return _needs_view(actor, fault_code, parts.set_needs(tx, fault_code, order))


@router.get("/technicians/{technician_id}/stock")
def show_stock(technician_id: str, actor: CurrentActor, context: WebContext) -> StockView:
    """Show what a technician has in the van."""
    with context.transactions.read() as tx:
        technician = readable(tx, actor, technician_id)
        items = [
            StockItemView(
                part=part.code, name_zh=part.name_zh, name_en=part.name_en, quantity=quantity
            )
            for part, quantity in stock_of(tx.session, technician_id)
        ]
        may = is_self(actor, technician) or may_manage(actor, technician)
        shown = ["move_stock"] if may else []
        return StockView(technician_id=technician_id, items=items, actions=shown)


@router.get("/technicians/{technician_id}/stock/movements")
def list_movements(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[MovementView]:
    """List how a van's stock changed, newest first."""
    with context.transactions.read() as tx:
        readable(tx, actor, technician_id)
        found = movements_of(technician_id)
        return page_of(
            tx.session, found, PartMovement.id, limit, after, MovementView.model_validate
        )


@router.post("/technicians/{technician_id}/stock", status_code=201)
def move_stock(
    technician_id: str,
    order: MovementOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> MovementView:
    """Load, use, return or count parts: dispatchers for all, technicians for themselves."""

    def create(tx: Transaction) -> MovementView:
        technician = own_or_managed(tx, actor, technician_id)
        view = MovementView.model_validate(parts.move_stock(tx, technician, order))
        stock = locked_stock(tx.session, technician.id, order.part)
        view.left = 0 if stock is None else stock.quantity
        return view

    purpose = f"technicians/{technician_id}/stock"
    return create_once(context.transactions, actor.name, key, purpose, order, MovementView, create)


def _part_view(actor: Actor, part: Part) -> PartView:
    view = PartView.model_validate(part)
    view.actions = ["change"] if actor.may(Permission.DISPATCH) else []
    return view


def _needs_view(actor: Actor, fault_code: str, rows: Sequence[PartNeed]) -> NeedsView:
    needed = [NeededView(part=row.part_code, quantity=row.quantity) for row in rows]
    shown = ["set_needs"] if actor.may(Permission.DISPATCH) else []
    return NeedsView(fault_code=fault_code, parts=needed, actions=shown)
