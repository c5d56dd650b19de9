"""Which versions that this server did not issue are followed, and when (ADR 0021).

After a restore the cabinets hold versions the database knows nothing of, and the server goes above
them. What a cabinet names is only a number in a heartbeat, so a rogue one can make up another at
each: a number far above ours is not believed, one cabinet is followed once an hour, and one bundle
a minute goes to the fleet on this account. None of this delays what people change: that is issued
above every foreign version that is believed. Split from `service.py` by object: it keeps
`ForeignVersion` true.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.bulk import one_of
from fleet_server.logs import get_logger
from fleet_server.rules.events import VersionNotBelieved
from fleet_server.rules.models import ForeignVersion
from fleet_server.transactions import Transaction

log = get_logger("rules")

AHEAD_MAX = 100_000
"""Versions a backup may lack: decades of changes. At this bound and the pace below a rogue fleet
needs 175 million years to use up 63 bits."""
CABINET_PACE = timedelta(hours=1)
"""One cabinet is followed so often; an honest one needs it once after a restore."""
FLEET_PACE = timedelta(minutes=1)
"""Rules go to the whole fleet: all foreign versions together make at most one bundle a minute."""
DOUBT_PACE = timedelta(hours=1)
"""A cabinet that is not believed is told of so often; a heartbeat comes every 15 s."""


class VersionKind(StrEnum):
    """What has versions."""

    RULES = "rules"
    DESIRED = "desired"


def follow(tx: Transaction, kind: VersionKind, named: Mapping[str, int], ours: int) -> bool:
    """Note versions cabinets name at or above ours; whether one above them is to be issued now.

    The caller holds the lock under which versions are made. Whoever is not believed is announced.
    """
    rows = _rows(tx, kind, named)
    due = []
    for cabinet_id, version in sorted(named.items()):
        row = rows[cabinet_id]
        if version < ours:
            continue  # issued in between
        if version - ours > AHEAD_MAX:
            _doubt(tx, row, f"{kind} {version} is named, {ours} is the newest")
            continue
        is_again = row.overtaken_at is not None and tx.now - row.overtaken_at < CABINET_PACE
        if is_again and version > row.version:
            _doubt(
                tx, row, f"{kind} {version} is named, {row.version} was overtaken within the hour"
            )
        row.version, row.named_at = max(version, row.version), tx.now
        if not is_again:
            due.append(row)
    if not due or (kind is VersionKind.RULES and _fleet_waits(tx)):
        return False
    for row in due:
        row.overtaken_at = tx.now
    tx.session.flush()
    log.warning(
        "versions.overtaken", kind=kind, ours=ours, cabinets=[row.cabinet_id for row in due]
    )
    return True


def highest_named(
    session: Session, kind: VersionKind, ours: int, cabinet_id: str | None = None
) -> int:
    """Highest version held by us or by a cabinet that is believed; of one cabinet, or of all."""
    found = select(func.max(ForeignVersion.version)).where(
        ForeignVersion.kind == kind, ForeignVersion.version <= ours + AHEAD_MAX
    )
    if cabinet_id is not None:
        found = found.where(ForeignVersion.cabinet_id == cabinet_id)
    return max(ours, session.scalar(found) or 0)


def _rows(
    tx: Transaction, kind: VersionKind, named: Mapping[str, int]
) -> dict[str, ForeignVersion]:
    """Rows of these cabinets, locked in one order; those that had none begin at nothing."""
    found = select(ForeignVersion).where(
        ForeignVersion.kind == kind, one_of(tx.session, ForeignVersion.cabinet_id, list(named))
    )
    locked = tx.session.scalars(found.order_by(ForeignVersion.cabinet_id).with_for_update())
    rows = {row.cabinet_id: row for row in locked}
    for cabinet_id in named.keys() - rows.keys():
        row = ForeignVersion(cabinet_id=cabinet_id, kind=kind, version=0, named_at=tx.now)
        tx.session.add(row)
        rows[cabinet_id] = row
    return rows


def _fleet_waits(tx: Transaction) -> bool:
    newest = tx.session.scalar(
        select(func.max(ForeignVersion.overtaken_at)).where(
            ForeignVersion.kind == VersionKind.RULES
        )
    )
    return newest is not None and tx.now - newest < FLEET_PACE


def _doubt(tx: Transaction, row: ForeignVersion, reason: str) -> None:
    if row.doubted_at is not None and tx.now - row.doubted_at < DOUBT_PACE:
        return
    row.doubted_at = tx.now
    log.error("versions.not_believed", cabinet=row.cabinet_id, reason=reason)
    tx.announce(VersionNotBelieved(row.cabinet_id, reason))
