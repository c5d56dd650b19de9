"""Tables of clocks, of the policy in force, and of policies and calendars published here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class PolicyInForce(Table):
    """One row: what new things pin. In the database, so that all processes agree."""

    __tablename__ = "service_policy_in_force"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(String(60))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    chosen_by: Mapped[str] = mapped_column(String(80), default="", server_default="")
    """Person who chose it; empty while the setting decides."""


class PublishedDocument(Table):
    """A policy or calendar somebody published here; a version never changes."""

    __tablename__ = "service_documents"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    """`policy` or `calendar`."""
    name: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer)
    document: Mapped[str] = mapped_column(Text)
    """JSON, as it was checked."""
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_by: Mapped[str] = mapped_column(String(80))

    __table_args__ = (UniqueConstraint("kind", "name", "version", name="uq_service_documents"),)


class ServiceClock(Table):
    """One clock of one thing; its values are the fold of its `ServiceClockStep` rows."""

    __tablename__ = "service_clocks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[str] = mapped_column(String(36))
    name: Mapped[str] = mapped_column(String(40))
    policy: Mapped[str] = mapped_column(String(60))
    accountable: Mapped[str] = mapped_column(String(80))
    """Audience that answers for the thing now."""
    site_id: Mapped[str | None] = mapped_column(String(36))
    region: Mapped[str | None] = mapped_column(String(40))
    timebase: Mapped[str] = mapped_column(
        String(80), default="real", server_default="real", index=True
    )
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    target_seconds: Mapped[float] = mapped_column(Float)
    policy_due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    promised_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_seconds: Mapped[float] = mapped_column(Float, default=0.0)
    paused_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    warned_percent: Mapped[int] = mapped_column(Integer, default=0)
    breached_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    escalations: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    met: Mapped[bool | None] = mapped_column()
    look_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When the sweep has something to do with it; none while it waits for an event."""

    __table_args__ = (Index("ix_service_clocks_owner", "owner_kind", "owner_id"),)


class ServiceClockStep(Table):
    """History of a clock, in the order of `seq`."""

    __tablename__ = "service_clock_steps"

    clock_id: Mapped[str] = mapped_column(ForeignKey("service_clocks.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    amount: Mapped[float] = mapped_column(Float)
    timebase: Mapped[str] = mapped_column(String(80), default="real", server_default="real")
    until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cause: Mapped[dict[str, Any]] = mapped_column(Json)
    """What was said to happen: event or state, and by whom."""
