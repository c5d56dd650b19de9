"""Use cases of technicians: add them, certify them, change them, let them go.

When they work is in `working_time.py`, where they are in `positions.py`.
"""

from typing import Any

from sqlalchemy import delete

from fleet_server.audit.service import record
from fleet_server.auth.queries import user_by_id
from fleet_server.errors import ConflictError, InvalidError, NotFoundError
from fleet_server.live.service import DISPATCH, changed
from fleet_server.technicians.events import TechnicianChanged, TechnicianLeft
from fleet_server.technicians.models import Qualification, Technician, TechnicianPosition
from fleet_server.technicians.queries import audience_of, location_by_id, technician_of_user
from fleet_server.technicians.rules import LocationKind
from fleet_server.technicians.schemas import QualificationOrder, TechnicianOrder
from fleet_server.transactions import Transaction

_DECIDES = frozenset({"skills", "region"})
"""What decides whether an accepted visit is still for somebody."""


def add_technician(tx: Transaction, order: TechnicianOrder) -> Technician:
    """Add one. Raises NotFoundError for no such person, ConflictError for a linked one."""
    if order.user_id is not None:
        if user_by_id(tx.session, order.user_id) is None:
            raise NotFoundError("user", order.user_id)
        if technician_of_user(tx.session, order.user_id) is not None:
            raise ConflictError("this person is a technician already")
    _check_depot(tx, order.depot_id)
    technician = Technician(
        id=tx.new_id(), active=True, created_at=tx.now, **order.model_dump(mode="python")
    )
    tx.session.add(technician)
    tx.session.flush()
    record(tx, "technician.added", "technician", technician.id, {"skills": order.skills})
    changed(tx, [DISPATCH], "technician", technician.id)
    return technician


def change_technician(
    tx: Transaction, technician: Technician, wanted: dict[str, Any], *, release_visits: bool
) -> None:
    """Change what differs; `active: False` lets them go, and later features may refuse that.

    Raises NotFoundError for no such depot, InvalidError for one nobody can start from.
    """
    differs = {name: value for name, value in wanted.items() if getattr(technician, name) != value}
    if not differs:
        return
    _check_depot(tx, differs.get("depot_id"))
    left = technician.active and differs.get("active") is False
    for name, value in differs.items():
        setattr(technician, name, value)
    tx.session.flush()
    # Names and numbers of people stay out of the audit log, which nobody can delete from.
    record(tx, "technician.changed", "technician", technician.id, {"fields": sorted(differs)})
    changed(tx, [DISPATCH], "technician", technician.id)
    if left:
        let_go(tx, technician, release_visits=release_visits)
    elif _DECIDES & differs.keys():
        tx.announce(TechnicianChanged(technician.id))


def let_go(tx: Transaction, technician: Technician, *, release_visits: bool) -> None:
    """Take somebody out of service: what they were accountable for goes to others."""
    technician.active, technician.position_consent_at = False, None
    forgotten = delete(TechnicianPosition).where(TechnicianPosition.technician_id == technician.id)
    tx.session.execute(forgotten)
    record(tx, "technician.left", "technician", technician.id, {"released": release_visits})
    tx.announce(TechnicianLeft(technician.id, audience_of(technician), release_visits))


def add_qualification(
    tx: Transaction, technician_id: str, order: QualificationOrder
) -> Qualification:
    """Note a passed examination and until when it counts."""
    row = Qualification(id=tx.new_id(), technician_id=technician_id, **order.model_dump())
    tx.session.add(row)
    tx.session.flush()
    record(tx, "technician.qualified", "technician", technician_id, {"row": row.id})
    changed(tx, [DISPATCH], "technician", technician_id)
    return row


def _check_depot(tx: Transaction, location_id: str | None) -> None:
    if location_id is None:
        return
    if location_by_id(tx.session, location_id).kind == LocationKind.VAN:
        raise InvalidError("depot_id", "a day begins at a depot or a warehouse, not at a van")
