"""Note a change for those who watch."""

from datetime import timedelta

from sqlalchemy import delete

from fleet_server.live.models import LiveChange
from fleet_server.transactions import Transaction

KEPT_FOR = timedelta(minutes=10)
"""A socket that was away longer loads its page anew."""

FLEET = "fleet"
DISPATCH = "dispatch"


def changed(
    tx: Transaction, topics: list[str], kind: str, object_id: str, site_id: str | None = None
) -> None:
    """Tell watchers of `topics` (`fleet`, `cabinet/{id}`, `ticket/{id}`, ...) what to look at."""
    for topic in dict.fromkeys(topics):
        tx.session.add(
            LiveChange(at=tx.now, topic=topic, kind=kind, object_id=object_id, site_id=site_id)
        )


def forget_old_changes(tx: Transaction) -> None:
    """Sweep: drop changes nobody will ask for any more."""
    tx.session.execute(delete(LiveChange).where(LiveChange.at < tx.now - KEPT_FOR))
