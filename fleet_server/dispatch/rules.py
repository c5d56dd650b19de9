"""Pure numbers and decisions of dispatch."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.rules import TicketKind
from protocol.work_order import WorkOrderAction

CHECK_IN_METRES_MAX = 200.0
"""How near a phone has to be (fleet-server, Visit)."""
SERVICE_SECONDS = 2400.0
"""Assumed work at a site: 40 min, until service times are learnt."""
PINNED_WITHIN = timedelta(minutes=60)
"""An accepted visit that begins within it keeps its place (dispatch, Formulation)."""
LAST_PLACE_COUNTS = timedelta(hours=12)
"""A technician is assumed where their last visit ended, later at home."""
REFUSALS_UNTIL_DISPATCHER = 2
"""Then a dispatcher hears of it (dispatch, When)."""
SUPERVISOR_PERCENT = 75
"""So much of an arrival clock gone without anyone on the way: a supervisor hears of it."""
WORK_ORDER_LIFETIME = timedelta(hours=8)
"""A token outlives a visit by less than a shift; a lost phone is no key for long."""
SERVICE_SEEN_COUNTS = timedelta(minutes=30)
"""How long a service opening of the door proves that somebody is there."""

WAIT_WEIGHTS: Mapping[Priority, float] = {
    Priority.P1: 1.0,
    Priority.P2: 0.375,
    Priority.P3: 0.125,
}
"""Prizes of the design, about 8 : 3 : 1, as cost of a second of waiting.

In a whole plan, too: without it work is stacked on who is near, and others wait (ADR 0025)."""


class CheckInWay(StrEnum):
    """How the arrival was proven; which one is recorded."""

    GPS = "gps"
    CABINET_CODE = "cabinet_code"
    SERVICE_LOGIN = "service_login"


_ALWAYS = frozenset({WorkOrderAction.UNLOCK, WorkOrderAction.SELF_TEST})
_STOCK = frozenset({WorkOrderAction.COUNT, WorkOrderAction.REMOVE})

_ACTIONS: Mapping[TicketKind, frozenset[WorkOrderAction]] = {
    TicketKind.FAULT: _ALWAYS | {WorkOrderAction.RELEASE_HOLD},
    TicketKind.INSPECTION: _ALWAYS | {WorkOrderAction.COUNT},
    TicketKind.RECALL_REMOVAL: _ALWAYS | _STOCK,
    TicketKind.PREVENTIVE: _ALWAYS,
    TicketKind.REFILL_CHECK: _ALWAYS | _STOCK | {WorkOrderAction.LOAD},
    TicketKind.CONSUMER_REPORT: _ALWAYS | _STOCK,
}


def allowed_actions(kinds: list[TicketKind]) -> list[WorkOrderAction]:
    """Return what a technician may do at a cabinet with these tickets: the least that serves."""
    allowed = frozenset[WorkOrderAction]().union(*(_ACTIONS[kind] for kind in kinds))
    return sorted(allowed)
