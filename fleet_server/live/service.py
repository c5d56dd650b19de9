"""Note a change for those who watch."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete

from fleet_server.bulk import Row, insert_rows
from fleet_server.live.models import LiveChange
from fleet_server.transactions import Transaction

KEPT_FOR = timedelta(minutes=10)
"""A socket that was away longer loads its page anew."""

FLEET = "fleet"
DISPATCH = "dispatch"
COLUMNS = ("at", "topic", "kind", "object_id", "site_id")


def changed(
    tx: Transaction, topics: list[str], kind: str, object_id: str, site_id: str | None = None
) -> None:
    """Tell watchers of `topics` (`fleet`, `cabinet/{id}`, `ticket/{id}`, ...) what to look at.

    What changed several times in one transaction is told once, at its end.
    """
    for topic in topics:
        tx.at_end(_tell, (tx.now, topic, kind, object_id, site_id))


def _tell(tx: Transaction, changes: Sequence[Row]) -> None:
    insert_rows(tx.session, LiveChange, COLUMNS, list(dict.fromkeys(changes)))


def forget_old_changes(tx: Transaction) -> None:
    """Sweep: drop changes nobody will ask for any more."""
    tx.session.execute(delete(LiveChange).where(LiveChange.at < tx.now - KEPT_FOR))
