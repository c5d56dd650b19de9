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
    further_skills: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    """Skills of tickets that were merged into it."""
    further_cabinets: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    """Cabinets of tickets that were merged into it."""
    level: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    """Qualification level the work asks for."""
    needs_visit: Mapped[bool] = mapped_column()
    origin_kind: Mapped[str] = mapped_column(String(20))
    origin_id: Mapped[str] = mapped_column(String(80), index=True)
    """What asked for it: a fault, a recall, a person, a dead letter."""
    owner: Mapped[str] = mapped_column(String(80), index=True)
    """Audience that is accountable now: `user:<id>`, `technician:<id>` or `role:<role>`."""
    policy: Mapped[str] = mapped_column(String(60))
    repeat_of: Mapped[str | None] = mapped_column(ForeignKey("tickets.id"))
    repeats: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How often the same trouble came back before: links followed, and reopenings."""
    # The links below have no foreign key: on SQLite that would mean to copy the whole table.
    merged_into: Mapped[str | None] = mapped_column(String(36), index=True)
    """Ticket that carries on what this one was for."""
    split_from: Mapped[str | None] = mapped_column(String(36), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    """Why it is in its state."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    triage_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the machine triages it if nobody did."""
    dispatch_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When technicians may be asked; none once they were, or while there is nothing to ask."""
    close_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When a verified ticket closes without a follow-up."""
    expected_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """While it waits for parts or the site: until when."""
    wait_look_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When a wait is looked at: at `expected_at`, else after a bound."""
    appointment_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    appointment_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the site wants somebody to come; `appointment_to` replaces the arrival target."""
    appointment_replaced: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the arrival was due before the first appointment."""
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


class TicketNote(Table):
    """What somebody wrote on a ticket; verbatim, never changed."""

    __tablename__ = "ticket_notes"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), index=True)
    written_on: Mapped[str] = mapped_column(ForeignKey("tickets.id"))
    """Ticket it was written on; another one after a merge."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    author: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)


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
