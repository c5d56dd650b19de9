"""Bodies of the journal's events, by type (protocol v1, Event types; all in past tense).

`BODIES` is the whole list. A type that is not in it is stored raw and handled by nobody; a known
type whose body does not fit goes to the dead letters (P-6). Fields are only ever added.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import msgspec

from protocol.errors import MalformedMessageError
from protocol.faults import Severity
from protocol.journal import Event
from protocol.matching import Match
from protocol.wire import decode_json


class StartReason(StrEnum):
    """Why the agent's life began or ended."""

    POWER = "power"
    RESTART = "restart"
    WATCHDOG = "watchdog"
    UPDATE = "update"


class ClearedBy(StrEnum):
    """Who ended a fault episode."""

    AUTO = "auto"
    ONSITE = "onsite"
    REMOTE = "remote"


class DoorCause(StrEnum):
    """Why a door moved."""

    SALE = "sale"
    SERVICE = "service"
    FORCED = "forced"
    UNKNOWN = "unknown"


class LotConfidence(StrEnum):
    """How surely a sold unit's lot is known."""

    EXACT = "exact"
    SINGLE = "single"
    FIFO = "fifo"
    UNKNOWN = "unknown"


class RefusalReason(StrEnum):
    """Reasons of the gate, in the order it checks them (edge-agent, Selling)."""

    RULES_PENDING = "rules_pending"
    RECALL = "recall"
    STORAGE = "storage"
    TEMPERATURE = "temperature"
    EXPIRY = "expiry"
    CLOCK = "clock"
    LEASE = "lease"
    SERVICE = "service"
    FAULT = "fault"


class AgentStarted(msgspec.Struct, frozen=True, omit_defaults=True):
    """`agent.started`, `agent.stopped`."""

    boot: str
    reason: StartReason
    version: str
    devices: list[str] = []


class FaultRaised(msgspec.Struct, frozen=True, omit_defaults=True):
    """`fault.raised`, `fault.repeated`: a severity that rises is a repeat."""

    fault: str
    code: str
    part: str
    severity: Severity
    since: datetime
    count: int = 1
    reading: float | str | None = None
    limit: float | str | None = None
    latched: bool = False


class FaultCleared(msgspec.Struct, frozen=True, omit_defaults=True):
    """`fault.cleared`."""

    fault: str
    code: str
    part: str
    cleared_by: ClearedBy
    count: int = 1
    by: str = ""


class DoorMoved(msgspec.Struct, frozen=True, omit_defaults=True):
    """`door.opened`, `door.closed`; `open_seconds` stands on the closing."""

    door: str
    cause: DoorCause
    open_seconds: float | None = None


class SaleMode(StrEnum):
    """How the goods were handed out."""

    SLOT = "slot"
    OPEN_DOOR = "open_door"


class Settlement(StrEnum):
    """A provisional sale may still change (weights that do not add up, power cut)."""

    PROVISIONAL = "provisional"
    FINAL = "final"


class SaleLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product of a sale; the price is of one unit, in minor units."""

    line: int
    slot: str
    gtin: str
    lot: str | None
    lot_confidence: LotConfidence
    quantity: int
    price_minor: int
    expiry: date | None = None
    near_expiry_told: bool = False
    not_returnable_told: bool = False


class ShelfEvidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a scale showed of one shelf around a door session, and what the lines make of it.

    None is a weight nobody could read. `unexplained_grams` is what the lines leave over, positive
    when more is gone than they say. `why` is empty where all adds up.
    """

    shelf: str
    before_grams: float | None
    after_grams: float | None
    unexplained_grams: float = 0.0
    why: str = ""


class SaleCompleted(msgspec.Struct, frozen=True, omit_defaults=True):
    """`sale.completed`. The safety contact is sealed to the server's key (P-21).

    `evidence` stands on sales of an open-door session: one entry a shelf.
    """

    sale: str
    mode: SaleMode
    lines: list[SaleLine]
    total_minor: int
    currency: str
    payment_reference: str
    settlement: Settlement = Settlement.FINAL
    buyer_reference: str = ""
    sealed_contact: str = ""
    rules_version: int = 0
    evidence: list[ShelfEvidence] = []


class SaleRefused(msgspec.Struct, frozen=True, omit_defaults=True):
    """`sale.refused`."""

    reason: RefusalReason
    slot: str
    gtin: str = ""
    recall: str = ""


class SaleAdjusted(msgspec.Struct, frozen=True, omit_defaults=True):
    """`sale.adjusted`: what a later look changed; never an edit of the sale itself."""

    sale: str
    change: str
    lines: list[SaleLine] = []
    total_minor: int = 0


class VendFailed(msgspec.Struct, frozen=True, omit_defaults=True):
    """`vend.failed`: nothing was handed out: `outcome` says whether that is sure.

    `not_dispensed`, `unknown` (both paid for), or `nothing_taken`: a door session that took
    nothing and so cost nothing; `slot` is then the door.
    """

    sale: str
    slot: str
    cause: str
    payment_reference: str
    outcome: str = "not_dispensed"
    amount_minor: int = 0
    currency: str = "CNY"


class StockMoved(msgspec.Struct, frozen=True, omit_defaults=True):
    """`stock.loaded`, `stock.removed`: units of one lot, in or out of a slot."""

    slot: str
    gtin: str
    lot: str | None
    quantity: int
    by: str
    expiry: date | None = None
    production: date | None = None
    why: str = ""
    bag: str = ""
    work_order: str = ""


class StockCounted(msgspec.Struct, frozen=True, omit_defaults=True):
    """`stock.counted`: units found of one lot, beside the units the cabinet's book had."""

    slot: str
    gtin: str
    lot: str | None
    counted: int
    booked: int
    by: str
    work_order: str = ""


class BlockedSlot(msgspec.Struct, frozen=True):
    """One slot or door that a rule blocks."""

    slot: str
    recall: str
    match: Match


class RulesApplied(msgspec.Struct, frozen=True):
    """`rules.applied`: the only acknowledgement of a bundle (P-16)."""

    version: int
    digest: str
    blocked: list[BlockedSlot]


OTHER_CONTENT = "other content under the same version"
"""Reason in `rules.rejected` and `desired.rejected`: the held document has this version, too, and
is another one. The server issued it before its database was restored (ADR 0021)."""


class RulesRejected(msgspec.Struct, frozen=True):
    """`rules.rejected`."""

    version: int
    held_version: int
    reason: str


class DesiredApplied(msgspec.Struct, frozen=True):
    """`desired.applied`."""

    version: int


class DesiredRejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """`desired.rejected`: the key that was refused and why."""

    version: int
    key: str
    reason: str


class HoldLatched(msgspec.Struct, frozen=True, omit_defaults=True):
    """`hold.latched`: the food-safety hold, with what broke the limit."""

    code: str
    part: str
    limit: float | str | None = None
    reading: float | str | None = None


class HoldReleased(msgspec.Struct, frozen=True, omit_defaults=True):
    """`hold.released`: by whom, and on which ground (PIN, work order, remote order)."""

    code: str
    part: str
    by: str
    ground: str


class CommandFinished(msgspec.Struct, frozen=True, omit_defaults=True):
    """`command.finished`."""

    command: str
    outcome: str
    detail: str = ""
    result: dict[str, Any] = {}


class AuditRead(msgspec.Struct, frozen=True, omit_defaults=True):
    """`audit.read`: an EVA-DTS report, parsed."""

    part: str
    crc_quality: str
    report: dict[str, Any]


class TelemetryDropped(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """`telemetry.dropped`: a declared gap in the telemetry lane (P-8)."""

    first: int
    last: int
    count: int


class ClockAnchored(msgspec.Struct, frozen=True):
    """`clock.anchored`: lets the server date what was taken unsynced in that boot (P-18)."""

    boot: str
    mono_ms: int
    at: datetime


BODIES: dict[str, type[msgspec.Struct]] = {
    "agent.started": AgentStarted,
    "agent.stopped": AgentStarted,
    "fault.raised": FaultRaised,
    "fault.repeated": FaultRaised,
    "fault.cleared": FaultCleared,
    "door.opened": DoorMoved,
    "door.closed": DoorMoved,
    "sale.completed": SaleCompleted,
    "sale.refused": SaleRefused,
    "sale.adjusted": SaleAdjusted,
    "vend.failed": VendFailed,
    "stock.loaded": StockMoved,
    "stock.counted": StockCounted,
    "stock.removed": StockMoved,
    "rules.applied": RulesApplied,
    "rules.rejected": RulesRejected,
    "desired.applied": DesiredApplied,
    "desired.rejected": DesiredRejected,
    "hold.latched": HoldLatched,
    "hold.released": HoldReleased,
    "command.finished": CommandFinished,
    "audit.read": AuditRead,
    "telemetry.dropped": TelemetryDropped,
    "clock.anchored": ClockAnchored,
}


def read_body(event: Event) -> msgspec.Struct | None:
    """Typed body of an event; None for a type this version does not know.

    Raises MalformedMessageError when a known type carries a body that does not fit.
    """
    kind = BODIES.get(event.type)
    if kind is None:
        return None
    body = decode_json(event.body, kind)
    if isinstance(body, SaleCompleted):
        _check_sale(body)
    return body


def _check_sale(sale: SaleCompleted) -> None:
    if not sale.lines:
        raise MalformedMessageError(f"sale {sale.sale} has no line")
    if any(line.quantity < 1 or line.price_minor < 0 for line in sale.lines):
        raise MalformedMessageError(f"sale {sale.sale}: quantities and prices are not negative")
    if sale.total_minor != sum(line.quantity * line.price_minor for line in sale.lines):
        raise MalformedMessageError(f"sale {sale.sale}: the lines do not add up to the total")
