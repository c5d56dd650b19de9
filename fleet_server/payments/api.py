"""Routes of refunds: to look at; they are asked for by the features that owe them."""

from datetime import datetime

from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.payments.models import RefundOrder
from fleet_server.payments.states import RefundState
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page, View

router = Router(prefix="/refunds", tags=["payments"])


class RefundView(View):
    """A refund; the payment reference stays with the payment side."""

    id: str
    purpose: str
    charge: str
    amount_minor: int
    currency: str
    state: RefundState
    requested_by: str
    requested_at: datetime


@router.get("")
def list_refunds(
    actor: CurrentActor,
    context: WebContext,
    state: RefundState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[RefundView]:
    """List refunds, newest first."""
    actor.must(Permission.VIEW)
    found = select(RefundOrder)
    if state is not None:
        found = found.where(RefundOrder.state == state)
    with context.transactions.read() as tx:
        return page_of(tx.session, found, RefundOrder.id, limit, after, RefundView.model_validate)
