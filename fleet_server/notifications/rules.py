"""Pure: audiences, urgencies, and when a failed delivery is tried again."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

ATTEMPTS_MAX = 8
"""Then a notice is failed: with the delays below that is after about half an hour."""
RETRY_FIRST = timedelta(seconds=15)
RETRY_MAX = timedelta(minutes=10)
"""Bound of the doubling delay: a channel that was down for long is asked six times an hour."""

PUBLIC = "public"


class Urgency(StrEnum):
    """How loud a notice is."""

    NORMAL = "normal"
    URGENT = "urgent"


@dataclass(frozen=True)
class Words:
    """What a notice says, in both languages."""

    title_zh: str
    title_en: str
    body_zh: str = ""
    body_en: str = ""


@dataclass(frozen=True)
class About:
    """The thing a notice is about, and where it is (who of a role may see it)."""

    kind: str
    id: str
    site_id: str | None = None
    region: str | None = None


def to_user(user_id: str) -> str:
    """Audience of one person."""
    return f"user:{user_id}"


def to_role(role: str) -> str:
    """Audience of everyone with a role whose grant reaches the site."""
    return f"role:{role}"


def to_technician(technician_id: str) -> str:
    """Audience of a technician without a login; dispatchers see it for them."""
    return f"technician:{technician_id}"


def to_buyer(buyer_id: str) -> str:
    """Audience of one buyer."""
    return f"buyer:{buyer_id}"


def leaves_by_channel(audience: str) -> bool:
    """Whether the operator's channels are for this audience: staff yes, public and buyers no."""
    return audience != PUBLIC and not audience.startswith("buyer:")


def retry_delay(attempts: int) -> timedelta:
    """Wait after that many failed attempts: doubling, with a bound."""
    doublings = min(max(attempts, 1), ATTEMPTS_MAX) - 1
    return min(RETRY_FIRST * (1 << doublings), RETRY_MAX)


def channel_digest(url: str) -> str:
    """Name of a channel that gives its URL away to nobody."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]
