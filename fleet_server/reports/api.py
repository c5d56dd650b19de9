"""Routes of reports."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from fleet_server.audit.models import AuditEntry
from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.errors import InvalidError
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page, View

router = Router(tags=["reports"])

SEQUENCE_DIGITS_MAX = 18
"""Longer numbers may not fit a 64-bit column."""


class AuditView(View):
    """One entry of the audit log."""

    seq: int
    at: datetime
    actor: str
    action: str
    kind: str
    object_id: str
    details: dict[str, Any]
    hash: str


@router.get("/audit")
def audit_log(
    actor: CurrentActor,
    context: WebContext,
    object_id: str | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[AuditView]:
    """Who changed what, newest first."""
    actor.must(Permission.READ_AUDIT)
    found = select(AuditEntry)
    if object_id is not None:
        found = found.where(AuditEntry.object_id == object_id)
    with context.transactions.read() as tx:
        if after is not None:
            found = found.where(AuditEntry.seq < _sequence(after))
        return page_of(tx.session, found, AuditEntry.seq, limit, None, AuditView.model_validate)


def _sequence(after: str) -> int:
    if not (after.isascii() and after.isdecimal() and len(after) <= SEQUENCE_DIGITS_MAX):
        raise InvalidError("after", f"{after[:40]!r} is no cursor of this list")
    return int(after)
