"""Use cases of the registry: sites, cabinets, their life, and joining the fleet (P-19)."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleet_server.audit.service import record
from fleet_server.auth.queries import secret_hash
from fleet_server.cabinets.credentials import give, take_away
from fleet_server.cabinets.desired import first_desired, resend_desired, resend_desired_to
from fleet_server.cabinets.events import CabinetRetired
from fleet_server.cabinets.models import Cabinet, CabinetHistory, CabinetPresence, Claim, Site
from fleet_server.cabinets.queries import (
    cabinet_by_id,
    serial_is_known,
    serials_or_ids_known,
    site_by_id,
    used_claims,
)
from fleet_server.cabinets.states import CABINET_LIFE, CabinetState
from fleet_server.errors import ConflictError, ForbiddenError, InvalidError
from fleet_server.live.service import FLEET, changed
from fleet_server.seed import new_secret, new_secret_bytes
from fleet_server.service_levels.queries import newest_calendars
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.identity import checked_cabinet, shard_of
from protocol.intervals import Uplink

CLAIM_BYTES = 12
"""96 bits of chance: one-time, short-lived, and short enough to type.

In hexadecimal digits: a code that began with a dash would be an option to `edge-agent enrol`.
"""


class ClaimRefusedError(ForbiddenError):
    """This claim code does not let this cabinet in."""

    slug = "claim-refused"


@dataclass(frozen=True)
class Registration:
    """What is known of a cabinet before it joins; without id it gets one."""

    serial_number: str
    site_id: str
    kind: str
    uplink: Uplink
    perishable: bool = False
    cabinet_id: str | None = None


@dataclass(frozen=True)
class Enrolled:
    """What a cabinet is told when it joined; the credential is kept as hashes only."""

    cabinet: Cabinet
    credential: str


def add_site(tx: Transaction, **fields: Any) -> Site:
    """Register a site. Raises InvalidError for opening hours nobody published."""
    hours = fields.get("calendar")
    if hours and hours not in newest_calendars(tx.session):
        raise InvalidError("calendar", f"there is no calendar {hours!r}")
    site = Site(id=tx.new_id(), created_at=tx.now, **fields)
    tx.session.add(site)
    record(tx, "site.added", "site", site.id, {"name": site.name}, site.id)
    return site


def register(
    tx: Transaction, signing: SigningService, draft: Registration, threshold_profile: str
) -> Cabinet:
    """Register a cabinet before it joins; its first desired state is made with it.

    Raises ConflictError for an id or serial number that is known already.
    """
    site = site_by_id(tx.session, draft.site_id)
    cabinet_id = checked_cabinet(draft.cabinet_id or f"C{tx.new_id()[-12:].upper()}")
    if tx.session.get(Cabinet, cabinet_id) is not None:
        raise ConflictError(f"cabinet {cabinet_id} is registered already")
    if serial_is_known(tx.session, draft.serial_number):
        raise ConflictError(f"serial number {draft.serial_number} is registered already")
    cabinet = _drafted(tx, draft, cabinet_id)
    tx.session.add(cabinet)
    tx.session.flush()
    tx.session.add(CabinetPresence(cabinet_id=cabinet_id))
    first_desired(tx, signing, cabinet, site, threshold_profile)
    _note(tx, cabinet, "registered", {"serial": draft.serial_number})
    return cabinet


def make_claim(tx: Transaction, cabinet_id: str, lifetime: timedelta) -> tuple[str, Claim]:
    """Make a one-time claim code for a cabinet; returns the code, shown once."""
    cabinet = cabinet_by_id(tx.session, cabinet_id)
    if cabinet.state == CabinetState.RETIRED:
        raise ConflictError(f"cabinet {cabinet_id} is retired")
    code = new_secret_bytes(CLAIM_BYTES).hex()
    claim = Claim(
        code_hash=secret_hash(code),
        cabinet_id=cabinet_id,
        created_at=tx.now,
        expires_at=tx.now + lifetime,
    )
    tx.session.add(claim)
    record(tx, "claim.made", "cabinet", cabinet_id, site_id=cabinet.site_id)
    return code, claim


def enrol(tx: Transaction, signing: SigningService, code: str, serial_number: str) -> Enrolled:
    """Let a cabinet in against its claim code and serial number.

    A cabinet that is in already enters again only after an operator approved it; its old
    credential ends then (P-19). An answer may be lost on its way: until the first birth of an
    enrolled cabinet its last code lets it in again, each time with a new credential instead of
    the former. Raises ClaimRefusedError; a guesser of codes always gets the same sentence.
    """
    claim = tx.session.get(Claim, secret_hash(code), with_for_update=True)
    cabinet = tx.session.get(Cabinet, claim.cabinet_id) if claim else None
    if claim is None or cabinet is None or not _fits(tx.now, claim, cabinet, serial_number):
        raise ClaimRefusedError("claim code and serial number do not let a cabinet in")
    again = claim.used_at is not None
    if not again:
        _use(tx, claim, cabinet)
    credential = new_secret()
    give(cabinet, credential)
    if cabinet.state == CabinetState.REGISTERED:
        cabinet.state = CABINET_LIFE.step(CabinetState(cabinet.state), CabinetState.ENROLLED)
    _note(tx, cabinet, "enrolled", {"again": again})
    resend_desired(tx, signing, cabinet.id)
    return Enrolled(cabinet, credential)


def join_many(
    tx: Transaction, signing: SigningService, drafts: Sequence[Registration], threshold_profile: str
) -> list[Enrolled]:
    """Register cabinets and let them in: `register`, `make_claim`, `enrol` in few statements.

    For fleets of simulated cabinets; every draft has its id. Each has a claim as any cabinet has,
    used when it was made, with a code nobody was told. Raises ConflictError for an id or serial
    number that is known already.
    """
    ids = [checked_cabinet(draft.cabinet_id or "") for draft in drafts]
    known = serials_or_ids_known(tx.session, ids, [draft.serial_number for draft in drafts])
    if known:
        raise ConflictError(f"registered already: {', '.join(known[:5])}")
    cabinets = [_drafted(tx, draft, one) for draft, one in zip(drafts, ids, strict=True)]
    tx.session.add_all(cabinets)
    tx.session.flush()
    joined = [_let_in_at_once(tx, signing, one, threshold_profile) for one in cabinets]
    resend_desired_to(tx, signing, ids)
    return joined


def _let_in_at_once(
    tx: Transaction, signing: SigningService, cabinet: Cabinet, threshold_profile: str
) -> Enrolled:
    site = site_by_id(tx.session, cabinet.site_id)
    code = secret_hash(new_secret_bytes(CLAIM_BYTES).hex())
    used = {"created_at": tx.now, "expires_at": tx.now, "used_at": tx.now}
    tx.session.add(CabinetPresence(cabinet_id=cabinet.id))
    tx.session.add(Claim(code_hash=code, cabinet_id=cabinet.id, **used))
    first_desired(tx, signing, cabinet, site, threshold_profile)
    _note(tx, cabinet, "registered", {"serial": cabinet.serial_number})
    record(tx, "claim.made", "cabinet", cabinet.id, site_id=cabinet.site_id)
    credential = new_secret()
    give(cabinet, credential)
    cabinet.state = CABINET_LIFE.step(CabinetState(cabinet.state), CabinetState.ENROLLED)
    _note(tx, cabinet, "enrolled", {"again": False})
    changed(tx, [f"cabinet/{cabinet.id}"], "desired", cabinet.id, cabinet.site_id)
    return Enrolled(cabinet, credential)


def keys_for_cabinet(signing: SigningService) -> tuple[list[str], str]:
    """Public keys as base64: those that sign orders, and the one contacts are sealed to."""
    signers = [base64.b64encode(key).decode() for key in signing.public_keys]
    return signers, base64.b64encode(signing.sealing_public_key).decode()


def move_state(tx: Transaction, cabinet_id: str, wanted: str, reason: str) -> Cabinet:
    """Take a step of the cabinet's life; IllegalTransitionError when there is none."""
    cabinet = cabinet_by_id(tx.session, cabinet_id)
    state = CABINET_LIFE.step(CabinetState(cabinet.state), CABINET_LIFE.named(wanted))
    if state == CabinetState.ENROLLED:
        raise ConflictError("a cabinet enrols itself, with a claim code")
    cabinet.state = state
    _note(tx, cabinet, f"state.{state}", {"reason": reason})
    if state == CabinetState.RETIRED:
        take_away(cabinet)
        tx.announce(CabinetRetired(cabinet.id, cabinet.site_id))
    return cabinet


def came_into_service(tx: Transaction, cabinet: Cabinet) -> None:
    """Take an enrolled cabinet into service at its first birth."""
    if cabinet.state == CabinetState.ENROLLED:
        cabinet.state = CABINET_LIFE.step(CabinetState.ENROLLED, CabinetState.IN_SERVICE)
        _note(tx, cabinet, f"state.{cabinet.state}", {"reason": "first contact"})


def change(  # what may change
    tx: Transaction,
    signing: SigningService,
    cabinet_id: str,
    reason: str,
    site_id: str | None = None,
    muted_until: datetime | None = None,
    *,
    approve_reenrolment: bool = False,
) -> Cabinet:
    """Move to another site, mute, or approve that it enrols again; each is recorded."""
    cabinet = cabinet_by_id(tx.session, cabinet_id)
    if site_id is not None and site_id != cabinet.site_id:
        site = site_by_id(tx.session, site_id)
        before, cabinet.site_id = cabinet.site_id, site.id
        resend_desired(tx, signing, cabinet.id, moved_to=site)
        _note(tx, cabinet, "moved", {"from": before, "to": site.id, "reason": reason})
    if muted_until is not None:
        cabinet.muted_until = muted_until
        _note(tx, cabinet, "muted", {"until": muted_until.isoformat(), "reason": reason})
    if approve_reenrolment:
        cabinet.reenrolment_approved = True
        _note(tx, cabinet, "reenrolment.approved", {"reason": reason})
    return cabinet


def end_muting(tx: Transaction, cabinet: Cabinet) -> None:
    """Note that a muting is over."""
    cabinet.muted_until = None
    _note(tx, cabinet, "unmuted", {})


def _drafted(tx: Transaction, draft: Registration, cabinet_id: str) -> Cabinet:
    return Cabinet(
        id=cabinet_id,
        serial_number=draft.serial_number,
        site_id=draft.site_id,
        kind=draft.kind,
        uplink=draft.uplink,
        shard=shard_of(cabinet_id),
        state=CABINET_LIFE.initial,
        perishable=draft.perishable,
        created_at=tx.now,
    )


def _use(tx: Transaction, claim: Claim, cabinet: Cabinet) -> None:
    """Take a fresh code; those used before it are dead from now on."""
    if cabinet.state != CabinetState.REGISTERED and not cabinet.reenrolment_approved:
        raise ClaimRefusedError("the cabinet is enrolled; an operator has to approve it first")
    for former in used_claims(tx.session, cabinet.id):
        former.expires_at = min(former.expires_at, tx.now)
    claim.used_at = tx.now
    cabinet.reenrolment_approved = False


def _fits(now: datetime, claim: Claim, cabinet: Cabinet, serial_number: str) -> bool:
    return (
        (claim.used_at is None or cabinet.state == CabinetState.ENROLLED)
        and now < claim.expires_at
        and cabinet.serial_number == serial_number
        and cabinet.state != CabinetState.RETIRED
    )


def _note(tx: Transaction, cabinet: Cabinet, what: str, details: dict[str, Any]) -> None:
    tx.session.add(
        CabinetHistory(
            id=tx.new_id(),
            cabinet_id=cabinet.id,
            at=tx.now,
            what=what,
            actor=tx.actor,
            details=details,
        )
    )
    record(tx, f"cabinet.{what}", "cabinet", cabinet.id, details, cabinet.site_id)
    changed(tx, [FLEET, f"cabinet/{cabinet.id}"], "cabinet", cabinet.id, cabinet.site_id)
