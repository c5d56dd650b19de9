"""Tables of the catalogue."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class Product(Table):
    """One trade item. `gtin` has 14 digits with a true check digit."""

    __tablename__ = "products"

    gtin: Mapped[str] = mapped_column(String(14), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    category: Mapped[str] = mapped_column(String(60), index=True)
    shelf_life_days: Mapped[int | None] = mapped_column(Integer)
    near_expiry_days: Mapped[int] = mapped_column(Integer)
    perishable: Mapped[bool] = mapped_column(default=False)
    chilled: Mapped[bool] = mapped_column(default=False)
    returnable: Mapped[bool] = mapped_column(default=True)
    price_minor: Mapped[int] = mapped_column(Integer)
    """Default price of one unit, in minor units of `currency`."""
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Lot(Table):
    """One lot of a product, with the dates printed on it; None: not known."""

    __tablename__ = "lots"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    gtin: Mapped[str] = mapped_column(ForeignKey("products.gtin"))
    lot: Mapped[str] = mapped_column(String(40))
    expiry: Mapped[date | None] = mapped_column(Date)
    production: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("uq_lots_gtin_lot", "gtin", "lot", unique=True),)
