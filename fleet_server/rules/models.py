"""Tables of the active rules, of every bundle that was signed, and of foreign versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class ActiveRule(Table):
    """One rule in force. Only its own recall or hold changes it (invariants 11, 17)."""

    __tablename__ = "active_rules"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    recall_id: Mapped[str] = mapped_column(String(36), index=True)
    revision: Mapped[int] = mapped_column(Integer)
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class RuleSet(Table):
    """One signed bundle; the newest is the one in force."""

    __tablename__ = "rule_sets"

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 (hex) of the signed payload text; cabinets report the same in `rules.applied`."""
    envelope: Mapped[str] = mapped_column(Text)


class ForeignVersion(Table):
    """Version a cabinet holds that this database did not issue: it was restored (ADR 0021)."""

    __tablename__ = "foreign_versions"

    cabinet_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    """`rules` or `desired`."""
    version: Mapped[int] = mapped_column(BigInteger)
    """Highest that was believed; what is issued next lies above it."""
    named_at: Mapped[datetime] = mapped_column(UtcDateTime)
    overtaken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a version was last issued for the sake of this one alone."""
    doubted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When this cabinet was last told of as not believed."""
