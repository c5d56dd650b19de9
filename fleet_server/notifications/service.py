"""Write notices; acknowledge them; hand the due ones to a sender outside the transaction.

Delivery is at least once: a process that dies between sending and noting it lets the notice leave
again after CLAIM. Losing one would be worse.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from fleet_server.audit.service import record
from fleet_server.auth.rules import Actor
from fleet_server.live.service import changed
from fleet_server.logs import get_logger
from fleet_server.notifications.models import Notice
from fleet_server.notifications.queries import due_notices, notice_for
from fleet_server.notifications.rules import (
    ATTEMPTS_MAX,
    About,
    Urgency,
    Words,
    channel_digest,
    leaves_by_channel,
    retry_delay,
)
from fleet_server.notifications.states import NOTICE_LIFE, NoticeState
from fleet_server.transactions import Transaction, Transactions

log = get_logger("notifications")

CLAIM_MAX = 20
"""Notices of one round: at 5 s a channel (apprise's own time-out is 4 s) a round stays bounded."""
CLAIM = timedelta(minutes=5)
"""A round that takes longer has died; its notices are due again."""
TOPIC = "notices"

Send = Callable[[str, str, str], bool]
"""`send(url, title, body)`: True when the channel took it. Raising counts as False."""


def notify(
    tx: Transaction,
    audience: str,
    words: Words,
    about: About,
    urgency: Urgency = Urgency.NORMAL,
) -> Notice:
    """Write a notice in the caller's transaction; audiences are made by `rules.to_...`."""
    leaves = leaves_by_channel(audience)
    notice = Notice(
        id=tx.new_id(),
        audience=audience,
        urgency=urgency,
        title_zh=words.title_zh,
        title_en=words.title_en,
        body_zh=words.body_zh,
        body_en=words.body_en,
        about_kind=about.kind,
        about_id=about.id,
        site_id=about.site_id,
        region=about.region,
        state=NoticeState.PENDING if leaves else NoticeState.KEPT,
        attempts=0,
        next_attempt_at=tx.now if leaves else None,
        sent_to=[],
        created_at=tx.now,
    )
    tx.session.add(notice)
    changed(tx, [TOPIC], "notice", notice.id, about.site_id)
    return notice


def acknowledge(tx: Transaction, actor: Actor, notice_id: str) -> Notice:
    """Somebody saw it; a second acknowledgement changes nothing. Raises NotFoundError."""
    notice = notice_for(tx.session, actor, notice_id)
    if notice.acknowledged_at is None:
        notice.acknowledged_at, notice.acknowledged_by = tx.now, actor.name
        record(tx, "notice.acknowledged", "notice", notice.id, site_id=notice.site_id)
        changed(tx, [TOPIC], "notice", notice.id, notice.site_id)
    return notice


@dataclass(frozen=True)
class _Parcel:
    notice_id: str
    title: str
    body: str
    urls: tuple[str, ...]


class Deliverer:
    """Sends due notices by all channels of the installation."""

    def __init__(self, channels: list[str]) -> None:
        """`channels`: apprise URLs; none means that notices are kept and shown."""
        self._channels = {channel_digest(url): url for url in channels}

    def deliver_due(self, transactions: Transactions, send: Send) -> int:
        """Send a bounded number of due notices; returns how many were looked at."""
        with transactions.write("system:notices") as tx:
            parcels = self._claim(tx)
        for parcel in parcels:
            taken = [channel_digest(url) for url in parcel.urls if _sent(send, url, parcel)]
            with transactions.write("system:notices") as tx:
                self._note(tx, parcel.notice_id, taken)
        return len(parcels)

    def _claim(self, tx: Transaction) -> list[_Parcel]:
        notices = due_notices(tx.session, tx.now, CLAIM_MAX)
        if not self._channels:
            for notice in notices:
                _end(notice, NoticeState.KEPT)
            return []
        for notice in notices:
            notice.attempts += 1
            notice.next_attempt_at = tx.now + CLAIM
        return [self._parcel(notice) for notice in notices]

    def _parcel(self, notice: Notice) -> _Parcel:
        missing = [url for key, url in self._channels.items() if key not in notice.sent_to]
        return _Parcel(
            notice.id,
            f"{notice.title_zh} / {notice.title_en}",
            f"{notice.body_zh}\n{notice.body_en}".strip() or notice.title_en,
            tuple(missing),
        )

    def _note(self, tx: Transaction, notice_id: str, taken: list[str]) -> None:
        notice = tx.session.get_one(Notice, notice_id, with_for_update=True)
        if notice.state != NoticeState.PENDING:
            return
        notice.sent_to = [*notice.sent_to, *taken]
        if set(self._channels) <= set(notice.sent_to):
            _end(notice, NoticeState.SENT)
        elif notice.attempts >= ATTEMPTS_MAX:
            _end(notice, NoticeState.FAILED)
        else:
            notice.next_attempt_at = tx.now + retry_delay(notice.attempts)


def _end(notice: Notice, state: NoticeState) -> None:
    notice.state = NOTICE_LIFE.step(NoticeState(notice.state), state)
    notice.next_attempt_at = None


def _sent(send: Send, url: str, parcel: _Parcel) -> bool:
    # A channel is foreign code behind a network: whatever it raises means "not sent", is logged,
    # and is tried again until ATTEMPTS_MAX makes the notice visibly failed.
    try:
        return send(url, parcel.title, parcel.body)
    except Exception as error:  # noqa: BLE001  # said above
        log.warning("notice.not_sent", channel=channel_digest(url), error=type(error).__name__)
        return False
