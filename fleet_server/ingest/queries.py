"""Selects of ingest that are no part of a batch (those stand in `lanes.py` and `speakers.py`)."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.ingest.models import DeadLetter


def open_dead_letters(session: Session, cabinet_id: str) -> int:
    """Dead letters of a cabinet nobody has settled yet."""
    count = session.scalar(
        select(func.count())
        .select_from(DeadLetter)
        .where(DeadLetter.cabinet_id == cabinet_id, DeadLetter.settled_at.is_(None))
    )
    return count or 0
