"""Pure: audiences, urgencies, and when a failed delivery is tried again."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from enum import StrEnum

ATTEMPTS_MAX = 8
"""Then a delivery is failed: with the delays below that is after about half an hour."""
RETRY_FIRST = timedelta(seconds=15)
RETRY_MAX = timedelta(minutes=10)
"""Bound of the doubling delay: a channel that was down for long is asked six times an hour."""
RETRY_JITTER = 0.2
"""Share of a delay that chance takes off, so that what failed together does not return together."""
TITLE_LENGTH_MAX = 200
"""Characters of a title: what its column holds, and more than any screen shows in a line."""

PUBLIC = "public"
ON_CALL = "on_call"
"""Audience of who is on call at the time; of the supervisors while nobody is."""


class Language(StrEnum):
    """Languages a person may read notices in."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


class Urgency(StrEnum):
    """How loud a notice is."""

    NORMAL = "normal"
    URGENT = "urgent"


class Channel(StrEnum):
    """Ways out of the house."""

    APPRISE = "apprise"  # WeCom, DingTalk, Feishu, e-mail, SMS, webhook: one URL each
    WEB_PUSH = "web_push"  # a browser that subscribed


@dataclass(frozen=True)
class Words:
    """What a notice says, in both languages."""

    title_zh: str
    title_en: str
    body_zh: str = ""
    body_en: str = ""


@dataclass(frozen=True)
class About:
    """The thing a notice is about, and where it is (who of a role may see it).

    `zone` is the site's; without one, times are those of the installation.
    """

    kind: str
    id: str
    site_id: str | None = None
    region: str | None = None
    zone: tzinfo | None = None


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


PATHS = {
    "cabinet": "/cabinets/{}",
    "hold": "/holds/{}",
    "recall": "/recalls/{}",
    "ticket": "/tickets/{}",
    "visit": "/visits/{}",
}
"""Where the faces show a thing of that kind; everything else is shown among the notices."""


def path_of(about_kind: str, about_id: str) -> str:
    """Where a tap on a notice leads, below the face's own root."""
    return PATHS.get(about_kind, "/notices").format(about_id)


def leaves_by_channel(audience: str) -> bool:
    """Whether the operator's channels are for this audience: staff yes, public and buyers no."""
    return audience != PUBLIC and not audience.startswith("buyer:")


def retry_delay(attempts: int, drawn: float) -> timedelta:
    """Wait after that many failed attempts: doubling, with a bound; `drawn` is chance, 0 to 1."""
    doublings = min(max(attempts, 1), ATTEMPTS_MAX) - 1
    return min(RETRY_FIRST * (1 << doublings), RETRY_MAX) * (1 - RETRY_JITTER * drawn)


def channel_digest(url: str) -> str:
    """Name of a channel that gives its URL away to nobody."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]
