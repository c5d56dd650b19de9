"""When tickets are due, beyond what their policy says: earlier dues are kept.

Split from `service.py`: it is the one place that bends clocks, and it does so by steps of their
histories.
"""

from collections.abc import Mapping
from datetime import datetime

from fleet_server.service_levels import service as clocks
from fleet_server.service_levels.queries import running_clocks
from fleet_server.transactions import Transaction

ARRIVED = "arrived"


def of(tx: Transaction, owner_kind: str, owner_id: str) -> dict[str, datetime]:
    """Return when each running clock of a thing is due."""
    return {
        clock.name: clock.due_at for clock in running_clocks(tx.session, owner_kind, [owner_id])
    }


def keep_earlier(
    tx: Transaction, owner_kind: str, owner_id: str, dues: Mapping[str, datetime]
) -> None:
    """Let no running clock be due later than the one of its name in `dues`.

    So neither merging, splitting nor becoming more urgent wins time.
    """
    tx.session.flush()
    for clock in running_clocks(tx.session, owner_kind, [owner_id]):
        due_at = dues.get(clock.name)
        if due_at is not None and clock.due_at > due_at:
            clocks.aim(tx, clock, due_at)
