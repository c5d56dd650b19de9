"""Tables of the stock ledger."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class StockLine(Table):
    """Units of one lot in one slot: where they came from and went. Rows are never deleted.

    `lot` is empty where it is not known. `in_cabinet` is kept beside the rest, so that
    loaded = sold + in_cabinet + removed + transferred + explained + unexplained can be checked.
    """

    __tablename__ = "stock_lines"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"))
    slot: Mapped[str] = mapped_column(String(20))
    gtin: Mapped[str] = mapped_column(String(14))
    lot: Mapped[str] = mapped_column(String(60))
    expiry: Mapped[date | None] = mapped_column(Date)
    production: Mapped[date | None] = mapped_column(Date)
    """None: not known, or not one for all units."""
    loaded: Mapped[int] = mapped_column(Integer, default=0)
    sold: Mapped[int] = mapped_column(Integer, default=0)
    removed: Mapped[int] = mapped_column(Integer, default=0)
    transferred: Mapped[int] = mapped_column(Integer, default=0)
    explained: Mapped[int] = mapped_column(Integer, default=0)
    unexplained: Mapped[int] = mapped_column(Integer, default=0)
    in_cabinet: Mapped[int] = mapped_column(Integer, default=0)
    counted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counted_by: Mapped[str] = mapped_column(String(128), default="")
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("uq_stock_lines_place", "cabinet_id", "slot", "gtin", "lot", unique=True),
        Index("ix_stock_lines_gtin_lot", "gtin", "lot"),
    )


class StockMovement(Table):
    """One movement of a line, with the site the cabinet stood at then."""

    __tablename__ = "stock_movements"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    line_id: Mapped[str] = mapped_column(ForeignKey("stock_lines.id"), index=True)
    cabinet_id: Mapped[str] = mapped_column(String(32))
    site_id: Mapped[str] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(10))
    quantity: Mapped[int] = mapped_column(Integer)
    """Units moved; for a count the units found; for an explanation the units explained."""
    booked: Mapped[int] = mapped_column(Integer)
    """Units the server's book had before."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(String(128))
    why: Mapped[str] = mapped_column(String(300), default="")
    bag: Mapped[str] = mapped_column(String(128), default="")
    work_order: Mapped[str] = mapped_column(String(128), default="")
    origin: Mapped[str] = mapped_column(String(128))
    """Journal event or sale it comes from."""
    blocked_by: Mapped[str | None] = mapped_column(String(36), index=True)
    """Recall or hold in force that should have stopped this load."""

    __table_args__ = (Index("ix_stock_movements_cabinet_at", "cabinet_id", "at"),)
