"""Enter sales into the ledger, with what they take out of stock and owe back.

Idempotent by sale id: the same sale again changes nothing; the same id with other content is a
contradiction and goes to the dead letters.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

import msgspec

from fleet_server.bulk import Row, insert_rows
from fleet_server.ingest.events import Received
from fleet_server.payments.service import Refund, request
from fleet_server.sales.errors import SaleContradictsError, SaleUnknownError
from fleet_server.sales.events import SalesRecorded
from fleet_server.sales.models import Sale, SaleAdjustment, SaleLineRow, SaleRefusal, VendFailure
from fleet_server.sales.queries import contacts_to_forget, lines_of, sales_by_id, vend_failure
from fleet_server.stock.models import StockLine
from fleet_server.stock.queries import Key
from fleet_server.stock.rules import MovementKind
from fleet_server.stock.service import Shift, shift
from fleet_server.transactions import Transaction
from protocol.events import SaleAdjusted, SaleCompleted, SaleLine, SaleRefused, VendFailed
from protocol.gtin import checked_gtin

SALE_COLUMNS = (
    "id",
    "cabinet_id",
    "site_id",
    "at",
    "received_at",
    "mode",
    "settlement",
    "revision",
    "total_minor",
    "currency",
    "payment_reference",
    "buyer_reference",
    "sealed_contact",
    "contact_until",
    "rules_version",
    "fingerprint",
)
LINE_COLUMNS = (
    "id",
    "sale_id",
    "revision",
    "line",
    "slot",
    "gtin",
    "lot",
    "lot_confidence",
    "quantity",
    "price_minor",
    "expiry",
    "production",
    "near_expiry_told",
    "not_returnable_told",
)

CONTACT_KEPT_AFTER_EXPIRY = timedelta(days=183)
"""Safety contact: to expiry + 6 months (requirements, section 7)."""
CONTACTS_PER_SWEEP = 200


def charge_of(sale_id: str, line: int) -> str:
    """Name of what was paid for one line, for refunds."""
    return f"{sale_id}/{line}"


def record_sales(tx: Transaction, received: Sequence[tuple[Received, SaleCompleted]]) -> None:
    """Enter completed sales. Raises SaleContradictsError."""
    known = sales_by_id(tx.session, (body.sale for _, body in received))
    fresh: dict[str, tuple[Received, SaleCompleted]] = {}
    prints = {sale_id: sale.fingerprint for sale_id, sale in known.items()}
    for one, body in received:
        fingerprint = _fingerprint(one.cabinet_id, body)
        if prints.setdefault(body.sale, fingerprint) != fingerprint:
            raise SaleContradictsError(body.sale)
        if body.sale not in known:
            fresh[body.sale] = (one, body)
    lines = shift(
        tx, [_sold(one, body.sale, line) for one, body in fresh.values() for line in body.lines]
    )
    sales = [_sale(tx, one, body, prints[body.sale]) for one, body in fresh.values()]
    insert_rows(tx.session, Sale, SALE_COLUMNS, sales)
    rows = [
        _rows(tx, body.sale, 0, one.cabinet_id, body.lines, lines) for one, body in fresh.values()
    ]
    insert_rows(tx.session, SaleLineRow, LINE_COLUMNS, list(chain(*rows)))
    if fresh:
        tx.announce(SalesRecorded(tuple(fresh)))


def adjust_sale(tx: Transaction, one: Received, body: SaleAdjusted) -> None:
    """Enter a later look: with lines they count from now on, and stock follows the difference."""
    sale = sales_by_id(tx.session, [body.sale]).get(body.sale)
    if sale is None or sale.cabinet_id != one.cabinet_id:
        raise SaleUnknownError(body.sale)
    before = lines_of(tx.session, sale)
    revision = sale.revision + 1 if body.lines else sale.revision
    adjustment = SaleAdjustment(
        sale_id=sale.id,
        revision=revision,
        at=one.at,
        change=body.change[:300],
        total_minor=body.total_minor,
    )
    tx.session.add(adjustment)
    if not body.lines:
        return
    back = [_shift_of(one, row, -row.quantity) for row in before]
    lines = shift(tx, back + [_sold(one, sale.id, line) for line in body.lines])
    rows = _rows(tx, sale.id, revision, one.cabinet_id, body.lines, lines)
    insert_rows(tx.session, SaleLineRow, LINE_COLUMNS, rows)
    sale.revision = revision
    tx.announce(SalesRecorded((sale.id,)))


def record_refusal(tx: Transaction, one: Received, body: SaleRefused) -> None:
    """Enter a refused sale."""
    tx.session.add(
        SaleRefusal(
            id=tx.new_id(),
            cabinet_id=one.cabinet_id,
            site_id=one.site_id,
            at=one.at,
            reason=body.reason,
            slot=body.slot,
            gtin=body.gtin[:14],
            recall_id=body.recall[:36],
        )
    )


def record_vend_failure(tx: Transaction, one: Received, body: VendFailed) -> None:
    """Enter a failed vend; what was paid goes back, once, also when the outcome is not known."""
    if vend_failure(tx.session, body.sale, body.slot) is not None:
        return
    failure = VendFailure(
        id=tx.new_id(),
        sale_id=body.sale,
        cabinet_id=one.cabinet_id,
        site_id=one.site_id,
        at=one.at,
        slot=body.slot,
        cause=body.cause[:120],
        outcome=body.outcome[:20],
        amount_minor=body.amount_minor,
        currency=body.currency,
    )
    if body.amount_minor > 0 and body.payment_reference:
        wanted = f"vend/{body.sale}/{body.slot}"
        refund = Refund(
            purpose=wanted,
            charge=wanted,
            charged_minor=body.amount_minor,
            amount_minor=body.amount_minor,
            currency=body.currency,
            payment_reference=body.payment_reference,
            site_id=one.site_id,
        )
        failure.refund_id = request(tx, refund).id
    tx.session.add(failure)


def forget_contacts(tx: Transaction) -> None:
    """Sweep: drop safety contacts that have served their time (invariant 21)."""
    for sale in contacts_to_forget(tx.session, tx.now, CONTACTS_PER_SWEEP):
        sale.sealed_contact, sale.contact_until = "", None


def _fingerprint(cabinet_id: str, body: SaleCompleted) -> str:
    return hashlib.sha256(cabinet_id.encode() + b"\n" + msgspec.json.encode(body)).hexdigest()


def _sale(tx: Transaction, one: Received, body: SaleCompleted, fingerprint: str) -> Row:
    return (
        body.sale,
        one.cabinet_id,
        one.site_id,
        one.at,
        tx.now,
        body.mode,
        body.settlement,
        0,
        body.total_minor,
        body.currency,
        body.payment_reference,
        body.buyer_reference,
        body.sealed_contact,
        _contact_until(one.at, body.lines) if body.sealed_contact else None,
        body.rules_version,
        fingerprint,
    )


def _contact_until(sold_at: datetime, lines: Iterable[SaleLine]) -> datetime:
    dates: list[date] = [line.expiry for line in lines if line.expiry is not None]
    end = datetime.combine(max(dates), time.min, UTC) if dates else sold_at
    return max(end, sold_at) + CONTACT_KEPT_AFTER_EXPIRY


def _rows(
    tx: Transaction,
    sale_id: str,
    revision: int,
    cabinet_id: str,
    lines: Sequence[SaleLine],
    stock: dict[Key, StockLine],
) -> list[Row]:
    rows = []
    for line, row_id in zip(lines, tx.new_ids(len(lines)), strict=True):
        gtin, lot = checked_gtin(line.gtin), line.lot or ""
        held = stock[cabinet_id, line.slot, gtin, lot]
        rows.append(
            (
                row_id,
                sale_id,
                revision,
                line.line,
                line.slot,
                gtin,
                lot,
                line.lot_confidence,
                line.quantity,
                line.price_minor,
                line.expiry or held.expiry,
                held.production,
                line.near_expiry_told,
                line.not_returnable_told,
            )
        )
    return rows


def _sold(one: Received, sale_id: str, line: SaleLine) -> Shift:
    return Shift(
        kind=MovementKind.SOLD,
        cabinet_id=one.cabinet_id,
        site_id=one.site_id,
        slot=line.slot,
        gtin=checked_gtin(line.gtin),
        lot=line.lot or "",
        quantity=line.quantity,
        at=one.at,
        by="",
        origin=sale_id,
    )


def _shift_of(one: Received, row: SaleLineRow, quantity: int) -> Shift:
    return Shift(
        kind=MovementKind.SOLD,
        cabinet_id=one.cabinet_id,
        site_id=one.site_id,
        slot=row.slot,
        gtin=row.gtin,
        lot=row.lot,
        quantity=quantity,
        at=one.at,
        by="",
        origin=row.sale_id,
    )
