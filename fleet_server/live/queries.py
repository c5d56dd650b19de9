"""All selects of the live socket."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, column, or_, select, table
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope
from fleet_server.live.models import LiveChange

CHANGES_MAX = 1_000
"""Changes of one look; coalesced they are far fewer, and a page that lags loads itself anew."""

SITES = table("sites", column("id", String), column("region", String))
"""Two columns of the registry, by name: it stands above this package and cannot be imported."""


def changes_since(
    session: Session, topics: Sequence[str], since: datetime, scope: Scope
) -> list[LiveChange]:
    """Changes of these topics from an instant on that the scope covers, oldest first.

    What belongs to no site is told to everybody who may see anything: only ids travel.
    """
    found = select(LiveChange).where(LiveChange.topic.in_(list(topics)), LiveChange.at >= since)
    if not scope.everywhere:
        in_regions = select(SITES.c.id).where(SITES.c.region.in_(scope.regions))
        at_site = LiveChange.site_id
        found = found.where(
            or_(at_site.is_(None), at_site.in_(scope.sites), at_site.in_(in_regions))
        )
    return list(session.scalars(found.order_by(LiveChange.seq).limit(CHANGES_MAX)))
