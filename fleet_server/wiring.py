"""The map of the server: which feature reacts to what. Steps forward go through these tables.

`event_handlers`: journal events -> features, in the transaction of ingest, in this order.
`reactions`: facts of an earlier feature -> a later one, in the same transaction.
`sweeps`: what looks at deadlines every second, each in a transaction of its own.
"""

from collections.abc import Callable, Sequence
from functools import partial

from fastapi import APIRouter

from fleet_server.auth.api import router as auth_router
from fleet_server.cabinets import orders
from fleet_server.cabinets.api import router as cabinets_router
from fleet_server.cabinets.desired import find_drift, resend_desired
from fleet_server.cabinets.handlers import (
    on_command_finished,
    on_desired_applied,
    on_desired_rejected,
)
from fleet_server.cabinets.models import CabinetDesired
from fleet_server.ingest.api import router as ingest_router
from fleet_server.ingest.events import EventHandlers
from fleet_server.ingest.presence import Held
from fleet_server.ingest.service import IngestParts
from fleet_server.live.api import router as live_router
from fleet_server.live.service import forget_old_changes
from fleet_server.reports.api import router as reports_router
from fleet_server.rules.queries import newest_version
from fleet_server.rules.service import resend_rules
from fleet_server.signing import SigningService
from fleet_server.transactions import Reactions, Transaction
from fleet_server.web.idempotency import forget_old_answers

Sweep = Callable[[Transaction], None]

ROUTERS: tuple[APIRouter, ...] = (
    auth_router,
    cabinets_router,
    ingest_router,
    live_router,
    reports_router,
)


def event_handlers(signing: SigningService) -> EventHandlers:
    """Journal event type -> handlers, first to last."""
    return {
        "desired.applied": (on_desired_applied,),
        "desired.rejected": (on_desired_rejected,),
        "command.finished": (partial(on_command_finished, signing),),
    }


def reactions(signing: SigningService) -> Reactions:  # noqa: ARG001  # rows to come need it
    """Fact -> reactions of later features."""
    return {}


def sweeps(signing: SigningService) -> Sequence[tuple[str, Sweep]]:
    """Name -> what to look at; each bounded, each safe to run again."""
    return (
        ("cabinets.drift", find_drift),
        ("cabinets.orders", partial(orders.expire_orders, signing)),
        ("live.forget", forget_old_changes),
        ("web.forget", forget_old_answers),
    )


def ingest_parts(signing: SigningService) -> IngestParts:
    """What ingest gets from the features."""
    return IngestParts(
        handlers=event_handlers(signing),
        newest_rules=lambda tx: newest_version(tx.session),
        repair=partial(_repair, signing),
    )


def _repair(signing: SigningService, tx: Transaction, held: Held) -> None:
    """Send again what a cabinet misses: rules, desired state, orders (P-0, P-14)."""
    if held.rules_version < newest_version(tx.session):
        resend_rules(tx, signing, held.cabinet_id)
    desired = tx.session.get(CabinetDesired, held.cabinet_id)
    if desired is not None and held.desired_version < desired.version:
        resend_desired(tx, signing, held.cabinet_id)
    orders.repair(tx, signing, held.cabinet_id, held.command_counter)
