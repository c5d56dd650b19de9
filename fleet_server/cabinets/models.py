"""Tables of sites and cabinets."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class Site(Table):
    """A place where cabinets stand. Coordinates are WGS-84 degrees."""

    __tablename__ = "sites"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(300))
    region: Mapped[str] = mapped_column(String(40), index=True)
    latitude: Mapped[float] = mapped_column(Float)
    longitude: Mapped[float] = mapped_column(Float)
    time_zone: Mapped[str] = mapped_column(String(40), default="Asia/Shanghai")
    calendar: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """Its opening hours, by the name of a calendar; empty: always open."""
    contract: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """Service contract a policy may match."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Cabinet(Table):
    """One cabinet. `id` stands in topics; `serial_number` is what is printed on it."""

    __tablename__ = "cabinets"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    serial_number: Mapped[str] = mapped_column(String(60), unique=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    """`slot` or `open_door` (edge-agent, Cabinets)."""
    uplink: Mapped[str] = mapped_column(String(10))
    shard: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20), index=True)
    perishable: Mapped[bool] = mapped_column(default=False)
    credential_hash: Mapped[str | None] = mapped_column(String(64))
    credential_mosquitto: Mapped[str | None] = mapped_column(String(128))
    credential_nats: Mapped[str | None] = mapped_column(String(60))
    credential_revision: Mapped[int] = mapped_column(
        Integer, default=0, server_default="0", index=True
    )
    """Plus one at each change of the credential: the sum over all tells that one did."""
    reenrolment_approved: Mapped[bool] = mapped_column(default=False)
    muted_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """Until then its faults open no tickets (`tickets.rules.is_muted`)."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CabinetHistory(Table):
    """What happened to a cabinet's registration: states, moves, board swaps, muting."""

    __tablename__ = "cabinet_history"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(80))
    details: Mapped[dict[str, Any]] = mapped_column(Json)


class Claim(Table):
    """A code with which a cabinet joins once (P-19): good until its first birth, or its end."""

    __tablename__ = "claims"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CabinetPresence(Table):
    """Live values of a cabinet; flushed from memory every 5 s, stale while it is offline."""

    __tablename__ = "cabinet_presence"

    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"), primary_key=True)
    online: Mapped[bool] = mapped_column(default=False)
    last_heard_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    offline_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    session: Mapped[int] = mapped_column(BigInteger, default=0)
    boot: Mapped[str] = mapped_column(String(64), default="")
    clock: Mapped[str] = mapped_column(String(12), default="")
    free_storage_bytes: Mapped[int | None] = mapped_column(BigInteger)
    rules_version: Mapped[int] = mapped_column(BigInteger, default=0)
    desired_version: Mapped[int] = mapped_column(BigInteger, default=0)
    command_counter: Mapped[int] = mapped_column(BigInteger, default=0)


class CabinetDesired(Table):
    """Newest desired state of a cabinet and what became of it (P-15)."""

    __tablename__ = "cabinet_desired"

    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[dict[str, Any]] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_version: Mapped[int] = mapped_column(BigInteger, default=0)
    refused_key: Mapped[str] = mapped_column(String(80), default="")
    refused_reason: Mapped[str] = mapped_column(Text, default="")
    drifting: Mapped[bool] = mapped_column(default=False)


class CabinetCommand(Table):
    """One order and its result (P-13, P-14)."""

    __tablename__ = "cabinet_commands"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    cabinet_id: Mapped[str] = mapped_column(ForeignKey("cabinets.id"))
    name: Mapped[str] = mapped_column(String(30))
    args: Mapped[dict[str, Any]] = mapped_column(Json)
    counter: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(20), index=True)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    session: Mapped[int | None] = mapped_column(BigInteger)
    """Session of the cabinet a physical order was asked for in; it is given up with it (P-13)."""
    detail: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (Index("uq_cabinet_commands_counter", "cabinet_id", "counter", unique=True),)
