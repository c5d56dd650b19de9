"""Tables of sales."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class Sale(Table):
    """One sale as the cabinet told it. `revision` names the lines that count now.

    `sealed_contact` is only ever opened for a safety notice; after `contact_until` it is gone.
    """

    __tablename__ = "sales"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"))
    site_id: Mapped[str] = mapped_column(String(36), index=True)
    """Where the cabinet stood then."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    mode: Mapped[str] = mapped_column(String(10))
    settlement: Mapped[str] = mapped_column(String(12))
    revision: Mapped[int] = mapped_column(Integer, default=0)
    total_minor: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3))
    payment_reference: Mapped[str] = mapped_column(String(128), index=True)
    buyer_reference: Mapped[str] = mapped_column(String(128))
    sealed_contact: Mapped[str] = mapped_column(Text)
    contact_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    rules_version: Mapped[int] = mapped_column(Integer)
    """Rule bundle the cabinet held when it sold."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the event's body: the same sale again changes nothing."""

    __table_args__ = (Index("ix_sales_cabinet_at", "cabinet_id", "at"),)


class SaleLineRow(Table):
    """One product of a sale. Revision 0 is the sale itself, higher ones are adjustments."""

    __tablename__ = "sale_lines"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sale_id: Mapped[str] = mapped_column(ForeignKey("sales.id"))
    revision: Mapped[int] = mapped_column(Integer)
    line: Mapped[int] = mapped_column(Integer)
    slot: Mapped[str] = mapped_column(String(20))
    gtin: Mapped[str] = mapped_column(String(14))
    lot: Mapped[str] = mapped_column(String(60))
    """Empty: not known."""
    lot_confidence: Mapped[str] = mapped_column(String(10))
    quantity: Mapped[int] = mapped_column(Integer)
    price_minor: Mapped[int] = mapped_column(Integer)
    expiry: Mapped[date | None] = mapped_column(Date)
    production: Mapped[date | None] = mapped_column(Date)
    near_expiry_told: Mapped[bool] = mapped_column()
    not_returnable_told: Mapped[bool] = mapped_column()

    __table_args__ = (
        Index("uq_sale_lines_line", "sale_id", "revision", "line", unique=True),
        Index("ix_sale_lines_gtin_lot", "gtin", "lot"),
    )


class SaleAdjustment(Table):
    """What a later look changed; with lines, they are the new revision of the sale."""

    __tablename__ = "sale_adjustments"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    sale_id: Mapped[str] = mapped_column(ForeignKey("sales.id"), index=True)
    revision: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    change: Mapped[str] = mapped_column(String(300))
    total_minor: Mapped[int] = mapped_column(Integer)


class SaleRefusal(Table):
    """A sale the gate refused."""

    __tablename__ = "sale_refusals"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"))
    site_id: Mapped[str] = mapped_column(String(36), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(20))
    slot: Mapped[str] = mapped_column(String(20))
    gtin: Mapped[str] = mapped_column(String(14))
    recall_id: Mapped[str] = mapped_column(String(36), index=True)

    __table_args__ = (Index("ix_sale_refusals_cabinet_at", "cabinet_id", "at"),)


class VendFailure(Table):
    """Paid for and not handed out, or not known; the money goes back."""

    __tablename__ = "vend_failures"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sale_id: Mapped[str] = mapped_column(String(64))
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"), index=True)
    site_id: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    slot: Mapped[str] = mapped_column(String(20))
    cause: Mapped[str] = mapped_column(String(120))
    outcome: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3))
    refund_id: Mapped[str | None] = mapped_column(String(36))

    __table_args__ = (Index("uq_vend_failures_sale_slot", "sale_id", "slot", unique=True),)
