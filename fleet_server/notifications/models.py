"""Tables of notices, of the addresses they leave to, and of what people want.

A notice is one row whoever it is for; what became of it at each address is a delivery; what each
person read is a receipt.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Json, Table, UtcDateTime


class Notice(Table):
    """One notice to one audience.

    `site_id` and `region` limit who of a role sees it; a notice about nothing in particular has
    neither. While `next_attempt_at` is set it waits to be spread to its addresses. `sent_to` is
    of the release before this one, which still runs while this one is rolled out.
    """

    __tablename__ = "notices"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    audience: Mapped[str] = mapped_column(String(80), index=True)
    urgency: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(60), default="", server_default="")
    """Template it was made from; empty where its words were composed elsewhere."""
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
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    must_acknowledge: Mapped[bool] = mapped_column(default=False, server_default=false())
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))

    __table_args__ = (
        Index("ix_notices_due", "state", "next_attempt_at"),
        Index("ix_notices_about", "about_kind", "about_id"),
    )


class NoticeReceipt(Table):
    """A person has read a notice."""

    __tablename__ = "notice_receipts"

    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NoticeAddress(Table):
    """Where notices can be sent: a channel of the installation, of a role, or of a person.

    The URLs of the first two are settings, so only their digests stand here. A person's own, and
    the browsers that subscribed, are sealed with the server's key (P-21): `label` is all of them
    that is ever shown. The row also carries the lease of who sends there now, and the pace.
    """

    __tablename__ = "notice_addresses"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    """`installation`, `role:<role>` or `user:<id>`."""
    channel: Mapped[str] = mapped_column(String(10))
    digest: Mapped[str] = mapped_column(String(32), index=True)
    lane: Mapped[str] = mapped_column(String(80))
    """Service behind it: when that hangs, only so many senders may hang with it."""
    label: Mapped[str] = mapped_column(String(120))
    sealed: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    served_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    window_began_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    window_sent: Mapped[int] = mapped_column(Integer, default=0)

    __table_args__ = (UniqueConstraint("owner", "digest"),)


class NoticeDelivery(Table):
    """A notice on its way to one address; without an address it is kept and shown.

    `user_id` is the person it is for; a shared channel has none. `rung` 1 is a second try by
    channels the person had not asked for.
    """

    __tablename__ = "notice_deliveries"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"), index=True)
    address_id: Mapped[str | None] = mapped_column(ForeignKey("notice_addresses.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    language: Mapped[str] = mapped_column(String(4))
    urgency: Mapped[str] = mapped_column(String(10))
    rung: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(120), default="")

    __table_args__ = (
        UniqueConstraint("notice_id", "address_id", name="uq_notice_deliveries_notice_address"),
        Index("ix_notice_deliveries_due", "address_id", "state", "next_attempt_at"),
        Index("ix_notice_deliveries_state", "state", "created_at"),
    )


class NoticePreference(Table):
    """What a person wants; without a row: both languages, every channel, no quiet hours."""

    __tablename__ = "notice_preferences"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(4))
    quiet_from: Mapped[str | None] = mapped_column(String(5))
    quiet_to: Mapped[str | None] = mapped_column(String(5))
    time_zone: Mapped[str] = mapped_column(String(40))
    channels_normal: Mapped[list[str] | None] = mapped_column(Json)
    channels_urgent: Mapped[list[str] | None] = mapped_column(Json)
    """Ids of own addresses and `web_push`; None is all of them, an empty list is none."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OnCallTurn(Table):
    """A person is on call from ... to."""

    __tablename__ = "on_call_turns"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
