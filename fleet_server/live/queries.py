"""All selects of the live socket."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet_server.live.models import LiveChange

CHANGES_MAX = 1_000
"""Changes of one look; coalesced they are far fewer, and a page that lags loads itself anew."""


def changes_since(session: Session, topics: Sequence[str], since: datetime) -> list[LiveChange]:
    """Changes of these topics from an instant on, oldest first."""
    found = (
        select(LiveChange)
        .where(LiveChange.topic.in_(list(topics)), LiveChange.at >= since)
        .order_by(LiveChange.seq)
        .limit(CHANGES_MAX)
    )
    return list(session.scalars(found))
