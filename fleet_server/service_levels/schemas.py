"""Web shapes of clocks, policies and calendars; features show clocks on their own things."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from fleet_server.service_levels.calendars import Weekday
from fleet_server.web.schemas import Order, View

DAYS_OFF_MAX = 2_000
"""Days of one calendar: some twenty years of them."""


class ClockView(View):
    """A clock as people see it. Amounts are seconds of its `timebase`."""

    id: str
    name: str
    policy: str
    timebase: str
    started_at: datetime
    begun_at: datetime
    target_seconds: float
    policy_due_at: datetime
    due_at: datetime
    promised_at: datetime | None
    paused_since: datetime | None
    paused_seconds: float
    warned_percent: int
    breached_at: datetime | None
    escalations: int
    acknowledged_at: datetime | None
    stopped_at: datetime | None
    met: bool | None


class OwnedClockView(ClockView):
    """A clock in a list over many things."""

    owner_kind: str
    owner_id: str
    accountable: str
    site_id: str | None
    is_provisional: bool = False
    """Whether it counts over a year whose days off are not known yet."""
    actions: list[str] = Field(default_factory=list)


class PolicyView(View):
    """A policy and whether new things pin it."""

    reference: str
    in_force: bool
    shipped: bool
    policy: dict[str, Any]
    actions: list[str] = Field(default_factory=list)


class PoliciesView(View):
    """All policies, shipped and published here."""

    items: list[PolicyView]
    actions: list[str] = Field(default_factory=list)


class PolicyOrder(Order):
    """`POST /service-policies`: a whole document, as `GET` shows it."""

    policy: dict[str, Any]


class ChoiceOrder(Order):
    """`PUT /service-policies/in-force`."""

    reference: str = Field(min_length=3, max_length=60)


class CalendarOrder(Order):
    """`POST /calendars`. Windows are local `HH:MM`; past 24:00 they run over midnight."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")
    version: int = Field(ge=1, le=10_000)
    title_zh: str = Field(min_length=1, max_length=80)
    title_en: str = Field(min_length=1, max_length=80)
    zone: str = Field(default="Asia/Shanghai", max_length=40)
    week: dict[Weekday, list[tuple[str, str]]]
    days_off: list[date] = Field(default_factory=list, max_length=DAYS_OFF_MAX)
    make_up_days: list[date] = Field(default_factory=list, max_length=DAYS_OFF_MAX)
    make_up_windows: list[tuple[str, str]] = Field(default_factory=list)
    covers: list[int] = Field(default_factory=list, max_length=50)
    """Years whose days off are known; none where days off do not matter."""
    source: str = Field(default="", max_length=300)


class CalendarView(View):
    """A calendar; `newest` ones are what clocks count by from now on."""

    reference: str
    name: str
    version: int
    title_zh: str
    title_en: str
    zone: str
    week: dict[Weekday, list[tuple[str, str]]]
    days_off: list[date]
    make_up_days: list[date]
    make_up_windows: list[tuple[str, str]]
    covers: list[int]
    source: str
    newest: bool
    shipped: bool


class CalendarsView(View):
    """All calendars."""

    items: list[CalendarView]
    actions: list[str] = Field(default_factory=list)


class DayView(View):
    """One day of a calendar."""

    day: date
    windows: list[tuple[str, str]]
    is_working: bool
    is_known: bool


class DaysView(View):
    """Days of a calendar."""

    reference: str
    items: list[DayView]
