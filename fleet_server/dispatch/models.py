"""Tables of visits and offers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Float, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class Visit(Table):
    """One technician at one site, for one ticket or several."""

    __tablename__ = "visits"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"))
    technician_id: Mapped[str | None] = mapped_column(ForeignKey("technicians.id"))
    """Who was asked or has accepted; none while it is planned."""
    state: Mapped[str] = mapped_column(String(12))
    priority: Mapped[str] = mapped_column(String(2))
    skills: Mapped[list[str]] = mapped_column(Json)
    level: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    policy: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """First due instant of the arrival clocks of its tickets."""
    resolve_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """First due instant of the resolution clocks of its tickets."""
    planned_arrival_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    planned_for: Mapped[str | None] = mapped_column(String(36))
    """Who is to be asked once their shift begins; no technician is told before."""
    locked_to: Mapped[str | None] = mapped_column(String(36))
    """Technician a dispatcher has chosen: no plan moves it."""
    moved_on: Mapped[date | None] = mapped_column(Date)
    moves: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    """How often it was given to somebody else on `moved_on` (UTC)."""
    late_probability: Mapped[float | None] = mapped_column(Float)
    arrival_p80_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """By when it is reached in four of five draws."""
    risk_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refusals: Mapped[int] = mapped_column(Integer, default=0)
    ask_again_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    nobody_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    service_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a cabinet of the site saw its service door opened, while the visit was under way."""
    check_in_way: Mapped[str | None] = mapped_column(String(20))
    checked_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    check_in_latitude: Mapped[float | None] = mapped_column(Float)
    check_in_longitude: Mapped[float | None] = mapped_column(Float)
    given_back: Mapped[bool] = mapped_column(default=False)
    """Aborted by the technician, who is not asked for its tickets again."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (
        Index("ix_visits_site_state", "site_id", "state"),
        Index("ix_visits_technician_state", "technician_id", "state"),
    )


class VisitTicket(Table):
    """A ticket a visit is for; dropped ones stay as history."""

    __tablename__ = "visit_tickets"

    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id"), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), primary_key=True, index=True)
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class VisitHistory(Table):
    """Steps of a visit."""

    __tablename__ = "visit_history"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    before: Mapped[str] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]] = mapped_column(Json)


class Offer(Table):
    """One technician asked to take a visit until a deadline."""

    __tablename__ = "offers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id"), index=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"))
    state: Mapped[str] = mapped_column(String(12))
    offered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deadline: Mapped[datetime] = mapped_column(UtcDateTime)
    arrival_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Arrival the plan expects if it is accepted."""
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (
        Index("ix_offers_state_deadline", "state", "deadline"),
        Index("ix_offers_technician_state", "technician_id", "state"),
    )


class PlanVersion(Table):
    """A plan that replaced another one, and what it was worth."""

    __tablename__ = "dispatch_plans"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    region: Mapped[str] = mapped_column(String(40), index=True)
    tier: Mapped[int] = mapped_column(Integer)
    cause: Mapped[str] = mapped_column(String(40))
    """What asked for it: `urgent`, `risk`, `overrun`, `declined`, `round`, `night`, `person`."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by: Mapped[str] = mapped_column(String(80))
    verdict: Mapped[str] = mapped_column(String(20))
    saved_seconds: Mapped[float] = mapped_column(Float)
    breaches_removed: Mapped[int] = mapped_column(Integer)
    accepted_moved: Mapped[int] = mapped_column(Integer)
    took_seconds: Mapped[float] = mapped_column(Float)


class PlanMove(Table):
    """One visit a plan version gave to somebody else, and why."""

    __tablename__ = "dispatch_moves"

    plan_id: Mapped[str] = mapped_column(ForeignKey("dispatch_plans.id"), primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visits.id"), primary_key=True, index=True)
    giver: Mapped[str | None] = mapped_column(String(36))
    taker: Mapped[str | None] = mapped_column(String(36))
    """Technicians; none for a visit that was, or is now, in nobody's route."""
    arrival_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrival_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(30))
    numbers: Mapped[dict[str, Any]] = mapped_column(Json)
    reason_zh: Mapped[str] = mapped_column(String(200))
    reason_en: Mapped[str] = mapped_column(String(200))


class PlanWish(Table):
    """Something asks for a better plan of a region; at most one of each tier and region waits."""

    __tablename__ = "dispatch_wishes"

    region: Mapped[str] = mapped_column(String(40), primary_key=True)
    tier: Mapped[int] = mapped_column(Integer, primary_key=True)
    visit_ids: Mapped[list[str]] = mapped_column(Json)
    """Tier 1: what it is about."""
    cause: Mapped[str] = mapped_column(String(40))
    wished_at: Mapped[datetime] = mapped_column(UtcDateTime)
    wished_by: Mapped[str] = mapped_column(String(80))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)


class PlanRound(Table):
    """When a region was last planned anew as a whole."""

    __tablename__ = "dispatch_rounds"

    region: Mapped[str] = mapped_column(String(40), primary_key=True)
    round_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Tier 2."""
    night_on: Mapped[date | None] = mapped_column(Date)
    """Tier 3: local day."""
