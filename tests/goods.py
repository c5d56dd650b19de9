"""Bodies of goods events as a cabinet sends them, short to write."""

from datetime import date

from fleet_server.app import FleetServer
from protocol.events import (
    LotConfidence,
    SaleCompleted,
    SaleLine,
    SaleMode,
    StockCounted,
    StockMoved,
)
from protocol.sealing import seal

WRAP = "00850003560007"
WATER = "06901234567892"
EXPIRY = date(2026, 3, 20)


def loaded(
    slot: str, lot: str | None, quantity: int, gtin: str = WRAP, expiry: date | None = EXPIRY
) -> StockMoved:
    return StockMoved(slot=slot, gtin=gtin, lot=lot, quantity=quantity, by="loader", expiry=expiry)


def removed(slot: str, lot: str | None, quantity: int, gtin: str = WRAP) -> StockMoved:
    return StockMoved(
        slot=slot, gtin=gtin, lot=lot, quantity=quantity, by="technician", why="recall", bag="B1"
    )


def counted(slot: str, lot: str | None, found: int, booked: int, gtin: str = WRAP) -> StockCounted:
    return StockCounted(
        slot=slot, gtin=gtin, lot=lot, counted=found, booked=booked, by="technician"
    )


def sold(
    sale: str,
    slot: str,
    lot: str | None,
    *,
    gtin: str = WRAP,
    quantity: int = 1,
    contact: str = "",
    rules_version: int = 1,
) -> SaleCompleted:
    line = SaleLine(
        line=1,
        slot=slot,
        gtin=gtin,
        lot=lot,
        lot_confidence=LotConfidence.SINGLE if lot else LotConfidence.UNKNOWN,
        quantity=quantity,
        price_minor=1500,
        expiry=EXPIRY,
    )
    return SaleCompleted(
        sale=sale,
        mode=SaleMode.SLOT,
        lines=[line],
        total_minor=1500 * quantity,
        currency="CNY",
        payment_reference=f"pay-{sale}",
        sealed_contact=contact,
        rules_version=rules_version,
    )


def sealed_contact(server: FleetServer, contact: str = "13812345678") -> str:
    return seal(contact, server.signing.sealing_public_key)
