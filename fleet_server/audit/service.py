"""Record a change, verify the chain."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from fleet_server.audit.models import AuditEntry, AuditHead
from fleet_server.audit.rules import GENESIS, canonical, chained, first_break
from fleet_server.transactions import Transaction

HEAD = 1
ROWS_AT_ONCE = 1_000
"""Entries in memory while a chain is verified."""


def record(
    tx: Transaction,
    action: str,
    kind: str,
    object_id: str,
    details: dict[str, Any] | None = None,
    site_id: str | None = None,
) -> None:
    """Append one entry in the transaction of the change itself, as the last thing it does.

    `details` must be JSON and must hold neither secrets nor personal data.
    """
    said = {
        "at": _instant(tx.now),
        "actor": tx.actor,
        "action": action,
        "kind": kind,
        "object": object_id,
        "site": site_id,
        "details": details or {},
    }
    tx.at_end(_append, said)


def _append(tx: Transaction, entries: Sequence[dict[str, Any]]) -> None:
    head = _locked_head(tx)
    rows = []
    for said in entries:
        head.seq += 1
        text = canonical({"seq": head.seq, **said})
        head.hash = chained(head.hash, text)
        rows.append(
            {
                "seq": head.seq,
                "at": tx.now,
                "actor": said["actor"],
                "action": said["action"],
                "kind": said["kind"],
                "object_id": said["object"],
                "site_id": said["site"],
                "details": said["details"],
                "text": text,
                "hash": head.hash,
            }
        )
    tx.session.execute(insert(AuditEntry), rows)


def verify(tx: Transaction) -> int | None:
    """Sequence of the first entry that was changed or removed; None when the chain is whole."""
    rows = tx.session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).yield_per(ROWS_AT_ONCE)
    newest = (0, GENESIS)

    def whole() -> Iterator[tuple[int, str, str]]:
        nonlocal newest
        for row in rows:
            newest = (row.seq, row.hash)
            # Auditors read the columns: one that no longer says what was hashed is a break too.
            yield row.seq, row.text if json.loads(row.text) == _said(row) else "", row.hash

    broken = first_break(whole())
    if broken is not None:
        return broken
    head = tx.session.get(AuditHead, HEAD)
    end = (head.seq, head.hash) if head is not None else (0, GENESIS)
    return None if end == newest else max(end[0], newest[0])


def _said(row: AuditEntry) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": _instant(row.at),
        "actor": row.actor,
        "action": row.action,
        "kind": row.kind,
        "object": row.object_id,
        "site": row.site_id,
        "details": row.details,
    }


def _locked_head(tx: Transaction) -> AuditHead:
    tx.session.flush()  # what the look-up below reads anew must not be waiting unwritten
    head = tx.session.get(AuditHead, HEAD, with_for_update=True, populate_existing=True)
    if head is None:
        head = AuditHead(id=HEAD, seq=0, hash=GENESIS)
        tx.session.add(head)
        tx.session.flush()
    return head


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
