"""Table of messages waiting for the broker."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class OutboundMessage(Table):
    """One MQTT message; deleted once the broker took it or it came too late.

    One the broker never takes is set aside and kept a while for people to look at.
    """

    __tablename__ = "outbound_messages"

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    topic: Mapped[str] = mapped_column(String(120))
    qos: Mapped[int] = mapped_column(SmallInteger)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Times a broker that was there did not take it."""
    set_aside_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
