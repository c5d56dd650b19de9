"""All selects of the overview page."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope
from fleet_server.cabinets.models import Cabinet, CabinetPresence, Site
from fleet_server.cabinets.queries import within
from fleet_server.faults.models import Fault
from fleet_server.faults.states import FaultState
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.states import OPEN

ROWS_MAX = 200
"""Rows of one table of the page: what a person can take in; the API pages through the rest."""


@dataclass(frozen=True)
class CabinetLine:
    """One cabinet of the overview."""

    cabinet: Cabinet
    site: Site
    live: CabinetPresence | None


def cabinet_lines(session: Session, scope: Scope) -> list[CabinetLine]:
    """Cabinets in scope, by id."""
    found = within(select(Cabinet), Cabinet.site_id, scope).order_by(Cabinet.id).limit(ROWS_MAX)
    lines = []
    for cabinet in session.scalars(found):
        site = session.get_one(Site, cabinet.site_id)
        lines.append(CabinetLine(cabinet, site, session.get(CabinetPresence, cabinet.id)))
    return lines


def open_tickets(session: Session, scope: Scope) -> list[Ticket]:
    """Tickets somebody has to work on, most urgent first."""
    found = within(select(Ticket).where(Ticket.state.in_(OPEN)), Ticket.site_id, scope)
    ordered = found.order_by(Ticket.priority, Ticket.opened_at).limit(ROWS_MAX)
    return list(session.scalars(ordered))


def active_faults(session: Session, scope: Scope) -> list[Fault]:
    """Episodes that go on, newest first."""
    found = within(select(Fault).where(Fault.state == FaultState.ACTIVE), Fault.site_id, scope)
    return list(session.scalars(found.order_by(Fault.since.desc()).limit(ROWS_MAX)))
