"""Where technicians are: coarse, by consent, for hours.

Split from `service.py` because it is personal data with rules of its own (PIPL): nothing is kept
without consent, withdrawing it deletes at once, and the audit log holds consents, never places.
"""

from sqlalchemy import delete

from fleet_server.audit.service import record
from fleet_server.errors import ConflictError
from fleet_server.live.service import DISPATCH, changed
from fleet_server.technicians.errors import NoConsentError
from fleet_server.technicians.models import Technician, TechnicianPosition
from fleet_server.technicians.rules import POSITION_KEPT_FOR, coarse
from fleet_server.transactions import Transaction


def set_consent(tx: Transaction, technician: Technician, *, given: bool) -> None:
    """Note that somebody agrees, or does not any more; then what is kept goes at once."""
    if given == (technician.position_consent_at is not None):
        return
    technician.position_consent_at = tx.now if given else None
    if not given:
        mine = TechnicianPosition.technician_id == technician.id
        tx.session.execute(delete(TechnicianPosition).where(mine))
    record(tx, "technician.position_consent", "technician", technician.id, {"given": given})
    changed(tx, [DISPATCH], "technician", technician.id)


def set_position(
    tx: Transaction, technician: Technician, latitude: float, longitude: float
) -> TechnicianPosition:
    """Keep a rounded position. Raises NoConsentError, ConflictError for who left."""
    if technician.position_consent_at is None:
        raise NoConsentError("no consent to keep a position is recorded")
    if not technician.active:
        raise ConflictError("the technician is out of service")
    row = tx.session.get(TechnicianPosition, technician.id)
    if row is None:
        row = TechnicianPosition(technician_id=technician.id)
        tx.session.add(row)
    row.latitude, row.longitude, row.at = coarse(latitude), coarse(longitude), tx.now
    changed(tx, [DISPATCH], "technician", technician.id)
    return row


def forget_old_positions(tx: Transaction) -> None:
    """Sweep: drop positions of yesterday's shift."""
    old = TechnicianPosition.at <= tx.now - POSITION_KEPT_FOR
    tx.session.execute(delete(TechnicianPosition).where(old))
