"""Routes of products and lots."""

from typing import Annotated

from fastapi import Query
from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.catalog import service
from fleet_server.catalog.models import Lot, Product
from fleet_server.catalog.queries import product_by_gtin
from fleet_server.catalog.schemas import LotOrder, LotView, ProductOrder, ProductView
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.gtin import checked_gtin

router = Router(tags=["catalog"])


@router.get("/products")
def list_products(
    actor: CurrentActor,
    context: WebContext,
    category: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[ProductView]:
    """List products by GTIN."""
    actor.must_somewhere(Permission.VIEW)
    found = select(Product)
    if category is not None:
        found = found.where(Product.category == category)
    with context.transactions.read() as tx:
        show = ProductView.model_validate
        return page_of(tx.session, found, Product.gtin, limit, after, show, newest_first=False)


@router.post("/products", status_code=201)
def add_product(
    order: ProductOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> ProductView:
    """Add a product."""
    actor.must(Permission.REGISTER)

    def create(tx: Transaction) -> ProductView:
        return ProductView.model_validate(service.add_product(tx, order))

    return create_once(
        context.transactions, actor.name, key, "products", order, ProductView, create
    )


@router.get("/products/{gtin}")
def show_product(gtin: str, actor: CurrentActor, context: WebContext) -> ProductView:
    """Show one product."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        return ProductView.model_validate(product_by_gtin(tx.session, checked_gtin(gtin)))


@router.get("/lots")
def list_lots(  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    gtin: Annotated[str | None, Query(max_length=14)] = None,
    lot: Annotated[str | None, Query(max_length=40)] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[LotView]:
    """List lots, newest first."""
    actor.must_somewhere(Permission.VIEW)
    found = select(Lot)
    if gtin is not None:
        found = found.where(Lot.gtin == checked_gtin(gtin))
    if lot is not None:
        found = found.where(Lot.lot == lot)
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Lot.id, limit, after, LotView.model_validate)


@router.post("/lots", status_code=201)
def add_lot(
    order: LotOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> LotView:
    """Add a lot with the dates printed on it."""
    actor.must(Permission.REGISTER)

    def create(tx: Transaction) -> LotView:
        return LotView.model_validate(service.add_lot(tx, order))

    return create_once(context.transactions, actor.name, key, "lots", order, LotView, create)
