"""Routes of holds. Split from `api.py`: a hold is set by other people than a recall."""

from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.recalls import holds
from fleet_server.recalls import scope as scopes
from fleet_server.recalls.models import Hold
from fleet_server.recalls.permissions import must_cover
from fleet_server.recalls.queries import hold_by_id
from fleet_server.recalls.schemas import HoldOrder, HoldView, ReasonOrder
from fleet_server.recalls.states import HoldState
from fleet_server.recalls.views import hold_view
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(prefix="/holds", tags=["recalls"])


@router.get("")
def list_holds(
    actor: CurrentActor,
    context: WebContext,
    state: HoldState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[HoldView]:
    """List holds, newest first."""
    actor.must_somewhere(Permission.VIEW)
    found = select(Hold)
    if state is not None:
        found = found.where(Hold.state == state)
    with context.transactions.read() as tx:
        return page_of(
            tx.session, found, Hold.id, limit, after, lambda hold: hold_view(tx, actor, hold)
        )


@router.post("", status_code=201)
def set_hold(
    order: HoldOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> HoldView:
    """Stop the sale of a scope now, by one person, for a limited time."""

    def create(tx: Transaction) -> HoldView:
        must_cover(tx.session, actor, Permission.HOLD, order.scope)
        hold = holds.set_hold(tx, context.signing, order)
        tx.session.flush()
        return hold_view(tx, actor, hold)

    return create_once(context.transactions, actor.name, key, "holds", order, HoldView, create)


@router.get("/{hold_id}")
def show_hold(hold_id: str, actor: CurrentActor, context: WebContext) -> HoldView:
    """Show one hold with its history."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        return hold_view(tx, actor, hold_by_id(tx.session, hold_id))


@router.post("/{hold_id}/renew")
def renew_hold(
    hold_id: str, order: ReasonOrder, actor: CurrentActor, context: WebContext
) -> HoldView:
    """Let it run its time once more."""
    with context.transactions.write(actor.name) as tx:
        hold = _allowed(tx, actor, hold_id)
        holds.renew(tx, hold, order.reason)
        tx.session.flush()
        return hold_view(tx, actor, hold)


@router.post("/{hold_id}/lift")
def lift_hold(
    hold_id: str, order: ReasonOrder, actor: CurrentActor, context: WebContext
) -> HoldView:
    """Let the goods be sold again."""
    with context.transactions.write(actor.name) as tx:
        hold = _allowed(tx, actor, hold_id)
        holds.lift(tx, context.signing, hold, order.reason)
        tx.session.flush()
        return hold_view(tx, actor, hold)


def _allowed(tx: Transaction, actor: Actor, hold_id: str) -> Hold:
    hold = hold_by_id(tx.session, hold_id, lock=True)
    must_cover(tx.session, actor, Permission.HOLD, scopes.read(hold.scope))
    return hold
