"""Holds: one person stops the sale of a scope at once, for a limited time.

A hold keeps its own clock until a recall that was drafted from it is active: then the recall's
rules take its place without a gap. So a draft nobody approves never keeps goods blocked by one
person's word alone (invariant 22).
Split from `service.py` by object.
"""

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.errors import ConflictError
from fleet_server.live.service import FLEET, changed
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.recalls import scope as scopes
from fleet_server.recalls.models import Hold, HoldHistory
from fleet_server.recalls.queries import due_holds
from fleet_server.recalls.rules import hold_ends_at, hold_warning_at
from fleet_server.recalls.schemas import HoldOrder
from fleet_server.recalls.states import HOLD_LIFE, HoldState
from fleet_server.rules.service import lift_rules, put_rules
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.rules import BlockKind, Notice

HOLDS_PER_SWEEP = 50
TOLD = (Role.OPERATOR, Role.SUPERVISOR)
"""The two roles that hear of a hold's end before it comes (invariant 22)."""
_DEFAULT_NOTICE = Notice(zh="暂停销售", en="Sale is paused")


def set_hold(tx: Transaction, signing: SigningService, order: HoldOrder) -> Hold:
    """Stop the sale now. Raises MalformedMessageError for a scope no cabinet would obey."""
    until = hold_ends_at(tx.now, policy_in_force(tx.session).hold_expiry_seconds)
    notice = Notice(
        zh=order.notice.zh or _DEFAULT_NOTICE.zh, en=order.notice.en or _DEFAULT_NOTICE.en
    )
    hold_id = tx.new_id()
    rules = scopes.scope_to_rules(order.scope, hold_id, 1, BlockKind.HOLD, notice)
    issued = put_rules(tx, signing, hold_id, 1, rules)
    hold = Hold(
        id=hold_id,
        state=HOLD_LIFE.initial,
        scope=scopes.stored(order.scope),
        reason=order.reason,
        notice_zh=notice.zh,
        notice_en=notice.en,
        set_by=tx.actor,
        since=tx.now,
        until=until,
        look_at=hold_warning_at(tx.now, until),
        rules_version=issued.version,
    )
    tx.session.add(hold)
    tx.session.flush()
    _note(tx, hold, "set", order.reason)
    _tell(tx, hold, "hold.set")
    return hold


def renew(tx: Transaction, hold: Hold, reason: str) -> None:
    """Let it run its time once more, from now. Raises ConflictError the second time."""
    if hold.state != HoldState.ACTIVE:
        raise ConflictError(f"the hold is {hold.state}")
    if hold.renewed_at is not None:
        raise ConflictError("a hold is renewed once; make it a recall")
    hold.renewed_at = tx.now
    hold.until = hold_ends_at(tx.now, policy_in_force(tx.session).hold_expiry_seconds)
    hold.look_at, hold.warned_at = hold_warning_at(tx.now, hold.until), None
    _note(tx, hold, "renewed", reason)


def lift(tx: Transaction, signing: SigningService, hold: Hold, reason: str) -> None:
    """Let the goods be sold again, unless something else blocks them."""
    _end(tx, signing, hold, HoldState.LIFTED, reason)


def convert(tx: Transaction, signing: SigningService, hold: Hold, recall_id: str) -> None:
    """End a hold whose recall is in force; one that ended before is left as it is."""
    if hold.state == HoldState.ACTIVE:
        _end(tx, signing, hold, HoldState.CONVERTED, f"recall {recall_id}")


def link(tx: Transaction, hold: Hold, recall_id: str) -> None:
    """Note that a recall was drafted to take its place. Raises ConflictError for an ended one."""
    if hold.state != HoldState.ACTIVE:
        raise ConflictError(f"the hold is {hold.state}")
    hold.recall_id = recall_id
    _note(tx, hold, "drafted", f"recall {recall_id}")


def end_holds(signing: SigningService, tx: Transaction) -> None:
    """Sweep: warn before the end, then end, loudly."""
    for hold in due_holds(tx.session, tx.now, HOLDS_PER_SWEEP):
        if tx.now >= hold.until:
            _end(tx, signing, hold, HoldState.EXPIRED, "nobody renewed it or made it a recall")
            _tell(tx, hold, "hold.expired")
            continue
        hold.warned_at, hold.look_at = tx.now, hold.until
        _note(tx, hold, "warned", "")
        _tell(tx, hold, "hold.expiring")


def _end(
    tx: Transaction, signing: SigningService, hold: Hold, state: HoldState, reason: str
) -> None:
    hold.state = HOLD_LIFE.step(HoldState(hold.state), state)
    hold.ended_at, hold.look_at = tx.now, None
    lift_rules(tx, signing, hold.id)
    _note(tx, hold, state, reason)


def _note(tx: Transaction, hold: Hold, what: str, reason: str) -> None:
    tx.session.add(
        HoldHistory(hold_id=hold.id, at=tx.now, what=what, actor=tx.actor, reason=reason[:500])
    )
    record(tx, f"hold.{what}", "hold", hold.id, {"reason": reason, "until": hold.until.isoformat()})
    changed(tx, [FLEET, f"hold/{hold.id}"], "hold", hold.id)


def _tell(tx: Transaction, hold: Hold, kind: str) -> None:
    message = said(kind, reason=hold.reason, until=hold.until)
    for role in TOLD:
        notify(tx, to_role(role), message, About("hold", hold.id), Urgency.URGENT)
