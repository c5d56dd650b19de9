"""Table of notices."""

from datetime import datetime

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class Notice(Table):
    """One notice to one audience.

    `site_id` and `region` limit who of a role sees it; a notice about nothing in particular has
    neither. `sent_to` holds digests of the channels that took it, so that a retry reaches only
    the others; a channel's URL holds secrets and never stands here.
    """

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    audience: Mapped[str] = mapped_column(String(80), index=True)
    urgency: Mapped[str] = mapped_column(String(10))
    title_zh: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200))
    body_zh: Mapped[str] = mapped_column(Text)
    body_en: Mapped[str] = mapped_column(Text)
    about_kind: Mapped[str] = mapped_column(String(40))
    about_id: Mapped[str] = mapped_column(String(80))
    site_id: Mapped[str | None] = mapped_column(String(36))
    region: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_to: Mapped[list[str]] = mapped_column(Json, default=list)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))

    __table_args__ = (
        Index("ix_notices_due", "state", "next_attempt_at"),
        Index("ix_notices_about", "about_kind", "about_id"),
    )
