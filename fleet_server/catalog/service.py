"""Use cases of the catalogue. A known product or lot is not overwritten: its goods are sold."""

from fleet_server.audit.service import record
from fleet_server.catalog.models import Lot, Product
from fleet_server.catalog.queries import lots_of, product_by_gtin
from fleet_server.catalog.rules import near_expiry_days
from fleet_server.catalog.schemas import LotOrder, ProductOrder
from fleet_server.errors import ConflictError
from fleet_server.live.service import FLEET, changed
from fleet_server.transactions import Transaction
from protocol.gtin import checked_gtin


def add_product(tx: Transaction, order: ProductOrder) -> Product:
    """Add a product. Raises MalformedMessageError for a false GTIN, ConflictError for a known."""
    gtin = checked_gtin(order.gtin)
    if tx.session.get(Product, gtin) is not None:
        raise ConflictError(f"product {gtin} is known already")
    fields = order.model_dump(exclude={"gtin", "near_expiry_days"})
    near = order.near_expiry_days
    product = Product(
        gtin=gtin,
        near_expiry_days=near_expiry_days(order.shelf_life_days) if near is None else near,
        created_at=tx.now,
        **fields,
    )
    tx.session.add(product)
    record(tx, "product.added", "product", gtin, {"name": product.name_en})
    changed(tx, [FLEET], "product", gtin)
    return product


def add_lot(tx: Transaction, order: LotOrder) -> Lot:
    """Add a lot of a known product. Raises NotFoundError, ConflictError."""
    gtin = checked_gtin(order.gtin)
    product_by_gtin(tx.session, gtin)
    if lots_of(tx.session, [(gtin, order.lot)]):
        raise ConflictError(f"lot {order.lot} of {gtin} is known already")
    lot = Lot(
        id=tx.new_id(),
        gtin=gtin,
        lot=order.lot,
        expiry=order.expiry,
        production=order.production,
        created_at=tx.now,
    )
    tx.session.add(lot)
    record(tx, "lot.added", "lot", lot.id, {"gtin": gtin, "lot": order.lot})
    changed(tx, [FLEET], "lot", lot.id)
    return lot
