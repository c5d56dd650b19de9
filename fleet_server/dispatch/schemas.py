"""Web shapes of visits and offers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from fleet_server.dispatch.rules import CheckInWay
from fleet_server.dispatch.states import OfferState, VisitState
from fleet_server.faults.states import FaultState
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.rules import TicketKind
from fleet_server.tickets.states import TicketState
from fleet_server.web.schemas import Order, View
from protocol.faults import Severity


class CheckInShape(Order):
    """How the technician shows to be there: `gps` needs both coordinates, `cabinet_code` a code.

    The code is the serial number on the plate inside a cabinet of the visit. The cabinet's id,
    which stands in the ticket, is refused.
    """

    way: CheckInWay
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    code: str = Field("", max_length=60)


class LeaveIn(StrEnum):
    """What becomes of the tickets of an aborted visit."""

    TRIAGED = "triaged"
    WAITING_PARTS = "waiting_parts"
    WAITING_SITE = "waiting_site"


class VisitTransition(Order):
    """`POST /visits/{id}/transitions`; `to` may also be `declined` while it is offered."""

    to: str = Field(min_length=1, max_length=20)
    reason: str = Field("", max_length=200)
    check_in: CheckInShape | None = None
    leave_tickets: LeaveIn = LeaveIn.TRIAGED


class Answer(StrEnum):
    """Yes or no."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class AnswerOrder(Order):
    """`POST /offers/{id}/answer`."""

    answer: Answer
    reason: str = Field("", max_length=200)


class ReplanOrder(Order):
    """`POST /dispatch/replan`: one visit nobody has taken, or all of them.

    With `region`, a better plan of that region is wished for, too (tier 2, or 3 if so stated).
    """

    visit_id: str | None = Field(None, max_length=36)
    region: str | None = Field(None, min_length=1, max_length=40)
    tier: int = Field(2, ge=2, le=3)


class ReplanView(View):
    """What a replan did."""

    asked: int
    offered: int


class SiteShape(View):
    """Where to go."""

    id: str
    name: str
    address: str
    latitude: float
    longitude: float


class VisitView(View):
    """A visit in a list."""

    id: str
    site_id: str
    technician_id: str | None
    state: VisitState
    priority: Priority
    skills: list[str]
    level: int
    created_at: datetime
    due_at: datetime | None
    resolve_by: datetime | None
    planned_arrival_at: datetime | None
    planned_for: str | None
    locked_to: str | None
    late_probability: float | None
    arrival_p80_at: datetime | None
    refusals: int
    check_in_way: CheckInWay | None
    checked_in_at: datetime | None
    ended_at: datetime | None
    reason: str
    site: SiteShape | None = None
    ticket_ids: list[str] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class OfferView(View):
    """An offer."""

    id: str
    visit_id: str
    technician_id: str
    state: OfferState
    offered_at: datetime
    deadline: datetime
    arrival_at: datetime
    answered_at: datetime | None
    reason: str
    visit: VisitView | None = None
    actions: list[str] = Field(default_factory=list)


class VisitTicketShape(View):
    """A ticket as the technician needs it."""

    id: str
    kind: TicketKind
    state: TicketState
    priority: Priority
    title_zh: str
    title_en: str
    description: str
    cabinet_id: str | None
    component: str


class VisitFaultShape(View):
    """An active fault at the site, also one too small for a ticket: it joins the visit."""

    id: str
    cabinet_id: str
    code: str
    part: str
    severity: Severity
    state: FaultState
    since: datetime


class VisitStepView(View):
    """One step of a visit."""

    at: datetime
    before: VisitState
    after: VisitState
    actor: str
    reason: str
    details: dict[str, Any]


class VisitDetailView(VisitView):
    """A visit with all that belongs to it."""

    tickets: list[VisitTicketShape] = Field(default_factory=list)
    faults: list[VisitFaultShape] = Field(default_factory=list)
    offers: list[OfferView] = Field(default_factory=list)
    history: list[VisitStepView] = Field(default_factory=list)


class EnvelopeShape(View):
    """A signed document, as cabinets take it (P-12)."""

    key: str
    sig: str
    payload: str


class WorkOrderView(View):
    """Work-order tokens of a visit, by cabinet."""

    visit_id: str
    not_after: datetime
    tokens: dict[str, EnvelopeShape]


class CandidateView(View):
    """A technician who could take a visit, and when they would arrive."""

    technician_id: str
    arrival_at: datetime
    cost_seconds: float


class UnassignedView(View):
    """A visit nobody has taken, and who could."""

    visit: VisitView
    candidates: list[CandidateView]


class RouteView(View):
    """What one technician has to do, in order."""

    technician_id: str
    name: str
    on_duty_until: datetime | None
    visits: list[VisitView]


class PlanView(View):
    """The plan as it stands."""

    at: datetime
    routes: list[RouteView]
    unassigned: list[UnassignedView]


class AssignmentOrder(Order):
    """`POST /visits/{id}/assignment`; `lock` keeps every plan from moving it."""

    technician_id: str = Field(min_length=1, max_length=36)
    lock: bool = False
    reason: str = Field(min_length=1, max_length=150)


class PreviewOrder(Order):
    """`POST /dispatch/preview`: what it would cost."""

    visit_id: str = Field(min_length=1, max_length=36)
    technician_id: str = Field(min_length=1, max_length=36)


class PriceView(View):
    """What giving a visit to somebody costs. Nothing is changed by asking."""

    technician_id: str
    arrival_at: datetime | None
    cost_seconds: float
    newly_late: list[str]
    violations: list[str]


class AssignmentView(View):
    """The visit after it was given to somebody, and what that cost."""

    visit: VisitView
    price: PriceView


class PlanMoveView(View):
    """A visit a plan gave to somebody else."""

    visit_id: str
    giver: str | None
    taker: str | None
    arrival_before: datetime | None
    arrival_after: datetime | None
    reason: str
    numbers: dict[str, Any]
    reason_zh: str
    reason_en: str


class PlanVersionView(View):
    """A plan that replaced another one, and why."""

    id: str
    region: str
    tier: int
    cause: str
    made_at: datetime
    made_by: str
    verdict: str
    saved_seconds: float
    breaches_removed: int
    accepted_moved: int
    took_seconds: float
    moves: list[PlanMoveView] = Field(default_factory=list)
