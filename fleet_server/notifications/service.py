"""Use cases of notices: write one, read it, acknowledge it.

A notice is a row of the transaction that caused it and costs that transaction no more than the
row: who it goes to, and where, is worked out afterwards (`spreading.py`), and sending is done
outside of any transaction (`delivery.py`).
"""

from fleet_server.audit.service import record
from fleet_server.auth.rules import Actor
from fleet_server.live.service import changed
from fleet_server.notifications.events import NoticeAcknowledged
from fleet_server.notifications.models import Notice, NoticeReceipt
from fleet_server.notifications.queries import notice_for, receipt_of
from fleet_server.notifications.rules import About, Urgency, Words, leaves_by_channel
from fleet_server.notifications.states import NoticeState
from fleet_server.notifications.templates import Message, in_words, one_line
from fleet_server.transactions import Transaction

TOPIC = "notices"


def notify(
    tx: Transaction,
    audience: str,
    text: Message | Words,
    about: About,
    urgency: Urgency = Urgency.NORMAL,
    *,
    must_acknowledge: bool = False,
) -> Notice:
    """Write a notice in the caller's transaction; audiences are made by `rules.to_...`.

    `text` is `said(kind, ...)`; ready words only where the law or an author composed them.
    """
    words = in_words(text, about.zone or tx.zone) if isinstance(text, Message) else text
    leaves = leaves_by_channel(audience)
    notice = Notice(
        id=tx.new_id(),
        audience=audience,
        urgency=urgency,
        kind=text.kind if isinstance(text, Message) else "",
        title_zh=one_line(words.title_zh),
        title_en=one_line(words.title_en),
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
        must_acknowledge=must_acknowledge,
    )
    tx.session.add(notice)
    changed(tx, [TOPIC], "notice", notice.id, about.site_id)
    return notice


def acknowledge(tx: Transaction, actor: Actor, notice_id: str) -> Notice:
    """Somebody takes note of it; a second acknowledgement changes nothing. Raises NotFoundError."""
    notice = read(tx, actor, notice_id)
    if notice.acknowledged_at is None:
        notice.acknowledged_at, notice.acknowledged_by = tx.now, actor.name
        record(tx, "notice.acknowledged", "notice", notice.id, site_id=notice.site_id)
        tx.announce(NoticeAcknowledged(notice.id, notice.kind, notice.about_kind, notice.about_id))
        changed(tx, [TOPIC], "notice", notice.id, notice.site_id)
    return notice


def read(tx: Transaction, actor: Actor, notice_id: str) -> Notice:
    """A person has read it; the first time counts. Raises NotFoundError."""
    notice = notice_for(tx.session, actor, notice_id)
    user_id = actor.user_id
    if user_id is not None and receipt_of(tx.session, notice_id, user_id) is None:
        tx.session.add(NoticeReceipt(notice_id=notice_id, user_id=user_id, read_at=tx.now))
        changed(tx, [TOPIC], "notice", notice.id, notice.site_id)
    return notice
