"""The public notice of a recall: written as soon as somebody cannot be told directly.

Split from `service.py` by object: everything here keeps the public notices true.
"""

from fleet_server.audit.service import record
from fleet_server.cabinets.queries import sites_of
from fleet_server.live.service import changed
from fleet_server.notifications.rules import PUBLIC, About, Urgency, Words
from fleet_server.notifications.service import notify
from fleet_server.recalls import notice
from fleet_server.recalls.models import PublicNotice, Recall
from fleet_server.recalls.queries import cabinets_of, public_notices
from fleet_server.recalls.reach import content_of, product_names, sold_anywhere
from fleet_server.transactions import Transaction


def ensure_public_notice(tx: Transaction, recall: Recall, why: str) -> None:
    """Write the public notice unless it stands; a drill tells nobody (invariants 13, 15)."""
    standing = [one for one in public_notices(tx.session, recall.id) if one.until is None]
    if recall.mock or standing:
        return
    content = content_of(recall)
    tx.session.flush()
    cabinet_ids = [row.cabinet_id for row in cabinets_of(tx.session, recall.id)]
    sites = sites_of(tx.session, cabinet_ids).values()
    sold = sold_anywhere(content.scope, (site.name for site in sites))
    words = notice.words(content, product_names(tx.session, content), sold)
    _publish(tx, recall, "recall", words, why)


def publish_correction(tx: Transaction, recall: Recall) -> None:
    """Tell everybody who could read the public notice that it was withdrawn (invariant 17)."""
    if end_public_notices(tx, recall):
        words = notice.correction(content_of(recall))
        _publish(tx, recall, "correction", words, "the recall was withdrawn")


def end_public_notices(tx: Transaction, recall: Recall) -> bool:
    """End what stands; returns whether anything did."""
    standing = [one for one in public_notices(tx.session, recall.id) if one.until is None]
    for one in standing:
        one.until = tx.now
    return bool(standing)


def _publish(tx: Transaction, recall: Recall, kind: str, words: Words, why: str) -> None:
    tx.session.add(
        PublicNotice(
            id=tx.new_id(),
            recall_id=recall.id,
            kind=kind,
            title_zh=words.title_zh,
            title_en=words.title_en,
            body_zh=words.body_zh,
            body_en=words.body_en,
            why=why[:200],
            since=tx.now,
        )
    )
    tx.session.flush()
    notify(tx, PUBLIC, words, About("recall", recall.id), Urgency.URGENT)
    record(tx, f"recall.published.{kind}", "recall", recall.id, {"why": why})
    changed(tx, [f"recall/{recall.id}"], "recall", recall.id)
