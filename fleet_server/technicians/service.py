"""Use cases of technicians: add them, certify them, plan their shifts and absences."""

from datetime import datetime

from sqlalchemy import select

from fleet_server.audit.service import record
from fleet_server.auth.queries import user_by_id
from fleet_server.errors import ConflictError, NotFoundError
from fleet_server.live.service import DISPATCH, changed
from fleet_server.technicians.models import Absence, Qualification, Shift, Technician
from fleet_server.technicians.queries import technician_of_user
from fleet_server.technicians.schemas import QualificationOrder, TechnicianOrder
from fleet_server.transactions import Transaction


def add_technician(tx: Transaction, order: TechnicianOrder) -> Technician:
    """Add one. Raises NotFoundError for no such person, ConflictError for a linked one."""
    if order.user_id is not None:
        if user_by_id(tx.session, order.user_id) is None:
            raise NotFoundError("user", order.user_id)
        if technician_of_user(tx.session, order.user_id) is not None:
            raise ConflictError("this person is a technician already")
    technician = Technician(
        id=tx.new_id(), active=True, created_at=tx.now, **order.model_dump(mode="python")
    )
    tx.session.add(technician)
    tx.session.flush()
    record(tx, "technician.added", "technician", technician.id, {"skills": order.skills})
    changed(tx, [DISPATCH], "technician", technician.id)
    return technician


def add_qualification(
    tx: Transaction, technician_id: str, order: QualificationOrder
) -> Qualification:
    """Note a passed examination and until when it counts."""
    row = Qualification(id=tx.new_id(), technician_id=technician_id, **order.model_dump())
    _added(tx, row, technician_id, "technician.qualified")
    return row


def add_shift(tx: Transaction, technician_id: str, starts: datetime, ends: datetime) -> Shift:
    """Plan a shift. Raises ConflictError for the same one twice."""
    same = select(Shift.id).where(
        Shift.technician_id == technician_id, Shift.starts_at == starts, Shift.ends_at == ends
    )
    if tx.session.scalar(same) is not None:
        raise ConflictError("this shift stands already")
    row = Shift(id=tx.new_id(), technician_id=technician_id, starts_at=starts, ends_at=ends)
    _added(tx, row, technician_id, "technician.shift_planned")
    return row


def add_absence(
    tx: Transaction, technician_id: str, starts: datetime, ends: datetime, reason: str
) -> Absence:
    """Note that a technician is away."""
    row = Absence(
        id=tx.new_id(),
        technician_id=technician_id,
        starts_at=starts,
        ends_at=ends,
        reason=reason,
    )
    _added(tx, row, technician_id, "technician.absent")
    return row


def _added(
    tx: Transaction, row: Qualification | Shift | Absence, technician_id: str, action: str
) -> None:
    tx.session.add(row)
    tx.session.flush()
    record(tx, action, "technician", technician_id, {"row": row.id})
    changed(tx, [DISPATCH], "technician", technician_id)
