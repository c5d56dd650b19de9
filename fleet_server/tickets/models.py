"""Tables of tickets."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class Ticket(Table):
    """One piece of work with one accountable owner."""

    __tablename__ = "tickets"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    priority: Mapped[str] = mapped_column(String(2))
    severity: Mapped[str | None] = mapped_column(String(1))
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    cabinet_id: Mapped[str | None] = mapped_column(ForeignKey("cabinets.id"))
    """None: the work is for the site (several silent cabinets, say)."""
    component: Mapped[str] = mapped_column(String(40))
    skill: Mapped[str] = mapped_column(String(40))
    needs_visit: Mapped[bool] = mapped_column()
    origin_kind: Mapped[str] = mapped_column(String(20))
    origin_id: Mapped[str] = mapped_column(String(80), index=True)
    """What asked for it: a fault, a recall, a person, a dead letter."""
    owner: Mapped[str] = mapped_column(String(80), index=True)
    """Audience that is accountable now: `user:<id>`, `technician:<id>` or `role:<role>`."""
    policy: Mapped[str] = mapped_column(String(60))
    repeat_of: Mapped[str | None] = mapped_column(ForeignKey("tickets.id"))
    reason: Mapped[str] = mapped_column(String(200))
    """Why it is in its state."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    triage_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the machine triages it if nobody did."""
    dispatch_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When technicians may be asked; none once they were, or while there is nothing to ask."""
    close_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When a verified ticket closes without a follow-up."""
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_tickets_cabinet_state", "cabinet_id", "state"),
        Index("ix_tickets_site_state", "site_id", "state"),
    )


class TicketFault(Table):
    """A fault episode a ticket is to end."""

    __tablename__ = "ticket_faults"

    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    fault_id: Mapped[str] = mapped_column(ForeignKey("faults.id"), primary_key=True, index=True)
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TicketHistory(Table):
    """What happened to a ticket: `before` and `after` differ where it took a step."""

    __tablename__ = "ticket_history"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(String(20))
    before: Mapped[str] = mapped_column(String(20))
    after: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(Json)


class TicketHandOver(Table):
    """Who was accountable, and who became it; the first row has no giver."""

    __tablename__ = "ticket_hand_overs"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    giver: Mapped[str | None] = mapped_column(String(80))
    taker: Mapped[str] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))


class ServiceRecord(Table):
    """Service record of a ticket (S3 section 8, table A.1); empty fields are not stated yet."""

    __tablename__ = "service_records"

    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    customer: Mapped[str | None] = mapped_column(String(200))
    product: Mapped[str | None] = mapped_column(String(200))
    problem: Mapped[str | None] = mapped_column(Text)
    cause_code: Mapped[str | None] = mapped_column(String(30))
    measures: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[list[dict[str, Any]] | None] = mapped_column(Json)
    person: Mapped[str | None] = mapped_column(String(120))
    unit: Mapped[str | None] = mapped_column(String(120))
    began_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    confirmation_way: Mapped[str | None] = mapped_column(String(10))
    confirmed_by: Mapped[str | None] = mapped_column(String(120))
    confirmation_reference: Mapped[str | None] = mapped_column(String(200))
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    saved_by: Mapped[str] = mapped_column(String(80))
