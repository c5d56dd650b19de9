"""Routes of stock. The trace of a lot stands with sales: it has to know them too."""

from typing import Annotated

from fastapi import Query
from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.cabinets.models import Cabinet
from fleet_server.stock.models import StockLine
from fleet_server.stock.queries import stock_within
from fleet_server.stock.schemas import StockLineView
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.gtin import checked_gtin

router = Router(prefix="/stock", tags=["stock"])


@router.get("")
def list_stock(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    cabinet: Annotated[str | None, Query(max_length=32)] = None,
    site: Annotated[str | None, Query(max_length=36)] = None,
    slot: Annotated[str | None, Query(max_length=20)] = None,
    gtin: Annotated[str | None, Query(max_length=14)] = None,
    lot: Annotated[str | None, Query(max_length=60, description="empty: not known")] = None,
    inside: Annotated[bool | None, Query(description="only lines with units inside")] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[StockLineView]:
    """List stock lines at the caller's sites, newest first."""
    found = stock_within(actor.must_somewhere(Permission.VIEW))
    wanted = {
        StockLine.cabinet_id: cabinet,
        StockLine.slot: slot,
        StockLine.gtin: None if gtin is None else checked_gtin(gtin),
        StockLine.lot: lot,
    }
    for column, value in wanted.items():
        if value is not None:
            found = found.where(column == value)
    if site is not None:
        at_site = select(Cabinet.id).where(Cabinet.site_id == site)
        found = found.where(StockLine.cabinet_id.in_(at_site))
    if inside is not None:
        found = found.where((StockLine.in_cabinet != 0) if inside else StockLine.in_cabinet == 0)
    with context.transactions.read() as tx:
        return page_of(tx.session, found, StockLine.id, limit, after, StockLineView.of)
