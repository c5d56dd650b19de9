"""Reactions of stock to the journal. GTINs are written with 14 digits from here on."""

from collections.abc import Sequence

from fleet_server.ingest.events import Received
from fleet_server.stock.rules import MovementKind
from fleet_server.stock.service import Shift, shift
from fleet_server.transactions import Transaction
from protocol.errors import MalformedMessageError
from protocol.events import StockCounted, StockMoved
from protocol.gtin import checked_gtin

UNITS_MAX = 100_000
"""Units of one event: far above any slot; more is a broken message, not a delivery."""


def on_stock_loaded(tx: Transaction, received: Sequence[Received]) -> None:
    """`stock.loaded`."""
    _shift_moved(tx, received, MovementKind.LOADED)


def on_stock_removed(tx: Transaction, received: Sequence[Received]) -> None:
    """`stock.removed`: never blocked by a hold, a recall or an expiry."""
    _shift_moved(tx, received, MovementKind.REMOVED)


def on_stock_counted(tx: Transaction, received: Sequence[Received]) -> None:
    """`stock.counted`."""
    shifts = []
    for one in received:
        body = one.body
        if isinstance(body, StockCounted):
            shifts.append(
                Shift(
                    kind=MovementKind.COUNTED,
                    cabinet_id=one.cabinet_id,
                    site_id=one.site_id,
                    slot=body.slot,
                    gtin=checked_gtin(body.gtin),
                    lot=body.lot or "",
                    quantity=_units(body.counted, at_least=0),
                    at=one.at,
                    by=body.by,
                    origin=one.event_id,
                    work_order=body.work_order,
                )
            )
    shift(tx, shifts)


def _shift_moved(tx: Transaction, received: Sequence[Received], kind: MovementKind) -> None:
    shifts = []
    for one in received:
        body = one.body
        if isinstance(body, StockMoved):
            shifts.append(
                Shift(
                    kind=kind,
                    cabinet_id=one.cabinet_id,
                    site_id=one.site_id,
                    slot=body.slot,
                    gtin=checked_gtin(body.gtin),
                    lot=body.lot or "",
                    quantity=_units(body.quantity, at_least=1),
                    at=one.at,
                    by=body.by,
                    origin=one.event_id,
                    expiry=body.expiry,
                    production=body.production,
                    why=body.why,
                    bag=body.bag,
                    work_order=body.work_order,
                )
            )
    shift(tx, shifts)


def _units(quantity: int, at_least: int) -> int:
    if not at_least <= quantity <= UNITS_MAX:
        raise MalformedMessageError(f"{quantity} units are not {at_least} to {UNITS_MAX}")
    return quantity
