"""Cabinets as ingest sees them: a few columns, read once for a batch of messages."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Cabinet, CabinetDesired
from fleet_server.cabinets.states import CabinetState
from protocol.intervals import Uplink

SPEAKING = frozenset({CabinetState.ENROLLED, CabinetState.IN_SERVICE})
"""States of cabinets that are part of the fleet."""


@dataclass(slots=True)
class Speaker:
    """A cabinet that may speak."""

    id: str
    site_id: str
    uplink: Uplink
    desired_version: int
    """Newest version of its desired state; 0 where there is none."""


def speakers(session: Session, cabinet_ids: Iterable[str]) -> dict[str, Speaker]:
    """Cabinets of these ids that are part of the fleet now."""
    columns = (
        Cabinet.id,
        Cabinet.site_id,
        Cabinet.uplink,
        Cabinet.state,
        CabinetDesired.version,
    )
    rows = session.execute(
        select(*columns)
        .outerjoin(CabinetDesired, CabinetDesired.cabinet_id == Cabinet.id)
        .where(one_of(session, Cabinet.id, cabinet_ids))
    )
    return {
        cabinet_id: Speaker(cabinet_id, site_id, Uplink(uplink), version or 0)
        for cabinet_id, site_id, uplink, state, version in rows
        if state in SPEAKING
    }
