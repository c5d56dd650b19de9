"""Tables of fault episodes."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime

FAULT_ID_LENGTH_MAX = 80


class Fault(Table):
    """One episode; `id` is the cabinet's own, or ours where the server detected it."""

    __tablename__ = "faults"

    id: Mapped[str] = mapped_column(String(FAULT_ID_LENGTH_MAX), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"))
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), index=True)
    code: Mapped[str] = mapped_column(String(40), index=True)
    component: Mapped[str] = mapped_column(String(40))
    part: Mapped[str] = mapped_column(String(80))
    severity: Mapped[str] = mapped_column(String(1))
    """As it counts: an unknown code counts at least as M."""
    severity_reported: Mapped[str] = mapped_column(String(1))
    source: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    latched: Mapped[bool] = mapped_column(default=False)
    since: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    count: Mapped[int] = mapped_column(Integer)
    reading: Mapped[Any] = mapped_column(Json)
    limit: Mapped[Any] = mapped_column(Json)
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cleared_by: Mapped[str] = mapped_column(String(10), default="")
    cleared_by_whom: Mapped[str] = mapped_column(String(80), default="")

    __table_args__ = (
        Index("ix_faults_cabinet_state", "cabinet_id", "state"),
        Index("ix_faults_state_since", "state", "since"),
    )


class FaultHistory(Table):
    """What happened in an episode."""

    __tablename__ = "fault_history"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    fault_id: Mapped[str] = mapped_column(ForeignKey("faults.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(String(10))
    severity: Mapped[str] = mapped_column(String(1))
    count: Mapped[int] = mapped_column(Integer)
    details: Mapped[dict[str, Any]] = mapped_column(Json)
