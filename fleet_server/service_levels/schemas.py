"""Web shapes of clocks; features show them on their own things."""

from datetime import datetime
from typing import Any

from fleet_server.web.schemas import View


class ClockView(View):
    """A clock as people see it."""

    name: str
    policy: str
    started_at: datetime
    target_seconds: float
    due_at: datetime
    paused_since: datetime | None
    paused_seconds: float
    warned_percent: int
    breached_at: datetime | None
    stopped_at: datetime | None
    met: bool | None


class PolicyView(View):
    """A policy and whether new things pin it."""

    reference: str
    in_force: bool
    policy: dict[str, Any]


class PoliciesView(View):
    """All shipped policies."""

    items: list[PolicyView]
