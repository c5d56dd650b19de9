"""Open, repeat and end fault episodes.

Audit log: none. What a cabinet reports is in its journal, and what the server finds out is in
`fault_history`; neither is a change by a person (the one chain would also slow ingest down).
"""

from datetime import datetime
from typing import Any

from fleet_server.faults.events import FaultEnded, FaultOpened, FaultRepeated
from fleet_server.faults.models import Fault, FaultHistory
from fleet_server.faults.queries import active_fault
from fleet_server.faults.rules import FaultSource, counted_severity, kind_of
from fleet_server.faults.states import FAULT_LIFE, FaultState
from fleet_server.live.service import FLEET, changed
from fleet_server.transactions import Transaction
from protocol.events import ClearedBy, FaultCleared, FaultRaised
from protocol.faults import CATALOGUE, Severity


def open_fault(
    tx: Transaction, cabinet_id: str, site_id: str, body: FaultRaised, source: FaultSource
) -> Fault:
    """Begin an episode."""
    fault = _added(tx, cabinet_id, site_id, body, source)
    _note(tx, fault, "raised", body.since, {"reading": body.reading, "limit": body.limit})
    tx.announce(FaultOpened(fault.id, cabinet_id, site_id))
    return fault


def note_ended(
    tx: Transaction, cabinet_id: str, site_id: str, body: FaultCleared, at: datetime
) -> Fault:
    """Note an episode of which only the end is known; nobody has anything to do about it."""
    stub = FaultRaised(
        fault=body.fault,
        code=body.code,
        part=body.part,
        severity=kind_of(body.code, body.part).severity,
        since=at,
        count=body.count,
    )
    fault = _added(tx, cabinet_id, site_id, stub, FaultSource.CABINET)
    _clear(tx, fault, body, at)
    return fault


def complete_fault(tx: Transaction, fault: Fault, body: FaultRaised) -> None:
    """Add the beginning to an episode of which only the end was known so far."""
    fault.since, fault.latched = body.since, body.latched
    fault.severity = counted_severity(body.code, body.severity)
    fault.severity_reported = body.severity
    fault.reading, fault.limit = body.reading, body.limit
    _note(tx, fault, "raised", body.since, {"reading": body.reading, "limit": body.limit})
    tx.announce(FaultOpened(fault.id, fault.cabinet_id, fault.site_id))
    tx.announce(FaultEnded(fault.id, ClearedBy(fault.cleared_by)))


def repeat_fault(tx: Transaction, fault: Fault, body: FaultRaised, at: datetime) -> None:
    """Note that an episode goes on, perhaps more severely; a severity never falls in it."""
    fault.count = max(fault.count, body.count)
    fault.reading, fault.limit = body.reading, body.limit
    before = Severity(fault.severity)
    severity = counted_severity(body.code, body.severity)
    risen = severity.rank < before.rank
    if risen:
        fault.severity, fault.severity_reported = severity, body.severity
    _note(tx, fault, "repeated", at, {"reading": body.reading, "limit": body.limit})
    if risen and fault.state == FaultState.ACTIVE:
        tx.announce(FaultRepeated(fault.id, before, severity))


def end_fault(tx: Transaction, fault: Fault, body: FaultCleared, at: datetime) -> None:
    """End an episode; a second end changes nothing."""
    if fault.state == FaultState.CLEARED:
        return
    _clear(tx, fault, body, at)
    tx.announce(FaultEnded(fault.id, body.cleared_by))


def raise_server_fault(
    tx: Transaction, cabinet_id: str, site_id: str, code: str, evidence: str
) -> Fault:
    """Begin an episode the server detected, or count it once more while it is active."""
    fault = active_fault(tx.session, cabinet_id, code)
    if fault is None:
        return open_server_fault(tx, cabinet_id, site_id, code, evidence, tx.now)
    count_once_more(tx, fault, evidence)
    return fault


def open_server_fault(  # an episode has these parts
    tx: Transaction,
    cabinet_id: str,
    site_id: str,
    code: str,
    evidence: str,
    since: datetime,
    count: int = 1,
) -> Fault:
    """Begin an episode the server detected; the caller knows that none is active."""
    kind = CATALOGUE[code]
    body = FaultRaised(
        fault=tx.new_id(),
        code=code,
        part=kind.component,
        severity=kind.severity,
        since=since,
        count=count,
        reading=evidence,
        latched=kind.latched,
    )
    return open_fault(tx, cabinet_id, site_id, body, FaultSource.SERVER)


def count_once_more(tx: Transaction, fault: Fault, evidence: str) -> None:
    """Note that the server found an active episode again."""
    fault.count += 1
    fault.reading = evidence
    _note(tx, fault, "repeated", tx.now, {"reading": evidence})


def end_for(tx: Transaction, fault: Fault, cleared_by: ClearedBy, by: str = "") -> None:
    """End an episode of which the cabinet will not tell: ours, or of a cabinet that is gone."""
    body = FaultCleared(
        fault=fault.id, code=fault.code, part=fault.part, cleared_by=cleared_by, by=by
    )
    end_fault(tx, fault, body, tx.now)


def _added(
    tx: Transaction, cabinet_id: str, site_id: str, body: FaultRaised, source: FaultSource
) -> Fault:
    fault = Fault(
        id=body.fault,
        cabinet_id=cabinet_id,
        site_id=site_id,
        code=body.code,
        component=kind_of(body.code, body.part).component,
        part=body.part,
        severity=counted_severity(body.code, body.severity),
        severity_reported=body.severity,
        source=source,
        state=FaultState.ACTIVE,
        latched=body.latched,
        since=body.since,
        count=body.count,
        reading=body.reading,
        limit=body.limit,
        cleared_by="",
        cleared_by_whom="",
    )
    tx.session.add(fault)
    return fault


def _clear(tx: Transaction, fault: Fault, body: FaultCleared, at: datetime) -> None:
    fault.state = FAULT_LIFE.step(FaultState(fault.state), FaultState.CLEARED)
    fault.cleared_at, fault.cleared_by = at, body.cleared_by
    fault.cleared_by_whom = body.by[:80]
    fault.count = max(fault.count, body.count)
    _note(tx, fault, "cleared", at, {"cleared_by": body.cleared_by, "by": body.by})


def _note(tx: Transaction, fault: Fault, what: str, at: datetime, details: dict[str, Any]) -> None:
    tx.session.add(
        FaultHistory(
            fault_id=fault.id,
            at=at,
            noted_at=tx.now,
            what=what,
            severity=fault.severity,
            count=fault.count,
            details=details,
        )
    )
    changed(tx, [FLEET, f"cabinet/{fault.cabinet_id}"], "fault", fault.id, fault.site_id)
