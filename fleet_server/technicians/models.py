"""Tables of technicians."""

from datetime import date, datetime

from sqlalchemy import Date, Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


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
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Qualification(Table):
    """A passed examination. Without `skill` it is the general one for working at all."""

    __tablename__ = "technician_qualifications"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    skill: Mapped[str | None] = mapped_column(String(40))
    passed_on: Mapped[date | None] = mapped_column(Date)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Shift(Table):
    """A technician works from ... to."""

    __tablename__ = "technician_shifts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_technician_shifts_span", "technician_id", "ends_at"),)


class Absence(Table):
    """A technician is away from ... to, shift or not."""

    __tablename__ = "technician_absences"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    technician_id: Mapped[str] = mapped_column(ForeignKey("technicians.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(60), default="")

    __table_args__ = (Index("ix_technician_absences_span", "technician_id", "ends_at"),)
