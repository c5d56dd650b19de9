"""Who asks for a better plan, and when (dispatch, When): urgent work, risk, rounds, nights.

A wish is a row of the transaction that gave rise to it. At most one of each tier and region waits:
a further one adds what it is about.
"""

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from fleet_server.dispatch.models import PlanRound, PlanWish, Visit
from fleet_server.dispatch.queries import regions_with_work, steps_since
from fleet_server.transactions import Transaction

ROUND_EVERY = timedelta(minutes=5)
"""Tier 2, if anything changed."""
NIGHT_HOUR = 3
"""Local hour from which on the whole horizon is planned (tier 3): before the first shift."""
VISITS_MAX = 40
"""Visits one wish of tier 1 is about; past it the next round sees to them."""
REGIONS_MAX = 50
"""Regions of one sweep; those left over are looked at a second later."""


def wish(
    tx: Transaction, region: str, tier: int, cause: str, visit_ids: Iterable[str] = ()
) -> None:
    """Ask for a better plan of a region."""
    tx.session.flush()
    row = tx.session.get(PlanWish, (region, tier), with_for_update=True)
    if row is None:
        row = PlanWish(
            region=region,
            tier=tier,
            visit_ids=[],
            cause=cause,
            wished_at=tx.now,
            wished_by=tx.actor,
            tries=0,
            not_before=tx.now,
        )
        tx.session.add(row)
    known = dict.fromkeys([*row.visit_ids, *visit_ids])
    row.visit_ids = list(known)[:VISITS_MAX]


def wish_for_visit(tx: Transaction, visit: Visit, region: str, cause: str) -> None:
    """Ask for a better plan around one visit (tier 1)."""
    wish(tx, region, 1, cause, [visit.id])


def wish_for_rounds(tx: Transaction, zone: ZoneInfo) -> None:
    """Ask for tier 2 where something changed, and for tier 3 once a night; a sweep."""
    local = tx.now.astimezone(zone)
    for region in regions_with_work(tx.session, tx.now - ROUND_EVERY, REGIONS_MAX):
        row = tx.session.get(PlanRound, region, with_for_update=True)
        if row is None:
            row = PlanRound(region=region, round_at=tx.now - ROUND_EVERY)
            tx.session.add(row)
        if local.hour == NIGHT_HOUR and row.night_on != local.date():
            row.night_on = local.date()
            wish(tx, region, 3, "night")
        elif steps_since(tx.session, region, row.round_at):
            wish(tx, region, 2, "round")
        row.round_at = tx.now
