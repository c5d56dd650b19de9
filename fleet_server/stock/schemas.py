"""Web shapes of stock."""

from datetime import date, datetime

from pydantic import Field

from fleet_server.stock.models import StockLine
from fleet_server.stock.rules import Units
from fleet_server.web.schemas import View


class UnitsView(View):
    """Units by what became of them; the figures always add up to `loaded`."""

    loaded: int
    sold: int
    in_cabinet: int
    removed: int
    transferred: int
    explained: int
    unexplained: int

    @classmethod
    def of(cls, units: Units) -> "UnitsView":
        """Shape of pure units."""
        return cls.model_validate(units)


class StockLineView(View):
    """Units of one lot in one slot; `lot` null: not known."""

    id: str
    cabinet_id: str
    slot: str
    gtin: str
    lot: str | None
    expiry: date | None
    production: date | None
    units: UnitsView
    counted_at: datetime | None
    counted_by: str
    moved_at: datetime
    actions: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, line: StockLine) -> "StockLineView":
        """Shape of a row."""
        return cls(
            id=line.id,
            cabinet_id=line.cabinet_id,
            slot=line.slot,
            gtin=line.gtin,
            lot=line.lot or None,
            expiry=line.expiry,
            production=line.production,
            units=UnitsView.model_validate(line),
            counted_at=line.counted_at,
            counted_by=line.counted_by,
            moved_at=line.moved_at,
        )
