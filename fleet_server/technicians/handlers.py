"""Reactions of technicians to facts of earlier features."""

from fleet_server.auth.events import AccountClosed
from fleet_server.technicians.queries import technician_of_user
from fleet_server.technicians.service import let_go
from fleet_server.transactions import Transaction


def on_account_closed(tx: Transaction, fact: AccountClosed) -> None:
    """Who cannot sign in any more works no visits: they go to others."""
    technician = technician_of_user(tx.session, fact.user_id)
    if technician is not None and technician.active:
        let_go(tx, technician, release_visits=True)
