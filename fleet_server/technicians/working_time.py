"""Shifts and absences: planned, noted, taken back.

Split from `service.py` by object. Whoever cannot come any more is announced: later features give
the visits concerned to others, in the same transaction.
"""

from collections.abc import Sequence

from fleet_server.audit.service import record
from fleet_server.errors import ConflictError
from fleet_server.live.service import DISPATCH, changed
from fleet_server.technicians.events import TechnicianAway
from fleet_server.technicians.models import Absence, Shift
from fleet_server.technicians.queries import absence_of, shift_of, shifts_near
from fleet_server.technicians.rules import Span, check_shift
from fleet_server.transactions import Transaction


def add_shift(tx: Transaction, technician_id: str, span: Span, breaks: Sequence[Span]) -> Shift:
    """Plan a shift of a technician who is locked.

    Raises ConflictError for the same one twice, InvalidError for one nobody can work.
    """
    near = [
        Span(one.starts_at, one.ends_at) for one in shifts_near(tx.session, technician_id, span)
    ]
    if span in near:
        raise ConflictError("this shift stands already")
    check_shift(span, breaks, near, tx.now)
    row = Shift(
        id=tx.new_id(),
        technician_id=technician_id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        breaks=[
            {"starts_at": one.starts_at.isoformat(), "ends_at": one.ends_at.isoformat()}
            for one in breaks
        ],
    )
    _added(tx, row, technician_id, "technician.shift_planned")
    return row


def add_absence(tx: Transaction, technician_id: str, span: Span, reason: str) -> Absence:
    """Note that a technician is away; visits not begun in that time go to others."""
    row = Absence(
        id=tx.new_id(),
        technician_id=technician_id,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        reason=reason,
        visit_ids=[],
    )
    _added(tx, row, technician_id, "technician.absent")
    tx.announce(TechnicianAway(technician_id, span.starts_at, span.ends_at, row.id))
    return row


def note_concerned(tx: Transaction, absence_id: str, visit_ids: Sequence[str]) -> None:
    """Keep with an absence which visits it took or touches; told by who knows visits."""
    tx.session.get_one(Absence, absence_id).visit_ids = list(visit_ids)


def remove_shift(tx: Transaction, technician_id: str, shift_id: str) -> None:
    """Take back a shift that has not begun; its visits go to others. Raises ConflictError."""
    row = shift_of(tx.session, technician_id, shift_id)
    if row.starts_at <= tx.now:
        raise ConflictError("the shift has begun; note an absence instead")
    tx.session.delete(row)
    _noted(tx, technician_id, "technician.shift_removed", row)
    tx.announce(TechnicianAway(technician_id, row.starts_at, row.ends_at, None))


def remove_absence(tx: Transaction, technician_id: str, absence_id: str) -> None:
    """Take back an absence to come; one that has begun ends now. Raises ConflictError when over."""
    row = absence_of(tx.session, technician_id, absence_id)
    if row.ends_at <= tx.now:
        raise ConflictError("the absence is over; what was stays")
    if row.starts_at < tx.now:
        row.ends_at = tx.now
    else:
        tx.session.delete(row)
    _noted(tx, technician_id, "technician.back", row)


def _added(tx: Transaction, row: Shift | Absence, technician_id: str, action: str) -> None:
    tx.session.add(row)
    tx.session.flush()
    _noted(tx, technician_id, action, row)


def _noted(tx: Transaction, technician_id: str, action: str, row: Shift | Absence) -> None:
    span = {"from": row.starts_at.isoformat(), "to": row.ends_at.isoformat()}
    record(tx, action, "technician", technician_id, {"row": row.id, **span})
    changed(tx, [DISPATCH], "technician", technician_id)
