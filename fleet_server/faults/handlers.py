"""Reactions: to fault events of cabinets, and to what ingest and the registry find out."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from fleet_server.cabinets.events import CabinetRetired, DesiredCaughtUp, DesiredDrifted
from fleet_server.cabinets.queries import site_of
from fleet_server.errors import InvariantError
from fleet_server.faults.errors import FaultRefusedError
from fleet_server.faults.models import FAULT_ID_LENGTH_MAX, Fault
from fleet_server.faults.queries import (
    active_fault,
    active_faults_of,
    active_of_many,
    faults_by_id,
)
from fleet_server.faults.rules import OFFLINE, FaultSource
from fleet_server.faults.service import (
    complete_fault,
    end_fault,
    end_for,
    note_ended,
    open_fault,
    raise_server_fault,
    repeat_fault,
)
from fleet_server.faults.silences import begin_silences
from fleet_server.faults.states import FaultState
from fleet_server.ingest.events import (
    CabinetFellSilent,
    CabinetHeardAgain,
    CabinetLooksCloned,
    JournalGapFound,
    OutboxWasReset,
    Received,
)
from fleet_server.rules.events import VersionNotBelieved
from fleet_server.transactions import Transaction
from protocol.events import ClearedBy, FaultCleared, FaultRaised

RAISED = "fault.raised"

B = TypeVar("B", bound=msgspec.Struct)


def on_fault_raised(tx: Transaction, events: Sequence[Received]) -> None:
    """`fault.raised` and `fault.repeated`: what is not known yet begins, the rest goes on."""
    known = _known(tx, events, FaultRaised)
    for event in events:
        body = _body(event, FaultRaised)
        fault = known.get(body.fault)
        if fault is None:
            known[body.fault] = open_fault(
                tx, event.cabinet_id, event.site_id, body, FaultSource.CABINET
            )
            continue
        _owned(fault, event)
        if event.type == RAISED and fault.state == FaultState.CLEARED:
            complete_fault(tx, fault, body)
        else:
            repeat_fault(tx, fault, body, event.at)


def on_fault_cleared(tx: Transaction, events: Sequence[Received]) -> None:
    """`fault.cleared`; an episode that is not known yet is noted as ended.

    Its beginning was lost in a journal gap, or comes later in this very batch: events are handed
    over by type, and nothing here depends on which type comes first.
    """
    known = _known(tx, events, FaultCleared)
    for event in events:
        body = _body(event, FaultCleared)
        fault = known.get(body.fault)
        if fault is None:
            known[body.fault] = note_ended(tx, event.cabinet_id, event.site_id, body, event.at)
            continue
        _owned(fault, event)
        end_fault(tx, fault, body, event.at)


def on_cabinets_fell_silent(tx: Transaction, facts: Sequence[CabinetFellSilent]) -> None:
    """Silence is a state (P-10): the episodes begin now, a ticket follows after a delay."""
    begin_silences(tx, {fact.cabinet_id: fact for fact in facts})


def on_cabinets_heard_again(tx: Transaction, facts: Sequence[CabinetHeardAgain]) -> None:
    """The silence ended by itself."""
    heard = [fact.cabinet_id for fact in facts]
    for fault in active_of_many(tx.session, heard, OFFLINE).values():
        end_for(tx, fault, ClearedBy.AUTO)


def on_journal_gap_found(tx: Transaction, fact: JournalGapFound) -> None:
    """Events are lost (P-3)."""
    evidence = f"epoch {fact.epoch}: {fact.first_missing} to {fact.last_missing} are missing"
    raise_server_fault(tx, fact.cabinet_id, fact.site_id, "JOURNAL_GAP", evidence)


def on_outbox_was_reset(tx: Transaction, fact: OutboxWasReset) -> None:
    """The cabinet lost its store (P-5)."""
    evidence = f"epoch {fact.old_epoch} became {fact.new_epoch}"
    raise_server_fault(tx, fact.cabinet_id, fact.site_id, "OUTBOX_RESET", evidence)


def on_cabinet_looks_cloned(tx: Transaction, fact: CabinetLooksCloned) -> None:
    """Two boards speak as one cabinet (P-5)."""
    raise_server_fault(tx, fact.cabinet_id, fact.site_id, "CABINET_CLONED", fact.evidence)


def on_version_not_believed(tx: Transaction, fact: VersionNotBelieved) -> None:
    """A cabinet names a version nobody issued (ADR 0021)."""
    site = site_of(tx.session, fact.cabinet_id)
    raise_server_fault(tx, fact.cabinet_id, site.id, "VERSION_UNKNOWN", fact.reason)


def on_desired_drifted(tx: Transaction, fact: DesiredDrifted) -> None:
    """Desired state was not applied, or was refused (P-15)."""
    site = site_of(tx.session, fact.cabinet_id)
    evidence = f"version {fact.version}: {fact.reason}"
    raise_server_fault(tx, fact.cabinet_id, site.id, "DESIRED_DRIFT", evidence)


def on_desired_caught_up(tx: Transaction, fact: DesiredCaughtUp) -> None:
    """Desired state is applied again."""
    _end(tx, fact.cabinet_id, "DESIRED_DRIFT")


def on_cabinet_retired(tx: Transaction, fact: CabinetRetired) -> None:
    """A cabinet that left will clear nothing any more; its tickets are people's to end."""
    for fault in active_faults_of(tx.session, fact.cabinet_id):
        end_for(tx, fault, ClearedBy.REMOTE, "retired")


def _end(tx: Transaction, cabinet_id: str, code: str) -> None:
    fault = active_fault(tx.session, cabinet_id, code)
    if fault is not None:
        end_for(tx, fault, ClearedBy.AUTO)


def _known(
    tx: Transaction, events: Sequence[Received], kind: type[FaultRaised] | type[FaultCleared]
) -> dict[str, Fault]:
    ids = {_body(event, kind).fault for event in events}
    for fault_id in ids:
        if not 1 <= len(fault_id) <= FAULT_ID_LENGTH_MAX:
            raise FaultRefusedError(fault_id, f"an id has 1 to {FAULT_ID_LENGTH_MAX} characters")
    return faults_by_id(tx.session, ids)


def _owned(fault: Fault, event: Received) -> None:
    if fault.cabinet_id != event.cabinet_id:
        raise FaultRefusedError(fault.id, f"it belongs to another cabinet than {event.cabinet_id}")


def _body(event: Received, kind: type[B]) -> B:
    if not isinstance(event.body, kind):
        raise InvariantError(f"{event.type} came with a body of {type(event.body).__name__}")
    return event.body
