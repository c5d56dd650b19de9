"""Web shapes of holds and recalls. `RecallContent` is also what is stored, hashed and approved."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, model_validator

from fleet_server.recalls.states import Answer
from fleet_server.stock.schemas import UnitsView
from fleet_server.web.schemas import Order, View
from protocol.errors import ProtocolError
from protocol.gtin import checked_gtin
from protocol.rules import RecallClass

LIST_MAX = 500
"""Entries of one list of a scope: a bundle has to fit into 512 KiB."""


def _gtin(text: str) -> str:
    try:
        return checked_gtin(text)
    except ProtocolError as error:
        raise ValueError(str(error)) from error


Gtin = Annotated[str, AfterValidator(_gtin)]
"""Any spelling of a GTIN in; 14 digits out."""
LotText = Annotated[str, Field(min_length=1, max_length=60)]


class LotSpan(Order):
    """Lots of one length, in text order, both ends included."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    low: LotText = Field(alias="from")
    high: LotText = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if len(self.low) != len(self.high) or self.low > self.high:
            raise ValueError("both ends have the same length, the lower one first")
        return self


class LotTerms(Order):
    """Any of these."""

    exact: list[LotText] = Field(default_factory=list, max_length=LIST_MAX)
    prefix: list[LotText] = Field(default_factory=list, max_length=LIST_MAX)
    ranges: list[LotSpan] = Field(default_factory=list, max_length=LIST_MAX)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.exact or self.prefix or self.ranges):
            raise ValueError("lots without any lot would match nothing known; leave them out")
        return self


class Days(Order):
    """Days, both ends included; an open end is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    low: date | None = Field(None, alias="from")
    high: date | None = Field(None, alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("name at least one end")
        if self.low and self.high and self.low > self.high:
            raise ValueError("the range ends before it begins")
        return self


class Scope(Order):
    """What is meant: all given terms must match, entries of a list are alternatives.

    `sold_from` and `sold_to` (both included) concern buyers only, never the block.
    """

    gtins: list[Gtin] = Field(default_factory=list, max_length=LIST_MAX)
    lots: LotTerms | None = None
    serials: list[LotText] = Field(default_factory=list, max_length=LIST_MAX)
    expiry: Days | None = None
    production: Days | None = None
    cabinets: list[str] = Field(default_factory=list, max_length=LIST_MAX)
    slots: list[str] = Field(default_factory=list, max_length=LIST_MAX)
    sites: list[str] = Field(default_factory=list, max_length=LIST_MAX)
    regions: list[str] = Field(default_factory=list, max_length=LIST_MAX)
    sold_from: AwareDatetime | None = None
    sold_to: AwareDatetime | None = None

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        goods = (self.gtins, self.lots, self.serials, self.expiry, self.production)
        places = (self.cabinets, self.slots, self.sites, self.regions)
        if not any(goods) and not any(places):
            raise ValueError("a scope without any term would stop every sale")
        if self.sold_from and self.sold_to and self.sold_from > self.sold_to:
            raise ValueError("sold_from is after sold_to")
        return self


class Texts(Order):
    """One text in both languages."""

    zh: str = Field("", max_length=2000)
    en: str = Field("", max_length=2000)


class ShortTexts(Order):
    """A short text in both languages, for titles and screens."""

    zh: str = Field("", max_length=200)
    en: str = Field("", max_length=200)


class InitiatorType(StrEnum):
    """Who started it (S3-7.6.2)."""

    PRODUCER = "producer"
    COMPANY = "company"
    AUTHORITY = "authority"


class Initiator(Order):
    """Who started the recall."""

    type: InitiatorType
    name: str = Field(min_length=1, max_length=200)


class Remedy(StrEnum):
    """What a buyer gets."""

    REFUND = "refund"
    VOUCHER = "voucher"
    COMPENSATION = "compensation"


class RecallContent(Order):
    """What is written, checked and approved. Gaps are named when it is submitted."""

    title: ShortTexts
    recall_class: RecallClass
    initiator: Initiator
    source_document: str = Field("", max_length=300)
    scope: Scope
    reason: Texts = Texts()
    hazard: Texts = Texts()
    action: Texts = Texts()
    remedy: Remedy | None = None
    contact: str = Field("", max_length=200)
    """Where buyers may ask: phone, address or page."""
    notice: ShortTexts = ShortTexts()
    """What the cabinet's screen says; the title where it is empty."""
    mock: bool = False


class RecallOrder(RecallContent):
    """`POST /recalls`, `PUT /recalls/{id}`. From a hold, the scope may be left out."""

    scope: Scope | None = None  # type: ignore[assignment]  # filled from the hold
    from_hold: str | None = Field(None, max_length=36)

    @model_validator(mode="after")
    def _has_a_scope(self) -> Self:
        if self.scope is None and self.from_hold is None:
            raise ValueError("name a scope or a hold")
        return self


class PreviewOrder(Order):
    """`POST /recalls/preview`."""

    scope: Scope


class TransitionOrder(Order):
    """`POST /recalls/{id}/transitions`. `content_hash`: the version the approver has read."""

    to: str = Field(min_length=1, max_length=20)
    reason: str = Field("", max_length=500)
    content_hash: str | None = Field(None, max_length=64)


class CabinetTransition(Order):
    """`POST /recalls/{id}/cabinets/{cabinet}/transitions`."""

    to: str = Field(min_length=1, max_length=20)
    reason: str = Field("", max_length=300)


class BuyerTransition(Order):
    """`POST /recalls/{id}/buyers/{buyer}/transitions`.

    `answer` goes with `answered`; `statement` is the buyer's word where the match is possible.
    """

    to: str = Field(min_length=1, max_length=20)
    reason: str = Field("", max_length=300)
    answer: Answer | None = None
    statement: str = Field("", max_length=300)


class HoldOrder(Order):
    """`POST /holds`."""

    scope: Scope
    reason: str = Field(min_length=1, max_length=500)
    notice: ShortTexts = ShortTexts()


class ReasonOrder(Order):
    """Why: `POST /holds/{id}/renew`, `POST /holds/{id}/lift`."""

    reason: str = Field("", max_length=500)


class HistoryView(View):
    """One step."""

    at: datetime
    what: str
    actor: str
    reason: str


class HoldView(View):
    """A hold."""

    id: str
    state: str
    scope: dict[str, Any]
    reason: str
    notice: ShortTexts
    set_by: str
    since: datetime
    until: datetime
    renewed_at: datetime | None
    ended_at: datetime | None
    recall_id: str | None
    rules_version: int
    history: list[HistoryView] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class MatchCounts(View):
    """Figures of one match (`yes` or `possible`)."""

    cabinets: int = 0
    slots: int = 0
    units_inside: int = 0
    units_sold: int = 0
    sales: int = 0
    buyers_reachable: int = 0


class PreviewView(View):
    """What a scope would touch. `visits`: cabinets with units inside."""

    yes: MatchCounts
    possible: MatchCounts
    cabinets: list[str]
    visits: int
    units: UnitsView


class RecallHistoryView(HistoryView):
    """One step of a recall."""

    before: str
    after: str
    person: str
    content_hash: str


class RecallView(View):
    """A recall with what may be done now."""

    id: str
    state: str
    revision: int
    recall_class: RecallClass
    mock: bool
    title: ShortTexts
    initiator: Initiator
    source_document: str
    scope: dict[str, Any]
    reason: Texts
    hazard: Texts
    action: Texts
    remedy: Remedy | None
    contact: str
    notice: ShortTexts
    content_hash: str
    hold_id: str | None
    created_by: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    approved_hash: str | None
    activated_at: datetime | None
    rules_version: int | None
    withdrawal_asked_by: str | None
    ended_at: datetime | None
    cabinets: dict[str, int]
    buyers: dict[str, int]
    history: list[RecallHistoryView] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class RecallCabinetView(View):
    """A cabinet in a recall: state, proof, who is on it and until when."""

    cabinet_id: str
    site_id: str
    state: str
    match: str
    protected: bool
    acked_version: int | None
    acked_at: datetime | None
    expected_units: int
    units: UnitsView
    ticket_id: str | None
    accountable: str | None
    due_at: datetime | None
    late: bool
    reason: str
    actions: list[str] = Field(default_factory=list)


class RecallBuyerView(View):
    """A buyer in a recall; the contact is never shown."""

    id: str
    sale_id: str
    cabinet_id: str
    site_id: str
    state: str
    match: str
    lines: list[dict[str, Any]]
    sold_at: datetime
    gap_seconds: int
    under_block: bool
    answer: str | None
    told_at: datetime | None
    refunding: bool
    actions: list[str] = Field(default_factory=list)


class PublicNoticeView(View):
    """What everybody may read."""

    recall_id: str
    kind: str
    recall_class: str
    title_zh: str
    title_en: str
    body_zh: str
    body_en: str
    since: datetime
