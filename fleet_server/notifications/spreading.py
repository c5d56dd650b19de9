"""From a notice to its deliveries: who is to hear it, and at which addresses.

Split from `service.py`: this happens after the transaction that wrote the notice. A role notice
goes to each person who holds the role where the thing is, and to the channels of the role and of
the installation; to each address once, whoever shares it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fleet_server.auth.rules import Role
from fleet_server.live.service import changed
from fleet_server.logs import get_logger
from fleet_server.notifications.addresses import SharedChannels, shared_addresses
from fleet_server.notifications.models import Notice, NoticeAddress, NoticeDelivery
from fleet_server.notifications.preferences import NO_WISHES, Wishes, wishes_of
from fleet_server.notifications.queries import (
    active_people,
    addresses_of,
    holders_of,
    on_call_at,
    unspread_notices,
)
from fleet_server.notifications.rules import ATTEMPTS_MAX, ON_CALL, Urgency, retry_delay, to_user
from fleet_server.notifications.service import TOPIC
from fleet_server.notifications.states import NOTICE_LIFE, NoticeState, state_of
from fleet_server.transactions import Transaction

log = get_logger("notifications")

SPREAD_MAX = 50
"""Notices spread in one transaction: with 20 readers each it holds up other writers for 0.1 s."""
RECIPIENTS_MAX = 500
"""People one notice is sent to; more hold no role together. Those left over see it all the same."""
_ROLES = frozenset(Role)


@dataclass
class _Known:
    """What one transaction looked up already: notices of one outage have the same readers."""

    holders: dict[tuple[Role, str | None, str | None], list[str]] = field(default_factory=dict)
    wishes: dict[str, Wishes] = field(default_factory=dict)
    addresses: dict[str, list[NoticeAddress]] = field(default_factory=dict)


def spread(tx: Transaction, shared: SharedChannels) -> int:
    """Write the deliveries of a bounded number of notices; returns of how many."""
    notices = unspread_notices(tx.session, tx.now, SPREAD_MAX)
    known = _Known()
    for notice in notices:
        _spread(tx, notice, shared, known)
    return len(notices)


def spread_one(tx: Transaction, notice_id: str, shared: SharedChannels) -> None:
    """Write the deliveries of one notice, unless another worker has done so."""
    notice = tx.session.get_one(Notice, notice_id, with_for_update=True)
    if notice.next_attempt_at is not None:
        _spread(tx, notice, shared, _Known())


def set_aside(tx: Transaction, notice_id: str) -> None:
    """Try a notice that cannot be spread again later; after ATTEMPTS_MAX it is failed."""
    notice = tx.session.get_one(Notice, notice_id, with_for_update=True)
    notice.attempts += 1
    notice.next_attempt_at = tx.now + retry_delay(notice.attempts, tx.chance.uniform(0, 1))
    if notice.attempts >= ATTEMPTS_MAX:
        notice.next_attempt_at = None
        settle(tx, notice, [NoticeState.FAILED])


def settle(tx: Transaction, notice: Notice, deliveries: Iterable[NoticeState]) -> None:
    """Let the notice say what its deliveries say together."""
    before, after = NoticeState(notice.state), state_of(deliveries)
    if after is not before:
        notice.state = NOTICE_LIFE.step(before, after)
        changed(tx, [TOPIC], "notice", notice.id, notice.site_id)


def delivery(
    tx: Transaction,
    notice: Notice,
    address: NoticeAddress | None,
    user_id: str | None,
    wishes: Wishes = NO_WISHES,
    rung: int = 0,
) -> NoticeDelivery:
    """Return a delivery: kept without an address, held in quiet hours, else due at once."""
    urgency = Urgency(notice.urgency)
    quiet_until = None
    if urgency is not Urgency.URGENT and wishes.quiet_hours is not None:
        quiet_until = wishes.quiet_hours.end_after(tx.now)
    state, due = NoticeState.PENDING, tx.now
    if address is None:
        state = NoticeState.KEPT
    elif quiet_until is not None:
        state, due = NoticeState.HELD, quiet_until
    return NoticeDelivery(
        id=tx.new_id(),
        notice_id=notice.id,
        address_id=address.id if address else None,
        user_id=user_id,
        language=wishes.language,
        urgency=urgency,
        rung=rung,
        state=state,
        attempts=0,
        next_attempt_at=due if address else None,
        created_at=tx.now,
        ended_at=None if address else tx.now,
        error="" if address else "no channel",
    )


def _spread(tx: Transaction, notice: Notice, shared: SharedChannels, known: _Known) -> None:
    deliveries = _deliveries(tx, notice, shared, known)
    tx.session.add_all(deliveries)
    notice.next_attempt_at = None
    settle(tx, notice, (NoticeState(one.state) for one in deliveries))


def _deliveries(
    tx: Transaction, notice: Notice, shared: SharedChannels, known: _Known
) -> list[NoticeDelivery]:
    people, roles = _readers(tx, notice, known)
    made: list[NoticeDelivery] = []
    told: set[str] = set()  # digests: an address shared by several hears it once
    for address in shared_addresses(tx, shared, roles):
        if address.digest not in told:
            told.add(address.digest)
            made.append(delivery(tx, notice, address, None))
    _look_up(tx, people, known)
    for user_id in people:
        wishes = known.wishes[user_id]
        chosen = wishes.chosen(known.addresses[user_id], Urgency(notice.urgency))
        if not chosen:
            made.append(delivery(tx, notice, None, user_id, wishes))
        for address in chosen:
            if address.digest not in told:
                told.add(address.digest)
                made.append(delivery(tx, notice, address, user_id, wishes))
    return made


def _readers(tx: Transaction, notice: Notice, known: _Known) -> tuple[list[str], list[Role]]:
    """People a notice is for, and the roles whose channels hear it too."""
    kind, _, key = notice.audience.partition(":")
    if kind == "user":
        people, roles = active_people(tx.session, [key]), list[Role]()
    elif kind == "role" and key in _ROLES:
        people, roles = _holders(tx, notice, Role(key), known), [Role(key)]
    elif kind == "technician":  # without a login: a dispatcher has to ring them up
        people, roles = _holders(tx, notice, Role.DISPATCHER, known), [Role.DISPATCHER]
    elif notice.audience == ON_CALL:
        people, roles = _on_call(tx, notice, known)
    else:
        log.error("notice.audience_unknown", notice=notice.id, audience=notice.audience)
        people, roles = [], []
    if not people:
        log.warning("notice.for_nobody", notice=notice.id, audience=notice.audience)
    return people, roles


def _on_call(tx: Transaction, notice: Notice, known: _Known) -> tuple[list[str], list[Role]]:
    people = on_call_at(tx.session, tx.now)
    if people:
        return people, []
    log.error("notice.nobody_on_call", notice=notice.id, told="supervisors")
    return _holders(tx, notice, Role.SUPERVISOR, known), [Role.SUPERVISOR]


def _holders(tx: Transaction, notice: Notice, role: Role, known: _Known) -> list[str]:
    place = (role, notice.site_id, notice.region)
    if place not in known.holders:
        found = holders_of(tx.session, *place, RECIPIENTS_MAX + 1)
        if len(found) > RECIPIENTS_MAX:
            log.error("notice.too_many_recipients", role=role, told=RECIPIENTS_MAX)
        known.holders[place] = found[:RECIPIENTS_MAX]
    return known.holders[place]


def _look_up(tx: Transaction, people: Sequence[str], known: _Known) -> None:
    new = [user_id for user_id in people if user_id not in known.wishes]
    if not new:
        return
    known.wishes |= wishes_of(tx, new)
    known.addresses |= {user_id: [] for user_id in new}
    for address in addresses_of(tx.session, map(to_user, new)):
        known.addresses[address.owner.partition(":")[2]].append(address)
