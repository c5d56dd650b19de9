"""Table of changes for the live socket."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class LiveChange(Table):
    """One thing that changed; a reader fetches it anew over the API, with its own rights."""

    __tablename__ = "live_changes"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    topic: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(80))
    site_id: Mapped[str | None] = mapped_column(String(36))
