"""Desired state of a cabinet: made, signed, sent, compared with what it applied (P-15).

Split from `service.py` by object: everything here keeps one row, `CabinetDesired`, true.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from fleet_server.audit.service import record
from fleet_server.bulk import one_of
from fleet_server.cabinets.events import DesiredCaughtUp, DesiredDrifted
from fleet_server.cabinets.models import Cabinet, CabinetDesired, Site
from fleet_server.cabinets.queries import cabinet_by_id
from fleet_server.cabinets.states import CabinetState
from fleet_server.errors import ConflictError, NotFoundError
from fleet_server.live.service import changed
from fleet_server.outbox.service import send
from fleet_server.rules.foreign_versions import VersionKind, follow, highest_named
from fleet_server.rules.queries import active_rules
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.desired import Desired, read_desired
from protocol.intervals import DESIRED_DRIFT_AFTER_SECONDS
from protocol.matching import Goods, Match, Place, match
from protocol.service_pin import check_pin_hash
from protocol.signatures import SignedKind
from protocol.topics import DownKind

PIN_HASH = "service_pin_hash"
DRIFTS_PER_SWEEP = 200
"""Cabinets looked at in one sweep of one second."""


class RecalledGoodsError(ConflictError):
    """A slot of the planogram is for goods of which every lot is blocked (recalls, invariant 9)."""

    slug = "recalled-goods"

    def __init__(self, blocked: dict[str, str]) -> None:
        self.blocked = blocked
        """Slot -> id of the recall or hold."""
        super().__init__(f"blocked as a whole: {blocked}")

    @property
    def facts(self) -> dict[str, object]:
        """Name the slots and the recalls or holds that block them."""
        return {"slots": sorted(self.blocked), "recalls": sorted(set(self.blocked.values()))}


def first_desired(
    tx: Transaction, signing: SigningService, cabinet: Cabinet, site: Site, profile: str
) -> None:
    """Version 1: no planogram yet, so nothing is sold, but place and limits are known."""
    payload = Desired(
        kind=SignedKind.DESIRED,
        fleet=signing.fleet,
        cabinet=cabinet.id,
        version=1,
        site=site.id,
        region=site.region,
        time_zone=site.time_zone,
        threshold_profile=profile,
    )
    state = msgspec.to_builtins(payload)
    tx.session.add(CabinetDesired(cabinet_id=cabinet.id, version=1, state=state, changed_at=tx.now))


def put_desired(
    tx: Transaction, signing: SigningService, cabinet: Cabinet, site: Site, state: dict[str, Any]
) -> CabinetDesired:
    """Make the next version from `state` (the fields a person sets), sign it and send it.

    Raises MalformedMessageError when the whole would be refused by every cabinet, and
    RecalledGoodsError for a slot of goods that are recalled as a whole.
    """
    row = desired_of(tx, cabinet.id)
    version = _next_version(tx, row)
    fixed = {
        "kind": SignedKind.DESIRED,
        "fleet": signing.fleet,
        "cabinet": cabinet.id,
        "version": version,
        "site": site.id,
        "region": site.region,
        "time_zone": site.time_zone,
    }
    if state.get(PIN_HASH) is None:  # it is never shown, so nobody could send it back
        state = {**state, PIN_HASH: row.state.get(PIN_HASH, "")}
    if state[PIN_HASH]:
        check_pin_hash(state[PIN_HASH])
    payload = read_desired(msgspec.json.encode({**state, **fixed}).decode())
    _refuse_recalled(tx, payload)
    row.version, row.changed_at = version, tx.now
    row.state = msgspec.to_builtins(payload)
    record(tx, "desired.changed", "cabinet", cabinet.id, {"version": version}, site.id)
    resend_desired(tx, signing, cabinet.id)
    return row


def resend_desired(
    tx: Transaction, signing: SigningService, cabinet_id: str, moved_to: Site | None = None
) -> None:
    """Send the newest desired state again; a move makes a new version of it first."""
    row = desired_of(tx, cabinet_id)
    if moved_to is not None:
        row.version, row.changed_at = _next_version(tx, row), tx.now
        row.state = {
            **row.state,
            "version": row.version,
            "site": moved_to.id,
            "region": moved_to.region,
            "time_zone": moved_to.time_zone,
        }
    _send(tx, signing, row)
    _tell(tx, cabinet_id, cabinet_by_id(tx.session, cabinet_id).site_id)


def resend_desired_to(tx: Transaction, signing: SigningService, cabinet_ids: Sequence[str]) -> None:
    """Send the newest desired state again to each of these."""
    for row in desired_rows(tx, cabinet_ids).values():
        _send(tx, signing, row)


def desired_rows(tx: Transaction, cabinet_ids: Sequence[str]) -> dict[str, CabinetDesired]:
    """Rows of these cabinets, locked for a change in one order."""
    if not cabinet_ids:
        return {}
    found = select(CabinetDesired).where(one_of(tx.session, CabinetDesired.cabinet_id, cabinet_ids))
    rows = tx.session.scalars(found.order_by(CabinetDesired.cabinet_id).with_for_update())
    return {row.cabinet_id: row for row in rows}


def overtake_desired(tx: Transaction, signing: SigningService, cabinet_id: str, held: int) -> None:
    """Give the desired state a version above `held`, which this database did not issue (ADR 0021).

    `held` is above ours, or ours with other content: this database was restored from a backup.
    """
    row = desired_of(tx, cabinet_id)
    if not follow(tx, VersionKind.DESIRED, {cabinet_id: held}, row.version):
        return
    row.version, row.changed_at = _next_version(tx, row), tx.now
    row.state = {**row.state, "version": row.version}
    resend_desired(tx, signing, cabinet_id)


def desired_of(tx: Transaction, cabinet_id: str, *, lock: bool = True) -> CabinetDesired:
    """Row of a cabinet, locked for a change; NotFoundError when there is none."""
    row = tx.session.get(CabinetDesired, cabinet_id, with_for_update=lock)
    if row is None:
        raise NotFoundError("cabinet", cabinet_id)
    return row


def desired_standings(tx: Transaction, cabinet_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Newest version and the one the cabinet said it applied."""
    columns = CabinetDesired.cabinet_id, CabinetDesired.version, CabinetDesired.applied_version
    rows = tx.session.execute(
        select(*columns).where(one_of(tx.session, CabinetDesired.cabinet_id, cabinet_ids))
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def note_applied(tx: Transaction, row: CabinetDesired, site_id: str, version: int) -> None:
    """The cabinet says it applied `version`."""
    if version < row.applied_version:
        return
    row.applied_version = version
    if version == row.version:
        row.refused_key, row.refused_reason = "", ""
        if row.drifting:
            row.drifting = False
            tx.announce(DesiredCaughtUp(row.cabinet_id, version))
    _tell(tx, row.cabinet_id, site_id)


def note_refused(
    tx: Transaction, row: CabinetDesired, site_id: str, version: int, refusal: tuple[str, str]
) -> None:
    """The cabinet says it refused `version`: key and reason; that is drift at once."""
    if version != row.version:
        return
    key, reason = refusal
    row.refused_key, row.refused_reason = key[:80], reason
    if not row.drifting:
        row.drifting = True
        tx.announce(DesiredDrifted(row.cabinet_id, version, f"{key}: {reason}"))
    _tell(tx, row.cabinet_id, site_id)


def find_drift(tx: Transaction) -> None:
    """Sweep: desired state not applied for 10 min becomes a fact (P-15)."""
    late = tx.now - timedelta(seconds=DESIRED_DRIFT_AFTER_SECONDS)
    rows = tx.session.scalars(
        select(CabinetDesired)
        .join(Cabinet, Cabinet.id == CabinetDesired.cabinet_id)
        .where(
            Cabinet.state == CabinetState.IN_SERVICE,
            CabinetDesired.applied_version < CabinetDesired.version,
            CabinetDesired.changed_at < late,
            CabinetDesired.drifting.is_(False),
        )
        .limit(DRIFTS_PER_SWEEP)
    )
    for row in rows:
        row.drifting = True
        tx.announce(DesiredDrifted(row.cabinet_id, row.version, "not applied within 10 min"))


def _next_version(tx: Transaction, row: CabinetDesired) -> int:
    held = highest_named(tx.session, VersionKind.DESIRED, row.version, row.cabinet_id)
    return held + 1


def _refuse_recalled(tx: Transaction, desired: Desired) -> None:
    rules = [rule for rule in active_rules(tx.session) if rule.terms.gtins]
    blocked = {}
    for planned in desired.planogram:
        place = Place(desired.cabinet, planned.slot, desired.site, desired.region)
        for rule in rules:
            # With the lot unknown only a rule without lot, serial and dates says yes.
            if match(rule, Goods(planned.gtin), place) is Match.YES:
                blocked[planned.slot] = rule.recall
    if blocked:
        raise RecalledGoodsError(blocked)


def _send(tx: Transaction, signing: SigningService, row: CabinetDesired) -> None:
    payload = msgspec.convert(row.state, Desired)
    send(tx, signing.fleet, row.cabinet_id, DownKind.DESIRED, signing.signed(payload))


def _tell(tx: Transaction, cabinet_id: str, site_id: str) -> None:
    changed(tx, [f"cabinet/{cabinet_id}"], "desired", cabinet_id, site_id)
