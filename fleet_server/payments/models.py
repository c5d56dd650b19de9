"""Tables of refunds."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class RefundOrder(Table):
    """Money that goes back to a buyer. A sale is never edited: this is its negative line.

    `purpose` says what it is for and is unique, so that a retry never pays twice. `charge` names
    what was paid (a sale line); refunds of one charge never exceed `charged_minor`.
    """

    __tablename__ = "refund_orders"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(160), unique=True)
    charge: Mapped[str] = mapped_column(String(120), index=True)
    charged_minor: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3))
    payment_reference: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(200), default="")
    site_id: Mapped[str | None] = mapped_column(String(36), index=True)
    requested_by: Mapped[str] = mapped_column(String(80))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    look_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the route is asked next; none once it has ended."""

    __table_args__ = (Index("ix_refund_orders_due", "look_at"),)


class RefundHistory(Table):
    """One step of a refund."""

    __tablename__ = "refund_history"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    refund_id: Mapped[str] = mapped_column(ForeignKey("refund_orders.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(200))
