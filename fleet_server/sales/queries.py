"""All selects of sales, and the trace of goods through stock and sales."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import within
from fleet_server.errors import NotFoundError
from fleet_server.sales.models import Sale, SaleAdjustment, SaleLineRow, SaleRefusal, VendFailure
from fleet_server.stock.queries import both, goods_of, may_match
from protocol.matching import Match, Place, match_place, match_terms
from protocol.rules import Terms, Where

ROWS_AT_ONCE = 2_000
"""Rows fetched at a time while sales are matched: a bound on memory, not on the result."""


@dataclass(frozen=True)
class FoundSale:
    """A sale line that some terms mean, and how surely."""

    sale_id: str
    line: int
    cabinet_id: str
    site_id: str
    at: datetime
    slot: str
    gtin: str
    lot: str
    quantity: int
    price_minor: int
    has_contact: bool
    rules_version: int
    match: Match


def sale_by_id(session: Session, sale_id: str) -> Sale:
    """Sale; NotFoundError when there is none."""
    sale = session.get(Sale, sale_id)
    if sale is None:
        raise NotFoundError("sale", sale_id)
    return sale


def sales_by_id(session: Session, sale_ids: Iterable[str]) -> dict[str, Sale]:
    """Sales by id, locked; those that are not known are left out."""
    found = select(Sale).where(one_of(session, Sale.id, sale_ids)).order_by(Sale.id)
    return {sale.id: sale for sale in session.scalars(found.with_for_update())}


def lines_of(session: Session, sale: Sale) -> list[SaleLineRow]:
    """Lines of a sale that count now."""
    found = select(SaleLineRow).where(
        SaleLineRow.sale_id == sale.id, SaleLineRow.revision == sale.revision
    )
    return list(session.scalars(found.order_by(SaleLineRow.line)))


def lines_of_sales(session: Session, sale_ids: Iterable[str]) -> list[SaleLineRow]:
    """Lines of sales, of all their revisions."""
    found = select(SaleLineRow).where(one_of(session, SaleLineRow.sale_id, sale_ids))
    return list(session.scalars(found))


def adjustments_of(session: Session, sale_id: str) -> list[SaleAdjustment]:
    """Later looks at a sale, oldest first."""
    found = select(SaleAdjustment).where(SaleAdjustment.sale_id == sale_id)
    return list(session.scalars(found.order_by(SaleAdjustment.seq)))


def matched_sales(
    session: Session,
    terms: Terms,
    where: Where,
    sold_from: datetime | None = None,
    sold_to: datetime | None = None,
    sale_ids: Iterable[str] | None = None,
) -> Iterator[FoundSale]:
    """Every sale line the terms mean, sold in that time (both ends included), oldest first."""
    found = (
        select(
            SaleLineRow,
            Sale.cabinet_id,
            Sale.site_id,
            Sale.at,
            Sale.sealed_contact != "",
            Sale.rules_version,
            Site.region,
        )
        .join(Sale, (Sale.id == SaleLineRow.sale_id) & (Sale.revision == SaleLineRow.revision))
        .join(Site, Site.id == Sale.site_id)
        .where(may_match(terms, SaleLineRow.gtin, SaleLineRow.lot))
        .order_by(Sale.at, SaleLineRow.id)
    )
    if where.cabinets:
        found = found.where(Sale.cabinet_id.in_(where.cabinets))
    if sold_from is not None:
        found = found.where(Sale.at >= sold_from)
    if sold_to is not None:
        found = found.where(Sale.at <= sold_to)
    if sale_ids is not None:
        found = found.where(Sale.id.in_(sorted(set(sale_ids))))
    for row in session.execute(found.execution_options(yield_per=ROWS_AT_ONCE)):
        line, cabinet_id, site_id, at, has_contact, rules_version, region = row
        goods = goods_of(line.gtin, line.lot, line.expiry, line.production)
        place = Place(cabinet_id, line.slot, site_id, region)
        match = both(match_terms(terms, goods), match_place(where, place))
        if match.blocks:
            known = (cabinet_id, site_id, at, bool(has_contact), rules_version)
            yield _found(line, match, *known)


def _found(  # the columns of one row
    line: SaleLineRow,
    match: Match,
    cabinet_id: str,
    site_id: str,
    at: datetime,
    has_contact: bool,  # noqa: FBT001  # a column
    rules_version: int,
) -> FoundSale:
    return FoundSale(
        sale_id=line.sale_id,
        line=line.line,
        cabinet_id=cabinet_id,
        site_id=site_id,
        at=at,
        slot=line.slot,
        gtin=line.gtin,
        lot=line.lot,
        quantity=line.quantity,
        price_minor=line.price_minor,
        has_contact=has_contact,
        rules_version=rules_version,
        match=match,
    )


def sales_within(scope: Scope) -> Select[Sale]:
    """Sales made at the sites a scope covers."""
    return within(select(Sale), Sale.site_id, scope)


def refusals_within(scope: Scope) -> Select[SaleRefusal]:
    """Refused sales at the sites a scope covers."""
    return within(select(SaleRefusal), SaleRefusal.site_id, scope)


def vend_failure(session: Session, sale_id: str, slot: str) -> VendFailure | None:
    """Failed vend of that sale and slot."""
    return session.scalar(
        select(VendFailure).where(VendFailure.sale_id == sale_id, VendFailure.slot == slot)
    )


def contacts_to_forget(session: Session, now: datetime, limit: int) -> list[Sale]:
    """Sales whose contact has served its time."""
    found = select(Sale).where(Sale.contact_until <= now).order_by(Sale.contact_until)
    return list(session.scalars(found.limit(limit).with_for_update(skip_locked=True)))
