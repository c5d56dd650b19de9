"""Web shapes of notices."""

from datetime import datetime
from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from fleet_server.notifications.rules import Language, Urgency
from fleet_server.notifications.states import NoticeState
from fleet_server.web.schemas import Order, View

CHANNELS_MAX = 20
"""Channels of one person: more is a mistake of a program."""
TURNS_MAX = 500
"""Turns of one roster: a year of three shifts a day is planned in parts."""

WallTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]
Channels = Annotated[list[Annotated[str, Field(max_length=36)]], Field(max_length=CHANNELS_MAX)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no time zone of the IANA database")
    return name


class NoticeView(View):
    """A notice as its reader sees it."""

    id: str
    audience: str
    urgency: Urgency
    kind: str
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    about_kind: str
    about_id: str
    site_id: str | None
    state: NoticeState
    created_at: datetime
    must_acknowledge: bool
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    read_at: datetime | None = None
    actions: list[str] = Field(default_factory=list)


class UnreadView(View):
    """How many notices the caller has not read; `more`: there are more than counted."""

    count: int
    more: bool


class QuietHoursShape(Order):
    """From when to when a person is left in peace, on the clock of that zone, over midnight too."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: WallTime = Field(alias="from")
    to: WallTime
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"

    @model_validator(mode="after")
    def _ends_some_time(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("quiet hours begin and end at different times")
        return self


class PreferenceShape(Order):
    """What a person wants. `channels`: ids of own channels and `web_push`; null is all of them.

    A notice that goes to no channel is kept and shown; an urgent one knows no quiet hours.
    """

    language: Language = Language.BOTH
    quiet_hours: QuietHoursShape | None = None
    channels: dict[Urgency, Channels | None] = Field(default_factory=dict)


class ChannelOrder(Order):
    """`POST /notices/channels`: an apprise URL of one's own."""

    url: str = Field(min_length=5, max_length=500)


class ChannelView(View):
    """A channel of one's own; the URL is a secret and is shown masked."""

    id: str
    label: str
    created_at: datetime


class PushKeys(Order):
    """Keys of a browser's subscription, base64url (RFC 8291, 2)."""

    p256dh: str = Field(max_length=120)
    auth: str = Field(max_length=40)


class PushOrder(Order):
    """`POST /push-subscriptions`: what `PushSubscription.toJSON()` gives."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # browsers add fields of their own

    endpoint: str = Field(min_length=10, max_length=1000)
    keys: PushKeys


class PushKeyView(View):
    """`applicationServerKey` for a browser to subscribe with."""

    application_server_key: str


class TurnShape(Order):
    """A person on call from ... to."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, from_attributes=True
    )

    user_id: str = Field(max_length=36)
    starts_at: AwareDatetime = Field(alias="from")
    ends_at: AwareDatetime = Field(alias="to")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("a turn ends after it begins")
        return self


class RosterShape(Order):
    """`PUT /notices/on-call`: all turns that have not ended, in place of those that stood."""

    turns: list[TurnShape] = Field(max_length=TURNS_MAX)


class DeliveryView(View):
    """One delivery as administrators see it; the address is masked."""

    id: str
    notice_id: str
    user_id: str | None
    owner: str | None = None
    label: str | None = None
    urgency: Urgency
    state: NoticeState
    rung: int
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    error: str
