"""All selects of the overview page."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope
from fleet_server.cabinets.models import Cabinet, CabinetPresence, Site
from fleet_server.cabinets.queries import within

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
