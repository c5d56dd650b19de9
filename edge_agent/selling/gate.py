"""The gate: may this slot sell now? Pure; asked before every payment and every door release.

Reasons are checked in the order of the design, and the first one counts. What is not known is
never a reason to allow: an unknown lot matches as `possible`, an untrusted clock blocks dated
goods, perishable goods without a date are not sold, nor those behind a door nobody can see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from edge_agent.rules.evaluate import Block
from edge_agent.selling.texts import (
    DATE_UNKNOWN,
    NEAR_EXPIRY,
    NOT_RETURNABLE,
    REFUSALS,
    SLOT_FAULTS,
    SlotFault,
)
from protocol.desired import PlannedSlot
from protocol.events import RefusalReason
from protocol.rules import Notice, OpenDoorAction

NO_DATE = "no_date"
"""Detail of a refusal of perishable goods whose date nobody knows."""


class NoticeKind(StrEnum):
    """What a buyer is told before paying."""

    NEAR_EXPIRY = "near_expiry"
    NOT_RETURNABLE = "not_returnable"
    RECALL_WARNING = "recall_warning"


@dataclass(frozen=True)
class Lot:
    """Units of one load in a slot; `row` is its row in the stock table."""

    row: int
    gtin: str
    lot: str | None
    quantity: int
    expiry: date | None = None
    production: date | None = None


@dataclass(frozen=True)
class SlotFacts:
    """Everything the gate looks at, taken at one moment."""

    rules_held: bool
    rules_pending: bool
    blocks: Sequence[Block]
    storage_ok: bool
    safety_hold: bool
    planned: PlannedSlot | None
    lots: Sequence[Lot]
    today: date
    clock_trusted: bool
    silent_seconds: float | None
    """Since the server was heard; None for never."""
    lease_seconds: float
    service_mode: bool
    fault: SlotFault | None


@dataclass(frozen=True)
class Allowed:
    """Sell the oldest lot; tell these notices first."""

    lot: Lot
    planned: PlannedSlot
    notices: tuple[tuple[NoticeKind, Notice], ...]


@dataclass(frozen=True)
class DoorAllowed:
    """Release the door of an open-door cabinet; tell these notices of these slots first."""

    notices: tuple[tuple[str, NoticeKind, Notice], ...]


@dataclass(frozen=True)
class Refused:
    """Do not sell, for this reason; `detail` is the recall id, the slot's fault, or `NO_DATE`."""

    reason: RefusalReason
    text: Notice
    detail: str = ""


def decide(facts: SlotFacts) -> Allowed | Refused:
    """Allow or refuse one unit of a slot."""
    for check in _ORDER:
        refused = check(facts)
        if refused is not None:
            return refused
    planned = facts.planned
    if planned is None or not facts.lots:
        return _fault(SlotFault.NOT_PLANNED if planned is None else SlotFault.SOLD_OUT)
    return Allowed(facts.lots[0], planned, _notices(facts, planned, facts.lots[:1]))


def decide_door(slots: Sequence[SlotFacts]) -> DoorAllowed | Refused:
    """Allow or refuse to release one door with all these slots behind it.

    One product cannot be kept back behind an open door: a reason on anything inside keeps it shut.
    Only a rule that two persons set to warn lets it open, and is told. Empty slots hide nothing.
    """
    considered = [facts for facts in slots if facts.lots] or slots
    for check in _DOOR_ORDER:
        for facts in considered:
            refused = check(facts)
            if refused is not None:
                return refused
    told = [
        (facts.planned.slot, kind, text)
        for facts in considered
        if facts.planned is not None
        for kind, text in (*_warnings(facts), *_notices(facts, facts.planned, facts.lots))
    ]
    return DoorAllowed(tuple(told)) if told or considered else _fault(SlotFault.NOT_PLANNED)


def unfit(facts: SlotFacts) -> Refused | None:
    """Why nothing may leave this slot, sale or no sale: rules, safety hold, date; None for fit."""
    refusals = (check(facts) for check in (_rules, _recall, _temperature, _expiry))
    return next((refused for refused in refusals if refused is not None), None)


def _rules(facts: SlotFacts) -> Refused | None:
    return (
        _refused(RefusalReason.RULES_PENDING)
        if facts.rules_pending or not facts.rules_held
        else None
    )


def _recall(facts: SlotFacts) -> Refused | None:
    if not facts.blocks:
        return None
    first = facts.blocks[0]
    return Refused(RefusalReason.RECALL, first.notice, first.recall)


def _recall_behind_a_door(facts: SlotFacts) -> Refused | None:
    locking = [block for block in facts.blocks if block.open_door is OpenDoorAction.LOCK]
    return _recall(replace(facts, blocks=locking))


def _storage(facts: SlotFacts) -> Refused | None:
    return None if facts.storage_ok else _refused(RefusalReason.STORAGE)


def _temperature(facts: SlotFacts) -> Refused | None:
    # Goods that nobody planned may be perishable.
    perishable = facts.planned is None or facts.planned.perishable
    return _refused(RefusalReason.TEMPERATURE) if facts.safety_hold and perishable else None


def _expiry(facts: SlotFacts) -> Refused | None:
    dated = [lot.expiry for lot in facts.lots if lot.expiry is not None]
    # The date is good through its day (GS1 General Specifications, AI 17). An untrusted clock
    # never stands before the true date, so what it calls expired is expired.
    if any(expiry < facts.today for expiry in dated):
        return _refused(RefusalReason.EXPIRY)
    # Found by a count, perhaps: food without a date may be past it.
    perishable = facts.planned is not None and facts.planned.perishable
    if perishable and len(dated) < len(facts.lots):
        return Refused(RefusalReason.EXPIRY, DATE_UNKNOWN, NO_DATE)
    if dated and not facts.clock_trusted:
        return _refused(RefusalReason.CLOCK)
    return None


def _lease(facts: SlotFacts) -> Refused | None:
    silent = facts.silent_seconds
    return _refused(RefusalReason.LEASE) if silent is None or silent > facts.lease_seconds else None


def _service(facts: SlotFacts) -> Refused | None:
    return _refused(RefusalReason.SERVICE) if facts.service_mode else None


def _slot(facts: SlotFacts) -> Refused | None:
    planned = facts.planned
    if planned is None:
        return _fault(SlotFault.NOT_PLANNED)
    if not planned.sellable:
        return _fault(SlotFault.NOT_FOR_SALE)
    if not facts.lots:
        return _fault(SlotFault.SOLD_OUT)
    if any(lot.gtin != planned.gtin for lot in facts.lots):
        return _fault(SlotFault.WRONG_GOODS)
    return None if facts.fault is None else _fault(facts.fault)


_ORDER: tuple[Callable[[SlotFacts], Refused | None], ...] = (
    _rules,
    _recall,
    _storage,
    _temperature,
    _expiry,
    _lease,
    _service,
    _slot,
)


_DOOR_ORDER = tuple(_recall_behind_a_door if check is _recall else check for check in _ORDER)


def _refused(reason: RefusalReason) -> Refused:
    return Refused(reason, REFUSALS[reason])


def _fault(fault: SlotFault) -> Refused:
    return Refused(RefusalReason.FAULT, SLOT_FAULTS[fault], fault)


def _warnings(facts: SlotFacts) -> tuple[tuple[NoticeKind, Notice], ...]:
    return tuple((NoticeKind.RECALL_WARNING, block.notice) for block in facts.blocks)


def _notices(
    facts: SlotFacts, planned: PlannedSlot, lots: Sequence[Lot]
) -> tuple[tuple[NoticeKind, Notice], ...]:
    """What is told of the lots a buyer can get: the oldest of a slot, any behind an open door."""
    told = []
    near = timedelta(days=planned.near_expiry_days)
    if any(lot.expiry is not None and lot.expiry - facts.today <= near for lot in lots):
        told.append((NoticeKind.NEAR_EXPIRY, NEAR_EXPIRY))
    if not planned.returnable:
        told.append((NoticeKind.NOT_RETURNABLE, NOT_RETURNABLE))
    return tuple(told)
