"""The report of a recall: scope, timeline, cabinets, units, buyers, notices, money.

Figures are read from the rows of the recall at the moment of asking; nothing is kept twice.
Split from `queries.py`: it looks at every table of a recall and at none of its steps.
"""

from html import escape
from typing import Any

from fleet_server.payments.queries import amounts_by_state
from fleet_server.recalls.buyers import PURPOSE
from fleet_server.recalls.models import Recall
from fleet_server.recalls.queries import (
    buyers_of,
    cabinets_of,
    counts,
    public_notices,
    recall_history_of,
)
from fleet_server.recalls.reach import by_cabinet, content_of, stock_in
from fleet_server.stock.queries import last_bags, units_of
from fleet_server.stock.rules import Units
from fleet_server.transactions import Transaction


def report(tx: Transaction, recall: Recall) -> dict[str, Any]:
    """Return the report as JSON; a drill has the same sections (invariant 15)."""
    found = stock_in(tx.session, content_of(recall).scope)
    by_state = counts(tx.session, recall.id)
    return {
        "recall": {
            "id": recall.id,
            "state": recall.state,
            "revision": recall.revision,
            "content_hash": recall.content_hash,
            "approved_by": recall.approved_by,
            "approved_at": _instant(recall.approved_at),
            "approved_hash": recall.approved_hash,
            "activated_at": _instant(recall.activated_at),
            "ended_at": _instant(recall.ended_at),
            "rules_version": recall.rules_version,
            **recall.content,
        },
        "timeline": [
            {
                "at": _instant(step.at),
                "what": step.what,
                "person": step.person,
                "reason": step.reason,
                "content_hash": step.content_hash,
            }
            for step in recall_history_of(tx.session, recall.id)
        ],
        "cabinets": {"by_state": by_state[0], "rows": _cabinets(tx, recall)},
        "units": _units(found),
        "disposal": [
            {
                "cabinet": one.cabinet_id,
                "at": _instant(one.at),
                "units": one.quantity,
                "bag": one.bag,
                "why": one.why,
                "by": one.by,
            }
            for one in last_bags(tx.session, (one.line.id for one in found))
            if recall.activated_at is not None and one.at >= recall.activated_at
        ],
        "buyers": {"by_state": by_state[1], **_buyers(tx, recall)},
        "public_notices": [
            {"kind": one.kind, "since": _instant(one.since), "until": _instant(one.until)}
            for one in public_notices(tx.session, recall.id)
        ],
        "refunds_minor_by_state": amounts_by_state(tx.session, f"{PURPOSE}{recall.id}/"),
    }


def as_html(found: dict[str, Any]) -> str:
    """Return the report as a plain page that prints well."""
    title = escape(f"{found['recall']['title']['zh']} / {found['recall']['title']['en']}")
    sections = "".join(
        f"<h2>{escape(name)}</h2>{_html(section)}" for name, section in found.items()
    )
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        f"<title>{title}</title></head><body><h1>{title}</h1>{sections}</body></html>"
    )


def _cabinets(tx: Transaction, recall: Recall) -> list[dict[str, Any]]:
    return [
        {
            "cabinet": row.cabinet_id,
            "state": row.state,
            "match": row.match,
            "protected": row.acked_version is not None,
            "acked_at": _instant(row.acked_at),
            "expected_units": row.expected_units,
            "late": row.late,
            "reason": row.reason,
        }
        for row in cabinets_of(tx.session, recall.id)
    ]


def _units(found: list[Any]) -> dict[str, Any]:
    total = Units()
    rows: dict[str, Units] = {}
    for cabinet_id, lines in by_cabinet(found).items():
        rows[cabinet_id] = sum((units_of(one.line) for one in lines), Units())
        total += rows[cabinet_id]
    return {
        "total": vars(total),
        "balances": total.balances and all(units.balances for units in rows.values()),
        "by_cabinet": {cabinet_id: vars(units) for cabinet_id, units in rows.items()},
    }


def _buyers(tx: Transaction, recall: Recall) -> dict[str, Any]:
    buyers = buyers_of(tx.session, recall.id)
    return {
        "sales": len(buyers),
        "told": sum(buyer.told_at is not None for buyer in buyers),
        "late": sum(buyer.gap_seconds > 0 for buyer in buyers),
        "sold_under_block": sum(buyer.under_block for buyer in buyers),
    }


def _html(value: Any) -> str:
    if isinstance(value, dict):
        rows = "".join(
            f"<tr><th>{escape(str(key))}</th><td>{_html(one)}</td></tr>"
            for key, one in value.items()
        )
        return f"<table>{rows}</table>"
    if isinstance(value, list):
        return f"<ol>{''.join(f'<li>{_html(one)}</li>' for one in value)}</ol>"
    return escape("" if value is None else str(value))


def _instant(at: Any) -> str | None:
    return None if at is None else str(at.isoformat(timespec="milliseconds"))
