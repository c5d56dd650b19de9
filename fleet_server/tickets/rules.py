"""Pure: what a fault means for tickets, and what a service record must hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fleet_server.faults.rules import FaultSource
from fleet_server.service_levels.rules import Priority
from protocol.faults import FaultKind, Severity, TicketPolicy

DESK_SKILL = "operations"
"""Skill of the catalogue for what is mended from a desk; no technician is sent."""
SITE_ORIGIN = "site"
"""What asked for a ticket of a silent site: its `origin_kind`."""
PERSON_ORIGIN = "person"
TECHNICIAN_ORIGIN = "technician"
CONSUMER_ORIGIN = "consumer"
TICKET_ORIGIN = "ticket"
"""Split off another one."""
STOCK_COMPONENT = "stock"
STOCK_SKILL = "restock"


class TicketKind(StrEnum):
    """Kinds of the design."""

    FAULT = "fault"
    INSPECTION = "inspection"
    RECALL_REMOVAL = "recall_removal"
    PREVENTIVE = "preventive"
    REFILL_CHECK = "refill_check"
    CONSUMER_REPORT = "consumer_report"


STOCK_KINDS = frozenset({TicketKind.REFILL_CHECK, TicketKind.RECALL_REMOVAL})
"""Kinds whose urgency does not follow the severity of a slot's fault."""


REPEATING = frozenset({TicketKind.FAULT, TicketKind.INSPECTION, TicketKind.CONSUMER_REPORT})
"""Kinds that are about the same trouble when cabinet and component are the same."""


class CauseCode(StrEnum):
    """Why it happened, on the service record."""

    WEAR = "wear"
    COMPONENT_FAILURE = "component_failure"
    BLOCKED = "blocked"
    LEFT_OPEN = "left_open"
    MISUSE = "misuse"
    VANDALISM = "vandalism"
    POWER = "power"
    NETWORK = "network"
    SOFTWARE = "software"
    STOCK = "stock"
    RECALL = "recall"
    NONE_FOUND = "none_found"
    OTHER = "other"


class ConfirmationWay(StrEnum):
    """How the site confirmed the work (S3-8.4)."""

    SIGNATURE = "signature"
    CODE = "code"


WAIT_LOOK = timedelta(days=7)
"""A wait without a date is brought up after it, and again: nothing waits unseen."""
WAIT_REMIND = timedelta(days=1)
"""Parts that did not come on their day are brought up daily."""
WAIT_MAX = timedelta(days=180)
"""The latest day parts or a site can be expected."""
APPOINTMENT_AHEAD_MAX = timedelta(days=90)
APPOINTMENT_SPAN_MAX = timedelta(hours=24)
"""Nobody waits longer than a day for somebody to come."""


@dataclass(frozen=True)
class Plan:
    """What ticket a fault asks for."""

    kind: TicketKind
    component: str
    skill: str
    severity: Severity
    needs_visit: bool
    waits: bool
    """Whether the fault is given time to clear by itself before a technician is asked."""


_PRIORITIES: Mapping[Severity, Priority] = {
    Severity.C: Priority.P1,
    Severity.M: Priority.P2,
    Severity.N: Priority.P3,
    Severity.I: Priority.P3,
}


def priority_of(severity: Severity) -> Priority:
    """C is P1, M is P2, N is P3."""
    return _PRIORITIES[severity]


def appointment_flaw(start: datetime, end: datetime, now: datetime) -> tuple[str, str] | None:
    """Field and reason why nobody can keep this appointment; None when somebody can."""
    if end <= start:
        return "to", "it ends after it begins"
    if end <= now:
        return "to", "the time is over"
    if end - start > APPOINTMENT_SPAN_MAX:
        return "to", f"at most {APPOINTMENT_SPAN_MAX // timedelta(hours=1)} h after the beginning"
    if end > now + APPOINTMENT_AHEAD_MAX:
        return "to", f"at most {APPOINTMENT_AHEAD_MAX.days} days ahead"
    return None


def expectation_flaw(expected_at: datetime, now: datetime) -> str | None:
    """Reason why nothing can be expected then; None when it can."""
    if expected_at <= now:
        return "the time is over"
    return f"at most {WAIT_MAX.days} days ahead" if expected_at > now + WAIT_MAX else None


def more_urgent(one: Priority, other: Priority) -> Priority:
    """Return the more urgent of the two."""
    return min(one, other, key=lambda priority: priority.rank)


def is_muted(muted_until: datetime | None, now: datetime, severity: Severity) -> bool:
    """Whether a fault of a cabinet opens no ticket for now; C always does."""
    return muted_until is not None and now < muted_until and severity is not Severity.C


def plan_for(kind: FaultKind, severity: Severity, source: FaultSource) -> Plan | None:
    """Return the ticket an episode opens or joins; None when it opens none.

    Locks for recall belong to the removal ticket of the recall, silence to one ticket a site
    (a sweep opens it), N to the next visit, I to the record alone. What the server found out
    about a cabinet is looked at from a desk, N too: no visit would find it.
    """
    if kind.ticket is TicketPolicy.REFILL_CHECK:
        return _refill() if severity in {Severity.C, Severity.M} else None
    if kind.ticket is not TicketPolicy.BY_SEVERITY or severity is Severity.I:
        return None
    if source is FaultSource.SERVER or kind.skill == DESK_SKILL:
        return Plan(
            TicketKind.INSPECTION,
            kind.component,
            DESK_SKILL,
            severity,
            needs_visit=False,
            waits=False,
        )
    if severity is Severity.N:
        return None
    return Plan(
        TicketKind.FAULT,
        kind.component,
        kind.skill,
        severity,
        needs_visit=True,
        waits=severity is Severity.M,
    )


def _refill() -> Plan:
    # The gate blocks expired goods already, so nobody is paged: it counts as M, one a cabinet.
    return Plan(
        TicketKind.REFILL_CHECK,
        STOCK_COMPONENT,
        STOCK_SKILL,
        Severity.M,
        needs_visit=True,
        waits=False,
    )


@dataclass(frozen=True)
class RecordFields:
    """A service record as far as it is filled in; None means not stated (S3 section 8, A.1)."""

    customer: str | None
    product: str | None
    problem: str | None
    cause_code: str | None
    measures: str | None
    parts: list[object] | None
    person: str | None
    unit: str | None
    began_at: datetime | None
    finished_at: datetime | None
    confirmation_way: str | None
    confirmed_by: str | None
    confirmation_reference: str | None


def missing_fields(record: RecordFields | None) -> list[str]:
    """Names of what a record still lacks; parts may be an empty list, but must be stated."""
    if record is None:
        return sorted(RecordFields.__dataclass_fields__)
    return sorted(
        name
        for name in RecordFields.__dataclass_fields__
        if getattr(record, name) is None or getattr(record, name) == ""
    )
