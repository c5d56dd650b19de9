"""All selects of the catalogue."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet_server.catalog.models import Lot, Product
from fleet_server.errors import NotFoundError


def product_by_gtin(session: Session, gtin: str) -> Product:
    """Product of a 14-digit GTIN; NotFoundError when there is none."""
    product = session.get(Product, gtin)
    if product is None:
        raise NotFoundError("product", gtin)
    return product


def products_by_gtin(session: Session, gtins: Iterable[str]) -> dict[str, Product]:
    """Products by GTIN; those that are not known are left out."""
    found = select(Product).where(Product.gtin.in_(sorted(set(gtins))))
    return {product.gtin: product for product in session.scalars(found)}


def lots_of(session: Session, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Lot]:
    """Lots by (GTIN, lot); those that are not known are left out."""
    wanted = set(keys)
    found = select(Lot).where(
        Lot.gtin.in_(sorted({gtin for gtin, _ in wanted})),
        Lot.lot.in_(sorted({lot for _, lot in wanted})),
    )
    rows = session.scalars(found) if wanted else ()
    return {(row.gtin, row.lot): row for row in rows if (row.gtin, row.lot) in wanted}
