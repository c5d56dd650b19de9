"""Sweeps of dispatch: offers nobody answered, visits nobody could take.

Split from `handlers.py`: nobody announces that time has passed.
"""

from fleet_server.dispatch.answers import expire
from fleet_server.dispatch.assignment import ask_next
from fleet_server.dispatch.queries import expired_offers, locked_visit, visits_to_ask_again
from fleet_server.dispatch.states import VisitState
from fleet_server.transactions import Transaction

VISITS_MAX = 50
"""Visits of one sweep: each may plan over all technicians (50 ms at most, tier 0)."""


def expire_offers(tx: Transaction) -> None:
    """Ask the next technician where one did not answer in time."""
    for visit_id in expired_offers(tx.session, tx.now, VISITS_MAX):
        expire(tx, locked_visit(tx.session, visit_id))


def ask_again(tx: Transaction) -> None:
    """Ask everyone again for visits nobody could take; who declined is left in peace."""
    for visit_id in visits_to_ask_again(tx.session, tx.now, VISITS_MAX):
        visit = locked_visit(tx.session, visit_id)
        if visit.state == VisitState.PLANNED:
            ask_next(tx, visit, again=True)
