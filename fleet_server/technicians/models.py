"""Tables of technicians, of where they start from, and of the parts in their vans."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class Location(Table):
    """A depot, a warehouse or a van. Coordinates are WGS-84 degrees; a van has none of its own."""

    __tablename__ = "locations"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(300))
    region: Mapped[str | None] = mapped_column(String(40))
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Technician(Table):
    """A field technician. Home coordinates are WGS-84 degrees; a region limits where they work."""

    __tablename__ = "technicians"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(40), default="")
    skills: Mapped[list[str]] = mapped_column(Json)
    region: Mapped[str | None] = mapped_column(String(40))
    home_latitude: Mapped[float] = mapped_column(Float)
    home_longitude: Mapped[float] = mapped_column(Float)
    # No foreign key: on SQLite that would mean to copy the whole table in a migration.
    depot_id: Mapped[str | None] = mapped_column(String(36))
    """Location their day begins at; none: at home."""
    active: Mapped[bool] = mapped_column(default=True)
    position_consent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When they agreed that their position is kept; none: it is not."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Qualification(Table):
    """A passed examination. Without `skill` it is the general one for working at all."""

    __tablename__ = "technician_qualifications"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    skill: Mapped[str | None] = mapped_column(String(40))
    level: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    """1 basic, 2 skilled, 3 expert: work that asks for a level is for those who hold it."""
    passed_on: Mapped[date | None] = mapped_column(Date)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    warned_days: Mapped[int | None] = mapped_column(Integer)
    """Of how many days ahead the dispatcher was warned last; 0: it lapsed, and that is noted."""


class Shift(Table):
    """A technician works from ... to."""

    __tablename__ = "technician_shifts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    breaks: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default="[]")
    """Spans inside it, `starts_at` and `ends_at` in ISO 8601."""

    __table_args__ = (Index("ix_technician_shifts_span", "technician_id", "ends_at"),)


class Absence(Table):
    """A technician is away from ... to, shift or not."""

    __tablename__ = "technician_absences"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(60), default="")
    visit_ids: Mapped[list[str]] = mapped_column(Json, default=list, server_default="[]")
    """Visits it took from them, and those under way that it touches."""

    __table_args__ = (Index("ix_technician_absences_span", "technician_id", "ends_at"),)


class TechnicianPosition(Table):
    """Where somebody was last, to about 1 km; one row a person, for 12 h, by consent."""

    __tablename__ = "technician_positions"

    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"), primary_key=True)
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Part(Table):
    """A spare part by its code; the lists say what it is for, empty ones say nothing."""

    __tablename__ = "parts"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    skills: Mapped[list[str]] = mapped_column(Json)
    fault_codes: Mapped[list[str]] = mapped_column(Json)
    components: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PartNeed(Table):
    """How many of a part the repair of a fault usually takes."""

    __tablename__ = "part_needs"

    fault_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    part_code: Mapped[str] = mapped_column(ForeignKey("parts.code"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)


class VanStock(Table):
    """How many of a part a technician has in the van; the sum of the movements, never below 0."""

    __tablename__ = "van_stock"

    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"), primary_key=True)
    part_code: Mapped[str] = mapped_column(ForeignKey("parts.code"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)


class PartMovement(Table):
    """One change of a van's stock. `origin`: the visit and ticket a part was used for."""

    __tablename__ = "part_movements"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"))
    part_code: Mapped[str] = mapped_column(ForeignKey("parts.code"))
    kind: Mapped[str] = mapped_column(String(10))
    quantity: Mapped[int] = mapped_column(Integer)
    """As stated: of a count, how many are there."""
    change: Mapped[int] = mapped_column(Integer)
    """By how much the stock moved."""
    location_id: Mapped[str | None] = mapped_column(ForeignKey("locations.id"))
    ticket_id: Mapped[str | None] = mapped_column(String(36), index=True)
    origin: Mapped[str | None] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_part_movements_technician", "technician_id", "id"),
        UniqueConstraint("origin", "part_code", name="uq_part_movements_origin"),
    )
