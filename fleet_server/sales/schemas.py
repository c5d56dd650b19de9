"""Web shapes of sales. The contact is never shown, only whether there is one."""

from datetime import date, datetime

from pydantic import Field

from fleet_server.stock.schemas import StockLineView, UnitsView
from fleet_server.web.schemas import View
from protocol.matching import Match


class SaleLineView(View):
    """One product of a sale; `lot` null: not known."""

    line: int
    slot: str
    gtin: str
    lot: str | None
    lot_confidence: str
    quantity: int
    price_minor: int
    expiry: date | None
    near_expiry_told: bool
    not_returnable_told: bool


class AdjustmentView(View):
    """What a later look changed."""

    revision: int
    at: datetime
    change: str
    total_minor: int


class SaleView(View):
    """A sale with the lines that count now."""

    id: str
    cabinet_id: str
    site_id: str
    at: datetime
    received_at: datetime
    mode: str
    settlement: str
    total_minor: int
    currency: str
    payment_reference: str
    buyer_reference: str
    rules_version: int
    has_contact: bool
    revision: int
    lines: list[SaleLineView]
    adjustments: list[AdjustmentView] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class RefusalView(View):
    """A sale the gate refused."""

    id: str
    cabinet_id: str
    site_id: str
    at: datetime
    reason: str
    slot: str
    gtin: str
    recall_id: str


class TracedStock(View):
    """A stock line of the traced goods."""

    match: Match
    site_id: str
    line: StockLineView


class TracedSale(View):
    """A sale line of the traced goods."""

    match: Match
    sale_id: str
    line: int
    cabinet_id: str
    site_id: str
    at: datetime
    slot: str
    lot: str | None
    quantity: int


class TraceView(View):
    """Where goods were loaded, are, and went. `sales` is bounded, `units_sold` is not."""

    gtin: str
    lot: str | None
    totals: dict[Match, UnitsView]
    units_sold: dict[Match, int]
    stock: list[TracedStock]
    sales: list[TracedSale]
    sales_left_out: int
