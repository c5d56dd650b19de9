"""Reactions of the engine: who acknowledges the notice of a breach answers for the breach."""

from fleet_server.notifications.events import NoticeAcknowledged
from fleet_server.service_levels.queries import running_clocks
from fleet_server.service_levels.service import acknowledge
from fleet_server.transactions import Transaction

BREACHED = "clock.breached"


def on_notice_acknowledged(tx: Transaction, fact: NoticeAcknowledged) -> None:
    """Tell nobody further up of the breaches of this thing that stand now."""
    if fact.kind != BREACHED:
        return
    for clock in running_clocks(tx.session, fact.about_kind, [fact.about_id]):
        if clock.breached_at is not None and clock.acknowledged_at is None:
            acknowledge(tx, clock)
