"""Web shapes of notices."""

from datetime import datetime

from pydantic import Field

from fleet_server.notifications.rules import Urgency
from fleet_server.notifications.states import NoticeState
from fleet_server.web.schemas import View


class NoticeView(View):
    """A notice as its reader sees it."""

    id: str
    audience: str
    urgency: Urgency
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    about_kind: str
    about_id: str
    site_id: str | None
    state: NoticeState
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    actions: list[str] = Field(default_factory=list)
