"""Web shapes of the registry."""

from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, Field

from fleet_server.web.schemas import Order, View
from protocol.commands import CommandName
from protocol.intervals import Uplink

CabinetKind = Literal["slot", "open_door"]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no time zone of the IANA database")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class SiteOrder(Order):
    """`POST /sites`. Coordinates are WGS-84 degrees."""

    name: str = Field(min_length=1, max_length=120)
    address: str = Field(min_length=1, max_length=300)
    region: str = Field(min_length=1, max_length=40)
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    time_zone: TimeZone = "Asia/Shanghai"
    calendar: str = Field("", pattern=r"^([a-z][a-z0-9-]{0,39})?$")
    """Opening hours, by the name of a calendar; empty: always open."""
    contract: str = Field("", max_length=40)


class SiteView(View):
    """A site."""

    id: str
    name: str
    address: str
    region: str
    latitude: float
    longitude: float
    time_zone: str
    calendar: str
    contract: str


class CabinetOrder(Order):
    """`POST /cabinets`: register a cabinet before it joins."""

    id: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,32}$")
    serial_number: str = Field(min_length=1, max_length=60)
    site_id: str
    kind: CabinetKind = "slot"
    uplink: Uplink = Uplink.WIRED
    perishable: bool = False


class PresenceView(View):
    """Live values; stale while `online` is false (P-10)."""

    online: bool
    last_heard_at: datetime | None
    offline_since: datetime | None
    session: int
    boot: str
    clock: str
    free_storage_bytes: int | None
    rules_version: int
    desired_version: int
    command_counter: int


class CabinetView(View):
    """A cabinet, its place, and what is known of it now."""

    id: str
    serial_number: str
    site: SiteView
    kind: str
    uplink: str
    shard: int
    state: str
    perishable: bool
    muted_until: datetime | None
    live: PresenceView | None
    desired_version: int
    desired_applied_version: int
    actions: list[str]


class CabinetMove(Order):
    """`POST /cabinets/{id}/transitions`."""

    to: str
    reason: str = Field("", max_length=300)


class CabinetChange(Order):
    """`PATCH /cabinets/{id}`: moved, muted, board swapped.

    While a cabinet is muted (`muted_until`, works on it, say) its faults are recorded but open,
    join and escalate no ticket, and so send no notices; those of severity C and recalls always
    do. What still stands when the muting ends opens its ticket then. An instant that has passed
    ends the muting now.
    """

    site_id: str | None = None
    muted_until: AwareDatetime | None = None
    approve_reenrolment: bool | None = None
    reason: str = Field(min_length=1, max_length=300)


class ClaimOrder(Order):
    """`POST /cabinets/{id}/claims`."""

    lifetime_hours: int = Field(72, ge=1, le=24 * 30)


class ClaimView(View):
    """A claim code; shown this once."""

    cabinet_id: str
    claim_code: str
    expires_at: datetime


class EnrolmentOrder(Order):
    """`POST /enrolments` (P-19)."""

    claim_code: str = Field(min_length=1, max_length=100)
    serial_number: str = Field(min_length=1, max_length=60)
    agent_version: str = Field("", max_length=60)


class EnrolmentView(View):
    """Shape of `protocol.enrolment.EnrolmentAnswer`."""

    cabinet: str
    fleet: str
    shard: int
    brokers: list[str]
    credential: str
    signing_keys: list[str]
    sealing_key: str
    uplink: Uplink
    ca: str = ""
    downlink_qos: int


class PlannedSlotShape(Order):
    """One slot of the planogram (`protocol.desired.PlannedSlot`)."""

    slot: str = Field(min_length=1, max_length=20)
    gtin: str
    price_minor: int = Field(ge=0, le=10_000_000)
    name_zh: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    capacity: int = Field(1, ge=0, le=1000)
    par: int = Field(0, ge=0, le=1000)
    perishable: bool = False
    chilled: bool = False
    returnable: bool = True
    near_expiry_days: int = Field(2, ge=0, le=365)
    sellable: bool = True
    unit_grams: float = Field(0, ge=0, le=100_000)
    tolerance_grams: float = Field(0, ge=0, le=10_000)


class DesiredOrder(Order):
    """`PUT /cabinets/{id}/desired`: all of it; site and region follow by themselves."""

    planogram: list[PlannedSlotShape] = Field(default_factory=list, max_length=1000)
    threshold_profile: str = "cn"
    thresholds: dict[str, float] = Field(default_factory=dict)
    currency: str = Field("CNY", pattern=r"^[A-Z]{3}$")
    lease_chilled_seconds: float = Field(86_400, gt=0)
    lease_other_seconds: float = Field(7 * 86_400, gt=0)
    service_pin_hash: str | None = Field(None, max_length=300)
    """`protocol.service_pin.hash_pin`; left out it stays as it is, empty it is taken away."""
    remote_release_allowed: bool = False
    telemetry_period_seconds: float = Field(300, gt=0)


class DesiredView(View):
    """Desired beside applied, and the reason where the cabinet refused.

    `state` is without the PIN's hash: a PIN of some digits is found from it in minutes.
    """

    cabinet_id: str
    version: int
    applied_version: int
    state: dict[str, Any]
    service_pin_set: bool
    changed_at: datetime
    refused_key: str
    refused_reason: str
    drifting: bool


class CommandOrder(Order):
    """`POST /cabinets/{id}/commands`.

    `args` of `release_hold` are `code` and `part`: who inspected (`by`) is the caller, as the
    server knows it, and is refused in a request.
    """

    name: CommandName
    args: dict[str, Any] = Field(default_factory=dict)
    ttl_seconds: int = Field(60, ge=1, le=7 * 86_400)


class CommandView(View):
    """An order and what became of it."""

    id: str
    cabinet_id: str
    name: str
    args: dict[str, Any]
    counter: int
    state: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    detail: str
