"""Answers kept under their Idempotency-Key."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class KeptAnswer(Table):
    """What a creating request was answered, so that its repeat creates nothing."""

    __tablename__ = "kept_answers"

    caller: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    kept_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
