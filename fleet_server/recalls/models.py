"""Tables of holds and recalls: current state beside history rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime

Seq = BigInteger().with_variant(Integer, "sqlite")


class Hold(Table):
    """Sale of a scope stopped by one person, for a limited time."""

    __tablename__ = "holds"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    scope: Mapped[dict[str, Any]] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(String(500))
    notice_zh: Mapped[str] = mapped_column(String(300))
    notice_en: Mapped[str] = mapped_column(String(300))
    set_by: Mapped[str] = mapped_column(String(80))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    renewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    look_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When to warn of its end, then when it ends; none once it has ended."""
    warned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    recall_id: Mapped[str | None] = mapped_column(String(36))
    """Recall that is to take its place."""
    rules_version: Mapped[int] = mapped_column(BigInteger)


class HoldHistory(Table):
    """What happened to a hold."""

    __tablename__ = "hold_history"

    seq: Mapped[int] = mapped_column(Seq, primary_key=True, autoincrement=True)
    hold_id: Mapped[str] = mapped_column(ForeignKey("holds.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500))


class Recall(Table):
    """One recall. `content` is what people decide about; `content_hash` names that version."""

    __tablename__ = "recalls"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    revision: Mapped[int] = mapped_column(Integer)
    recall_class: Mapped[str] = mapped_column(String(3))
    mock: Mapped[bool] = mapped_column()
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    content_hash: Mapped[str] = mapped_column(String(64))
    hold_id: Mapped[str | None] = mapped_column(ForeignKey("holds.id"))
    policy: Mapped[str] = mapped_column(String(60))
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[str | None] = mapped_column(String(80))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_hash: Mapped[str | None] = mapped_column(String(64))
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rules_version: Mapped[int | None] = mapped_column(BigInteger)
    """Bundle that first held this recall's rules; none for a drill."""
    withdrawal_asked_by: Mapped[str | None] = mapped_column(String(80))
    rescan_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When to look once more for what was being written while it was activated."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecallHistory(Table):
    """What happened to a recall; `person` is who, whatever account or program was used."""

    __tablename__ = "recall_history"

    seq: Mapped[int] = mapped_column(Seq, primary_key=True, autoincrement=True)
    recall_id: Mapped[str] = mapped_column(ForeignKey("recalls.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(String(20))
    before: Mapped[str] = mapped_column(String(20))
    after: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(80))
    person: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500))
    content_hash: Mapped[str] = mapped_column(String(64))


class RulesHeld(Table):
    """Newest bundle each cabinet said it applied: the only acknowledgement there is (P-16)."""

    __tablename__ = "rules_held"

    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    blocked: Mapped[list[str]] = mapped_column(Json)
    """Recalls and holds that block something inside, by the cabinet's own book."""


class RecallCabinet(Table):
    """A cabinet that holds or ever held matching stock. Rows are only ever added."""

    __tablename__ = "recall_cabinets"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    recall_id: Mapped[str] = mapped_column(ForeignKey("recalls.id"))
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"))
    site_id: Mapped[str] = mapped_column(String(36), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    match: Mapped[str] = mapped_column(String(8))
    expected_units: Mapped[int] = mapped_column(Integer)
    """Units inside when it came into scope."""
    acked_version: Mapped[int | None] = mapped_column(BigInteger)
    acked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    look_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the sweep has to decide about it next."""
    rung: Mapped[int] = mapped_column(Integer, default=0)
    """How far up the ladder of unreachable cabinets."""
    ticket_id: Mapped[str | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    late: Mapped[bool] = mapped_column(default=False)
    """Came into scope by an event that arrived after activation."""
    reason: Mapped[str] = mapped_column(String(300))

    __table_args__ = (
        Index("uq_recall_cabinets_pair", "recall_id", "cabinet_id", unique=True),
        Index("ix_recall_cabinets_cabinet", "cabinet_id"),
    )


class RecallCabinetHistory(Table):
    """One step of one cabinet."""

    __tablename__ = "recall_cabinet_history"

    seq: Mapped[int] = mapped_column(Seq, primary_key=True, autoincrement=True)
    row_id: Mapped[str] = mapped_column(ForeignKey("recall_cabinets.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(300))


class RecallBuyer(Table):
    """One sale with matching lines. The contact itself never stands here."""

    __tablename__ = "recall_buyers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    recall_id: Mapped[str] = mapped_column(ForeignKey("recalls.id"))
    sale_id: Mapped[str] = mapped_column(ForeignKey("sales.id"), index=True)
    site_id: Mapped[str] = mapped_column(String(36), index=True)
    cabinet_id: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(20), index=True)
    match: Mapped[str] = mapped_column(String(8))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    sold_at: Mapped[datetime] = mapped_column(UtcDateTime)
    gap_seconds: Mapped[int] = mapped_column(Integer)
    """From the sale to its arrival, where it arrived after activation; 0: it was known then."""
    under_block: Mapped[bool] = mapped_column(default=False)
    """Sold while the cabinet held this recall's rules: must never be."""
    answer: Mapped[str | None] = mapped_column(String(12))
    notice_id: Mapped[str | None] = mapped_column(String(36))
    told_revision: Mapped[int | None] = mapped_column(Integer)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refund_attempt: Mapped[int] = mapped_column(Integer, default=0)
    refunding: Mapped[bool] = mapped_column(default=False)
    look_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the sweep has to tell them; none once it has."""

    __table_args__ = (Index("uq_recall_buyers_sale", "recall_id", "sale_id", unique=True),)


class RecallBuyerHistory(Table):
    """One step of one buyer."""

    __tablename__ = "recall_buyer_history"

    seq: Mapped[int] = mapped_column(Seq, primary_key=True, autoincrement=True)
    buyer_id: Mapped[str] = mapped_column(ForeignKey("recall_buyers.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(300))


class PublicNotice(Table):
    """What everybody may read, without a login."""

    __tablename__ = "public_notices"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    recall_id: Mapped[str] = mapped_column(ForeignKey("recalls.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    """`recall`, or `correction` after a recall was withdrawn."""
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    body_zh: Mapped[str] = mapped_column(Text)
    body_en: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(String(200))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
