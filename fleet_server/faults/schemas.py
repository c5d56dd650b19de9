"""Web shapes of faults."""

from datetime import datetime
from typing import Any

from pydantic import Field

from fleet_server.faults.rules import FaultSource
from fleet_server.faults.states import FaultState
from fleet_server.web.schemas import View
from protocol.faults import Severity


class FaultView(View):
    """One episode."""

    id: str
    cabinet_id: str
    site_id: str
    code: str
    component: str
    part: str
    severity: Severity
    source: FaultSource
    state: FaultState
    latched: bool
    since: datetime
    count: int
    reading: Any
    limit: Any
    cleared_at: datetime | None
    cleared_by: str
    title_zh: str = ""
    title_en: str = ""
    actions: list[str] = Field(default_factory=list)


class FaultHistoryView(View):
    """One thing that happened in an episode."""

    at: datetime
    noted_at: datetime
    what: str
    severity: Severity
    count: int
    details: dict[str, Any]


class FaultDetailView(FaultView):
    """One episode with its history."""

    history: list[FaultHistoryView] = Field(default_factory=list)


class CatalogueView(View):
    """The fault catalogue as data."""

    items: list[dict[str, Any]]
