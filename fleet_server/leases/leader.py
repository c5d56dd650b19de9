"""Whether this process leads: the timers and the outbox are one process's at a time.

Two that lead for a moment are safe: sweeps lock the rows they change, and a message that leaves
twice is one that cabinets know already.
"""

from sqlalchemy.exc import SQLAlchemyError

from fleet_server.leases.service import hold
from fleet_server.logs import get_logger
from fleet_server.transactions import Transactions

log = get_logger("leases")

TIMERS = "timers"


class Leader:
    """Keeps the lease of the timers while this process lives."""

    def __init__(self, transactions: Transactions, process: str) -> None:
        self._transactions = transactions
        self._process = process
        self.leads = False

    def look(self) -> None:
        """Take or prolong the lease."""
        try:
            with self._transactions.write("system:leases") as tx:
                leads = hold(tx, TIMERS, self._process)
        except SQLAlchemyError:  # without a database there is nothing to lead
            log.exception("leader.look_failed")
            leads = False
        if leads != self.leads:
            log.info("leader.changed", leads=leads)
        self.leads = leads
