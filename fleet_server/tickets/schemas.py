"""Web shapes of tickets."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from fleet_server.attachments.schemas import AttachmentView
from fleet_server.faults.states import FaultState
from fleet_server.service_levels.rules import Priority
from fleet_server.service_levels.schemas import ClockView
from fleet_server.technicians.parts_schemas import PartCode
from fleet_server.technicians.rules import LEVEL_MAX, LEVEL_MIN
from fleet_server.technicians.schemas import Skill
from fleet_server.tickets.rules import CauseCode, ConfirmationWay, TicketKind
from fleet_server.tickets.states import WAITING, TicketState
from fleet_server.web.schemas import Order, View
from protocol.faults import Severity


class TicketOrder(Order):
    """`POST /tickets`: at a cabinet, or for a whole site."""

    kind: TicketKind
    title_zh: str = Field(min_length=1, max_length=200)
    title_en: str = Field(min_length=1, max_length=200)
    description: str = Field("", max_length=4000)
    priority: Priority = Priority.P2
    site_id: str | None = Field(None, max_length=36)
    cabinet_id: str | None = Field(None, max_length=32)
    component: str = Field("", max_length=40)
    skill: Skill | Literal[""] = ""
    level: int = Field(LEVEL_MIN, ge=LEVEL_MIN, le=LEVEL_MAX)
    needs_visit: bool = True

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.site_id is None and self.cabinet_id is None:
            raise ValueError("name a cabinet or a site")
        if self.kind is TicketKind.RECALL_REMOVAL:
            raise ValueError("removal tickets are opened by their recall")
        return self


class TicketTransition(Order):
    """`POST /tickets/{id}/transitions`.

    `confirmed_by` says who of the site confirmed (to verified), `follow_up` what the follow-up
    found (to closed), `expected_at` until when it waits (to a waiting state).
    """

    to: str = Field(min_length=1, max_length=20)
    reason: str = Field("", max_length=200)
    confirmed_by: str = Field("", max_length=120)
    follow_up: str = Field("", max_length=2000)
    expected_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _expects_only_waiting(self) -> Self:
        if self.expected_at is not None and self.to not in WAITING:
            raise ValueError("expected_at goes with a waiting state")
        return self


class PartUsed(Order):
    """One part that was put in; with its code it is taken from the van's stock."""

    name: str = Field("", max_length=120)
    code: PartCode | None = None
    quantity: int = Field(1, ge=1, le=1000)
    serial: str = Field("", max_length=60)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.name and self.code is None:
            raise ValueError("a part has a name or a code")
        return self


class RecordOrder(Order):
    """`PUT /tickets/{id}/record`: the whole record; what is left out is not stated.

    Customer, product, problem and person are filled in from the ticket and the caller.
    `confirmation_reference` is the code given, or the id of the signature.
    """

    customer: str | None = Field(None, max_length=200)
    product: str | None = Field(None, max_length=200)
    problem: str | None = Field(None, max_length=4000)
    cause_code: CauseCode | None = None
    measures: str | None = Field(None, max_length=4000)
    parts: list[PartUsed] | None = Field(None, max_length=100)
    person: str | None = Field(None, max_length=120)
    unit: str | None = Field(None, max_length=120)
    began_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    confirmation_way: ConfirmationWay | None = None
    confirmed_by: str | None = Field(None, max_length=120)
    confirmation_reference: str | None = Field(None, max_length=200)


class RecordView(View):
    """The service record, and what it still lacks."""

    ticket_id: str
    customer: str | None
    product: str | None
    problem: str | None
    cause_code: str | None
    measures: str | None
    parts: list[dict[str, Any]] | None
    person: str | None
    unit: str | None
    began_at: datetime | None
    finished_at: datetime | None
    confirmation_way: str | None
    confirmed_by: str | None
    confirmation_reference: str | None
    saved_at: datetime
    saved_by: str
    missing: list[str] = Field(default_factory=list)


class TicketView(View):
    """A ticket in a list."""

    id: str
    kind: TicketKind
    state: TicketState
    priority: Priority
    severity: Severity | None
    title_zh: str
    title_en: str
    description: str
    site_id: str
    cabinet_id: str | None
    further_cabinets: list[str]
    component: str
    skill: str
    further_skills: list[str]
    needs_visit: bool
    origin_kind: str
    origin_id: str
    owner: str
    policy: str
    repeat_of: str | None
    repeats: int
    merged_into: str | None
    split_from: str | None
    level: int
    reason: str
    opened_at: datetime
    closed_at: datetime | None
    expected_at: datetime | None
    appointment_from: datetime | None
    appointment_to: datetime | None
    appointment_replaced: datetime | None
    clocks: list[ClockView] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class TicketHistoryView(View):
    """One thing that happened to a ticket."""

    at: datetime
    what: str
    before: TicketState
    after: TicketState
    actor: str
    reason: str
    details: dict[str, Any]


class HandOverView(View):
    """One hand-over."""

    at: datetime
    giver: str | None
    taker: str
    actor: str
    reason: str
    actions: list[str] = Field(default_factory=list)


class NoteView(View):
    """What somebody wrote; `written_on` is another ticket after a merge."""

    id: str
    ticket_id: str
    written_on: str
    at: datetime
    author: str
    text: str
    actions: list[str] = Field(default_factory=list)


class LinkedTicketView(View):
    """A ticket that ended as a part of this one, or was split off; with the limits it broke."""

    id: str
    state: TicketState
    title_zh: str
    title_en: str
    breached: list[str] = Field(default_factory=list)


class TicketFaultView(View):
    """A fault the ticket is to end."""

    id: str
    cabinet_id: str
    code: str
    part: str
    severity: Severity
    state: FaultState
    since: datetime
    cleared_at: datetime | None


class TicketDetailView(TicketView):
    """A ticket with all that belongs to it."""

    history: list[TicketHistoryView] = Field(default_factory=list)
    hand_overs: list[HandOverView] = Field(default_factory=list)
    faults: list[TicketFaultView] = Field(default_factory=list)
    notes: list[NoteView] = Field(default_factory=list)
    attachments: list[AttachmentView] = Field(default_factory=list)
    merged: list[LinkedTicketView] = Field(default_factory=list)
    split: list[LinkedTicketView] = Field(default_factory=list)
    record: RecordView | None = None
