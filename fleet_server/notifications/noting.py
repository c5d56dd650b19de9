"""What came of sending: sent, tried again later, failed; and what follows from a failure.

Split from `delivery.py`: this is the transaction after sending. An urgent notice that reached a
person by none of the ways it went goes by the person's other ways; when those fail too, whoever
is on call hears of it. That notice has no such ladder of its own, so the climb is bounded.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, update

from fleet_server.bulk import one_of
from fleet_server.logs import get_logger
from fleet_server.notifications.doors import Outcome, Parcel, Result, Tried
from fleet_server.notifications.models import Notice, NoticeAddress, NoticeDelivery
from fleet_server.notifications.preferences import NO_WISHES, wishes_of
from fleet_server.notifications.queries import (
    addresses_of,
    deliveries_of,
    name_of,
    notices_by_id,
    notices_of,
    overdue_deliveries,
    states_of,
    waiting_at,
    waiting_deliveries,
)
from fleet_server.notifications.rules import (
    ATTEMPTS_MAX,
    ON_CALL,
    About,
    Urgency,
    retry_delay,
    to_user,
)
from fleet_server.notifications.service import notify
from fleet_server.notifications.spreading import delivery, settle
from fleet_server.notifications.states import DELIVERY_LIFE, WAITING, NoticeState
from fleet_server.notifications.templates import InBoth, said
from fleet_server.transactions import Transaction

log = get_logger("notifications")

AGE_MAX = timedelta(hours=48)
"""A delivery that waited so long has failed, whatever for: longer than any quiet hours."""
OLD_PER_ROUND = 200
UNDELIVERED = "notice.undelivered"
KEPT_FOR = timedelta(days=90)
"""How long it is known what became of a delivery; the notice itself stays."""


def note(tx: Transaction, parcel: Parcel, tried: Sequence[Tried]) -> None:
    """Note what came of a parcel and let go of its address. Untried letters stay due."""
    address = tx.session.get_one(NoticeAddress, parcel.address_id, with_for_update=True)
    if address.leased_until == parcel.leased_until:
        address.leased_until = None  # else it ended, and another sender has the address now
    touched: set[str] = set()
    for letter, outcome in tried:
        touched |= set(notices_of(tx.session, letter.delivery_ids))
        if outcome.result is Result.TAKEN:
            _sent(tx, letter.delivery_ids)
        elif outcome.result is Result.GONE:
            lose_address(tx, address, outcome.reason)
        else:
            rows = waiting_deliveries(tx.session, letter.delivery_ids)
            _refused(tx, address, rows, outcome)
    settle_all(tx, touched)


def hold(tx: Transaction, delivery_ids: Sequence[str], until: datetime) -> None:
    """Hold deliveries back until quiet hours end."""
    rows = waiting_deliveries(tx.session, delivery_ids)
    for row in rows:
        _step(row, NoticeState.HELD)
        row.next_attempt_at = until
    settle_all(tx, {row.notice_id for row in rows})


def lose_address(tx: Transaction, address: NoticeAddress, reason: str) -> None:
    """Give up an address that does not exist any more, and what waits for it."""
    address.removed_at = address.removed_at or tx.now
    log.warning("notice.address_lost", address=address.id, reason=reason)
    waiting = waiting_at(tx.session, address.id)
    _fail(tx, waiting, reason)
    settle_all(tx, {row.notice_id for row in waiting})


def give_up_old(tx: Transaction) -> None:
    """Fail what waited for AGE_MAX: a channel that hangs for ever, or never has its turn."""
    old = overdue_deliveries(tx.session, tx.now - AGE_MAX, OLD_PER_ROUND)
    if old:
        _fail(tx, old, "too old")
        settle_all(tx, {row.notice_id for row in old})


def forget_old_deliveries(tx: Transaction) -> None:
    """Sweep: drop deliveries that ended and are older than KEPT_FOR."""
    old = NoticeDelivery.created_at < tx.now - KEPT_FOR
    ended = NoticeDelivery.state.in_(DELIVERY_LIFE.final)  # as the index begins
    tx.session.execute(delete(NoticeDelivery).where(old, ended))


def settle_all(tx: Transaction, notice_ids: Iterable[str]) -> None:
    """Let these notices say what their deliveries say together, as long as they wait."""
    tx.session.flush()
    notices = notices_by_id(tx.session, notice_ids)
    states = states_of(tx.session, notices)
    for key, notice in notices.items():
        if NoticeState(notice.state) in WAITING:
            settle(tx, notice, states[key])


def _sent(tx: Transaction, delivery_ids: Sequence[str]) -> None:
    """End deliveries in one statement: a digest stands for hundreds."""
    waiting = NoticeDelivery.state.in_(WAITING)
    ended = {"state": NoticeState.SENT, "next_attempt_at": None, "ended_at": tx.now, "error": ""}
    mine = one_of(tx.session, NoticeDelivery.id, delivery_ids)
    tx.session.execute(update(NoticeDelivery).where(mine, waiting).values(ended))


def _step(row: NoticeDelivery, to: NoticeState) -> None:
    if row.state != to:
        row.state = DELIVERY_LIFE.step(NoticeState(row.state), to)


def _end(tx: Transaction, row: NoticeDelivery, state: NoticeState, error: str = "") -> None:
    _step(row, state)
    row.next_attempt_at, row.ended_at, row.error = None, tx.now, error[:120]


def _refused(
    tx: Transaction, address: NoticeAddress, rows: Sequence[NoticeDelivery], outcome: Outcome
) -> None:
    """Try again later: the address waits as a whole, since its other letters fare no better."""
    attempts = max((row.attempts for row in rows), default=0) + 1
    wait = max(retry_delay(attempts, tx.chance.uniform(0, 1)), outcome.wait or timedelta(0))
    address.not_before = tx.now + wait
    for row in rows:
        _step(row, NoticeState.PENDING)
        row.attempts += 1
        row.next_attempt_at, row.error = tx.now + wait, outcome.reason[:120]
    _fail(tx, [row for row in rows if row.attempts >= ATTEMPTS_MAX], outcome.reason)


def _fail(tx: Transaction, rows: Sequence[NoticeDelivery], reason: str) -> None:
    for row in rows:
        _end(tx, row, NoticeState.FAILED, reason)
        log.error("notice.not_delivered", delivery=row.id, notice=row.notice_id, reason=reason)
    urgent = [row for row in rows if row.urgency == Urgency.URGENT]
    if urgent:
        tx.session.flush()
        _climb(tx, urgent)


def _climb(tx: Transaction, failed: Sequence[NoticeDelivery]) -> None:
    notices = notices_by_id(tx.session, {row.notice_id for row in failed})
    every = deliveries_of(tx.session, notices)
    for row in {(one.notice_id, one.user_id): one for one in failed}.values():
        notice = notices[row.notice_id]
        # A shared channel is for all: it is missed only when the notice reached nobody at all.
        same = [
            one
            for one in every
            if one.notice_id == row.notice_id and row.user_id in {one.user_id, None}
        ]
        if any(one.state in WAITING or one.state == NoticeState.SENT for one in same):
            continue
        more = _other_ways(tx, notice, row, {one.address_id for one in same})
        tx.session.add_all(more)
        if not more:
            _tell_on_call(tx, notice, row)


def _other_ways(
    tx: Transaction, notice: Notice, row: NoticeDelivery, used: set[str | None]
) -> list[NoticeDelivery]:
    if row.user_id is None:
        return []
    wishes = wishes_of(tx, [row.user_id]).get(row.user_id, NO_WISHES)
    unused = [one for one in addresses_of(tx.session, [to_user(row.user_id)]) if one.id not in used]
    return [delivery(tx, notice, one, row.user_id, wishes, row.rung + 1) for one in unused]


def _tell_on_call(tx: Transaction, notice: Notice, row: NoticeDelivery) -> None:
    if notice.kind == UNDELIVERED:
        return
    who = notice.audience if row.user_id is None else name_of(tx.session, row.user_id)
    message = said(UNDELIVERED, title=InBoth(notice.title_zh, notice.title_en), who=who)
    about = About(notice.about_kind, notice.about_id, notice.site_id, notice.region)
    notify(tx, ON_CALL, message, about, Urgency.URGENT, must_acknowledge=True)
