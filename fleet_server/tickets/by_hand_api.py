"""Routes of what people do to a ticket beside the steps of its life.

Split from `api.py` by verb.
"""

from collections.abc import Callable

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor
from fleet_server.cabinets.queries import site_by_id
from fleet_server.tickets import by_hand, merging
from fleet_server.tickets.by_hand_schemas import (
    AppointmentOrder,
    ExpectationOrder,
    HandOverOrder,
    MergeOrder,
    NoteOrder,
    PriorityOrder,
    SplitOrder,
)
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.permissions import must_act, must_see
from fleet_server.tickets.queries import locked_ticket, locked_tickets
from fleet_server.tickets.schemas import HandOverView, NoteView, TicketDetailView
from fleet_server.tickets.states import TicketAct
from fleet_server.tickets.views import ticket_detail
from fleet_server.transactions import Transaction
from fleet_server.web.context import Context, WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.routes import Router

router = Router(prefix="/tickets/{ticket_id}", tags=["tickets"])


@router.post("/merge")
def merge_ticket(
    ticket_id: str,
    order: MergeOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> TicketDetailView:
    """End this ticket as a part of another one of its site; answers with that one."""

    def create(tx: Transaction) -> TicketDetailView:
        both = locked_tickets(tx.session, [ticket_id, order.into])
        into = both[order.into]
        must_see(actor, into, site_by_id(tx.session, into.site_id))
        merging.merge(tx, _acting(tx, actor, both[ticket_id], TicketAct.MERGE), into, order.reason)
        return _settled(context, tx, actor, into)

    purpose = f"tickets/{ticket_id}/merge"
    return create_once(
        context.transactions, actor.name, key, purpose, order, TicketDetailView, create
    )


@router.post("/split", status_code=201)
def split_ticket(
    ticket_id: str,
    order: SplitOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> TicketDetailView:
    """Give some faults of this ticket to a new one; answers with the new one."""

    def create(tx: Transaction) -> TicketDetailView:
        ticket = _acting(tx, actor, locked_ticket(tx.session, ticket_id), TicketAct.SPLIT)
        title = (order.title_zh, order.title_en)
        made = merging.split(tx, ticket, order.fault_ids, title, order.reason)
        return _settled(context, tx, actor, made)

    purpose = f"tickets/{ticket_id}/split"
    return create_once(
        context.transactions, actor.name, key, purpose, order, TicketDetailView, create
    )


@router.post("/hand-overs", status_code=201)
def hand_over(
    ticket_id: str,
    order: HandOverOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> HandOverView:
    """Make somebody else accountable, who hears of it."""

    def create(tx: Transaction) -> HandOverView:
        ticket = _acting(tx, actor, locked_ticket(tx.session, ticket_id), TicketAct.HAND_OVER)
        return HandOverView.model_validate(by_hand.give_to(tx, ticket, order.to, order.reason))

    purpose = f"tickets/{ticket_id}/hand-overs"
    return create_once(context.transactions, actor.name, key, purpose, order, HandOverView, create)


@router.post("/notes", status_code=201)
def add_note(
    ticket_id: str,
    order: NoteOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> NoteView:
    """Keep what somebody wrote, word for word."""

    def create(tx: Transaction) -> NoteView:
        ticket = _acting(tx, actor, locked_ticket(tx.session, ticket_id), TicketAct.ADD_NOTE)
        return NoteView.model_validate(by_hand.add_note(tx, ticket, order.text))

    purpose = f"tickets/{ticket_id}/notes"
    return create_once(context.transactions, actor.name, key, purpose, order, NoteView, create)


@router.post("/appointment", status_code=201)
def appoint(
    ticket_id: str,
    order: AppointmentOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> TicketDetailView:
    """Keep when the site wants somebody to come; another one replaces it."""

    def create(tx: Transaction) -> TicketDetailView:
        ticket = _acting(tx, actor, locked_ticket(tx.session, ticket_id), TicketAct.APPOINT)
        by_hand.appoint(tx, ticket, order.start, order.end)
        return _settled(context, tx, actor, ticket)

    purpose = f"tickets/{ticket_id}/appointment"
    return create_once(
        context.transactions, actor.name, key, purpose, order, TicketDetailView, create
    )


@router.put("/priority")
def set_priority(
    ticket_id: str, order: PriorityOrder, actor: CurrentActor, context: WebContext
) -> TicketDetailView:
    """Say how urgent it is, with the reason; its clocks follow and keep their pauses."""

    def change(tx: Transaction, ticket: Ticket) -> None:
        by_hand.set_priority(tx, ticket, order.priority, order.reason)

    return _changed(context, actor, ticket_id, TicketAct.SET_PRIORITY, change)


@router.put("/expectation")
def expect(
    ticket_id: str, order: ExpectationOrder, actor: CurrentActor, context: WebContext
) -> TicketDetailView:
    """Say until when a waiting ticket waits."""

    def change(tx: Transaction, ticket: Ticket) -> None:
        by_hand.expect(tx, ticket, order.expected_at)

    return _changed(context, actor, ticket_id, TicketAct.EXPECT, change)


def _changed(
    context: Context,
    actor: Actor,
    ticket_id: str,
    act: TicketAct,
    change: Callable[[Transaction, Ticket], None],
) -> TicketDetailView:
    with context.transactions.write(actor.name) as tx:
        ticket = _acting(tx, actor, locked_ticket(tx.session, ticket_id), act)
        change(tx, ticket)
        return _settled(context, tx, actor, ticket)


def _acting(tx: Transaction, actor: Actor, ticket: Ticket, act: TicketAct) -> Ticket:
    """Return the ticket. Raises ForbiddenError, NotNowError."""
    site = site_by_id(tx.session, ticket.site_id)
    must_see(actor, ticket, site)
    must_act(actor, ticket, site, act)
    return ticket


def _settled(context: Context, tx: Transaction, actor: Actor, ticket: Ticket) -> TicketDetailView:
    """Show the ticket after all that follows from the change."""
    context.transactions.settle(tx)
    return ticket_detail(tx, actor, ticket)
