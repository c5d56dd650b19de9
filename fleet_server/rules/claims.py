"""Which claims of cabinets are followed: versions this server did not issue (ADR 0021).

After a restore the cabinets hold versions the database knows nothing of, and the server goes above
them. A claim is only a number in a heartbeat, so a rogue cabinet can make one up at each: a claim
far above ours is not believed, one cabinet is followed once an hour, and one version a minute is
issued to the fleet for the sake of claims. None of this delays what people change: that is issued
above every claim that is believed. Split from `service.py` by object: it keeps `VersionClaim` true.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.bulk import one_of
from fleet_server.logs import get_logger
from fleet_server.rules.events import VersionNotBelieved
from fleet_server.rules.models import VersionClaim
from fleet_server.transactions import Transaction

log = get_logger("rules")

CLAIM_AHEAD_MAX = 100_000
"""Versions a backup may lack: decades of changes. At this bound and the pace below a rogue fleet
needs 175 million years to use up 63 bits."""
CABINET_PACE = timedelta(hours=1)
"""One cabinet is followed so often; an honest one needs it once after a restore."""
FLEET_PACE = timedelta(minutes=1)
"""Rules go to the whole fleet: claims together make at most one bundle a minute."""
DOUBT_PACE = timedelta(hours=1)
"""A claim that is not followed is told so often for each cabinet; a heartbeat comes every 15 s."""


class ClaimKind(StrEnum):
    """What has versions."""

    RULES = "rules"
    DESIRED = "desired"


def follow(tx: Transaction, kind: ClaimKind, claimed: Mapping[str, int], ours: int) -> bool:
    """Note claims at or above our newest version; whether one above them is to be issued now.

    The caller holds the lock under which versions are made. Whoever is not believed is announced.
    """
    rows = _rows(tx, kind, claimed)
    due = []
    for cabinet_id, version in sorted(claimed.items()):
        row = rows[cabinet_id]
        if version < ours:
            continue  # issued in between
        if version - ours > CLAIM_AHEAD_MAX:
            _doubt(tx, row, f"{kind} {version} is claimed, {ours} is the newest")
            continue
        is_again = row.overtaken_at is not None and tx.now - row.overtaken_at < CABINET_PACE
        if is_again and version > row.version:
            _doubt(tx, row, f"{kind} {version} is claimed, {row.version} was overtaken just now")
        row.version, row.claimed_at = max(version, row.version), tx.now
        if not is_again:
            due.append(row)
    if not due or (kind is ClaimKind.RULES and _fleet_waits(tx)):
        return False
    for row in due:
        row.overtaken_at = tx.now
    tx.session.flush()
    log.warning(
        "versions.overtaken", kind=kind, ours=ours, cabinets=[row.cabinet_id for row in due]
    )
    return True


def highest_claim(
    session: Session, kind: ClaimKind, ours: int, cabinet_id: str | None = None
) -> int:
    """Highest version held by us or by a cabinet that is believed; of one cabinet, or of all."""
    found = select(func.max(VersionClaim.version)).where(
        VersionClaim.kind == kind, VersionClaim.version <= ours + CLAIM_AHEAD_MAX
    )
    if cabinet_id is not None:
        found = found.where(VersionClaim.cabinet_id == cabinet_id)
    return max(ours, session.scalar(found) or 0)


def _rows(tx: Transaction, kind: ClaimKind, claimed: Mapping[str, int]) -> dict[str, VersionClaim]:
    """Claims of these cabinets, locked in one order; those that never claimed begin at nothing."""
    found = select(VersionClaim).where(
        VersionClaim.kind == kind, one_of(tx.session, VersionClaim.cabinet_id, list(claimed))
    )
    locked = tx.session.scalars(found.order_by(VersionClaim.cabinet_id).with_for_update())
    rows = {row.cabinet_id: row for row in locked}
    for cabinet_id in claimed.keys() - rows.keys():
        row = VersionClaim(cabinet_id=cabinet_id, kind=kind, version=0, claimed_at=tx.now)
        tx.session.add(row)
        rows[cabinet_id] = row
    return rows


def _fleet_waits(tx: Transaction) -> bool:
    newest = tx.session.scalar(
        select(func.max(VersionClaim.overtaken_at)).where(VersionClaim.kind == ClaimKind.RULES)
    )
    return newest is not None and tx.now - newest < FLEET_PACE


def _doubt(tx: Transaction, row: VersionClaim, reason: str) -> None:
    if row.doubted_at is not None and tx.now - row.doubted_at < DOUBT_PACE:
        return
    row.doubted_at = tx.now
    log.error("versions.not_believed", cabinet=row.cabinet_id, reason=reason)
    tx.announce(VersionNotBelieved(row.cabinet_id, reason))
