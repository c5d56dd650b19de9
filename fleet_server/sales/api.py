"""Routes of sales, and of the trace of a lot through stock and sales."""

from collections import Counter
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime
from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.cabinets.queries import site_by_id
from fleet_server.sales.models import Sale, SaleLineRow, SaleRefusal
from fleet_server.sales.queries import (
    adjustments_of,
    lines_of,
    matched_sales,
    refusals_within,
    sale_by_id,
    sales_within,
)
from fleet_server.sales.schemas import (
    AdjustmentView,
    RefusalView,
    SaleLineView,
    SaleView,
    TracedSale,
    TracedStock,
    TraceView,
)
from fleet_server.stock.queries import matched_stock, units_of
from fleet_server.stock.rules import Units
from fleet_server.stock.schemas import StockLineView, UnitsView
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.events import RefusalReason
from protocol.gtin import checked_gtin
from protocol.matching import Match
from protocol.rules import Lots, Terms, Where

SALES_SHOWN_MAX = 500
"""Sale lines of one trace; the counts cover all of them."""

router = Router(tags=["sales"])


@router.get("/sales")
def list_sales(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    cabinet: Annotated[str | None, Query(max_length=32)] = None,
    site: Annotated[str | None, Query(max_length=36)] = None,
    gtin: Annotated[str | None, Query(max_length=14)] = None,
    lot: Annotated[str | None, Query(max_length=60, description="empty: not known")] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[SaleView]:
    """List sales at the caller's sites, by id, newest first."""
    found = sales_within(actor.must_somewhere(Permission.VIEW))
    if cabinet is not None:
        found = found.where(Sale.cabinet_id == cabinet)
    if site is not None:
        found = found.where(Sale.site_id == site)
    if since is not None:
        found = found.where(Sale.at >= since)
    if until is not None:
        found = found.where(Sale.at < until)
    if gtin is not None or lot is not None:
        lines = select(SaleLineRow.sale_id)
        if gtin is not None:
            lines = lines.where(SaleLineRow.gtin == checked_gtin(gtin))
        if lot is not None:
            lines = lines.where(SaleLineRow.lot == lot)
        found = found.where(Sale.id.in_(lines))
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Sale.id, limit, after, lambda sale: _view(tx, sale))


@router.get("/sales/refusals")
def list_refusals(  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    cabinet: Annotated[str | None, Query(max_length=32)] = None,
    reason: RefusalReason | None = None,
    recall: Annotated[str | None, Query(max_length=36)] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[RefusalView]:
    """List sales the gate refused, newest first."""
    found = refusals_within(actor.must_somewhere(Permission.VIEW))
    wanted = {
        SaleRefusal.cabinet_id: cabinet,
        SaleRefusal.reason: reason,
        SaleRefusal.recall_id: recall,
    }
    for column, value in wanted.items():
        if value is not None:
            found = found.where(column == value)
    with context.transactions.read() as tx:
        show = RefusalView.model_validate
        return page_of(tx.session, found, SaleRefusal.id, limit, after, show)


@router.get("/sales/{sale_id}")
def show_sale(sale_id: str, actor: CurrentActor, context: WebContext) -> SaleView:
    """Show one sale with its adjustments."""
    with context.transactions.read() as tx:
        sale = sale_by_id(tx.session, sale_id)
        site = site_by_id(tx.session, sale.site_id)
        actor.must(Permission.VIEW, site.id, site.region)
        view = _view(tx, sale)
        view.adjustments = [
            AdjustmentView.model_validate(row) for row in adjustments_of(tx.session, sale.id)
        ]
        return view


@router.get("/stock/trace")
def trace(
    actor: CurrentActor,
    context: WebContext,
    gtin: Annotated[str, Query(max_length=14)],
    lot: Annotated[str | None, Query(max_length=60)] = None,
) -> TraceView:
    """Trace a lot, or a whole product: where it was loaded, is, and went."""
    actor.must(Permission.VIEW)  # over all sites: a part of a trace would mislead
    goods = checked_gtin(gtin)
    terms = Terms(gtins=[goods], lots=None if lot is None else Lots(exact=[lot]))
    with context.transactions.read() as tx:
        return _trace(tx, terms, goods, lot)


def _trace(tx: Transaction, terms: Terms, gtin: str, lot: str | None) -> TraceView:
    stock = matched_stock(tx.session, terms, Where())
    totals: dict[Match, Units] = {}
    for one in stock:
        totals[one.match] = totals.get(one.match, Units()) + units_of(one.line)
    sold: Counter[Match] = Counter()
    shown: list[TracedSale] = []
    left_out = 0
    for sale in matched_sales(tx.session, terms, Where()):
        sold[sale.match] += sale.quantity
        if len(shown) < SALES_SHOWN_MAX:
            view = TracedSale.model_validate(sale)
            view.lot = sale.lot or None
            shown.append(view)
        else:
            left_out += 1
    return TraceView(
        gtin=gtin,
        lot=lot,
        totals={match: UnitsView.of(units) for match, units in totals.items()},
        units_sold=dict(sold),
        stock=[
            TracedStock(match=one.match, site_id=one.site_id, line=StockLineView.of(one.line))
            for one in stock
        ],
        sales=shown,
        sales_left_out=left_out,
    )


def _view(tx: Transaction, sale: Sale) -> SaleView:
    lines = []
    for row in lines_of(tx.session, sale):
        line = SaleLineView.model_validate(row)
        line.lot = row.lot or None
        lines.append(line)
    return SaleView(
        id=sale.id,
        cabinet_id=sale.cabinet_id,
        site_id=sale.site_id,
        at=sale.at,
        received_at=sale.received_at,
        mode=sale.mode,
        settlement=sale.settlement,
        total_minor=sale.total_minor,
        currency=sale.currency,
        payment_reference=sale.payment_reference,
        buyer_reference=sale.buyer_reference,
        rules_version=sale.rules_version,
        has_contact=bool(sale.sealed_contact),
        revision=sale.revision,
        lines=lines,
    )
