"""Sweeps of technicians: qualifications that lapse soon, and those that just did.

Split from `service.py`: nobody announces that time has passed.
"""

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.technicians.events import TechnicianChanged
from fleet_server.technicians.models import Qualification, Technician
from fleet_server.technicians.queries import audience_of, lapsed, lapsing, technician_by_id
from fleet_server.technicians.rules import LAPSE_WARNING_DAYS
from fleet_server.transactions import Transaction

WARNINGS_MAX = 50
"""Of one sweep; those left over are warned of a second later."""


def warn_of_lapses(tx: Transaction) -> None:
    """Tell the dispatcher and the technician, 30 and 7 days before the gate closes."""
    for days in sorted(LAPSE_WARNING_DAYS):  # the nearer warning first: it stands for both
        for row in lapsing(tx.session, tx.now, days, WARNINGS_MAX):
            row.warned_days = days
            _warn(tx, technician_by_id(tx.session, row.technician_id), row)
        tx.session.flush()


def close_gates(tx: Transaction) -> None:
    """What somebody accepted while a qualification held is not theirs once it has lapsed."""
    for row in lapsed(tx.session, tx.now, WARNINGS_MAX):
        row.warned_days = 0
        record(tx, "technician.lapsed", "technician", row.technician_id, {"row": row.id})
        tx.announce(TechnicianChanged(row.technician_id))


def _warn(tx: Transaction, technician: Technician, row: Qualification) -> None:
    message = said(
        "qualification.lapses",
        technician=technician.name,
        qualification=row.name,
        expires=row.expires_at,
    )
    about = About("technician", technician.id, None, technician.region)
    urgent = row.warned_days == min(LAPSE_WARNING_DAYS)
    urgency = Urgency.URGENT if urgent else Urgency.NORMAL
    for audience in (to_role(Role.DISPATCHER), audience_of(technician)):
        notify(tx, audience, message, about, urgency)
