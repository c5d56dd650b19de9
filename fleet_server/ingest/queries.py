"""All selects of ingest."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.cabinets.models import Cabinet
from fleet_server.cabinets.states import CabinetState
from fleet_server.ingest.models import Cursor, DeadLetter

SPEAKING = (CabinetState.ENROLLED, CabinetState.IN_SERVICE)


def speaking_cabinets(session: Session, cabinet_ids: Iterable[str]) -> dict[str, Cabinet]:
    """Cabinets of these ids that are part of the fleet now."""
    found = select(Cabinet).where(Cabinet.id.in_(sorted(cabinet_ids)), Cabinet.state.in_(SPEAKING))
    return {cabinet.id: cabinet for cabinet in session.scalars(found)}


def locked_cursors(session: Session, cabinet_ids: Iterable[str]) -> dict[str, list[Cursor]]:
    """Cursors by cabinet, oldest epoch first; locked in one order, so nobody waits in a ring."""
    rows = session.scalars(
        select(Cursor)
        .where(Cursor.cabinet_id.in_(sorted(cabinet_ids)))
        .order_by(Cursor.cabinet_id, Cursor.lane, Cursor.generation)
        .with_for_update()
    )
    by_cabinet: dict[str, list[Cursor]] = defaultdict(list)
    for row in rows:
        by_cabinet[row.cabinet_id].append(row)
    return by_cabinet


def lane_cursors(cursors: Sequence[Cursor], lane: str) -> list[Cursor]:
    """Those of one lane, oldest epoch first."""
    return [cursor for cursor in cursors if cursor.lane == lane]


def open_dead_letters(session: Session, cabinet_id: str) -> int:
    """Dead letters of a cabinet nobody has settled yet."""
    count = session.scalar(
        select(func.count())
        .select_from(DeadLetter)
        .where(DeadLetter.cabinet_id == cabinet_id, DeadLetter.settled_at.is_(None))
    )
    return count or 0
