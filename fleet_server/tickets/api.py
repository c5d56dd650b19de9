"""Routes of tickets."""

from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.queries import user_by_id
from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import cabinet_by_id, site_by_id
from fleet_server.errors import ForbiddenError, InvalidError
from fleet_server.notifications.rules import to_user
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.parts_queries import parts_by_code
from fleet_server.tickets import proof, service
from fleet_server.tickets.by_hand import expect, linked_to_earlier
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.permissions import may_record, must_open, must_see, must_step
from fleet_server.tickets.queries import locked_ticket, ticket_by_id, tickets_within
from fleet_server.tickets.rules import (
    PERSON_ORIGIN,
    TECHNICIAN_ORIGIN,
    RecordFields,
    TicketKind,
)
from fleet_server.tickets.schemas import (
    RecordOrder,
    RecordView,
    TicketDetailView,
    TicketOrder,
    TicketTransition,
    TicketView,
)
from fleet_server.tickets.states import OPEN, TICKET_LIFE, WAITING, TicketState
from fleet_server.tickets.views import record_view, ticket_detail, ticket_views
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.faults import Severity

router = Router(prefix="/tickets", tags=["tickets"])


@router.get("")
def list_tickets(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    state: TicketState | None = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,  # a query parameter
    kind: TicketKind | None = None,
    priority: Priority | None = None,
    severity: Severity | None = None,
    site_id: Annotated[str | None, Query(max_length=36)] = None,
    cabinet_id: Annotated[str | None, Query(max_length=32)] = None,
    origin_id: Annotated[str | None, Query(max_length=80)] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[TicketView]:
    """List the tickets of the caller's sites and the caller's own work, newest first."""
    owner = to_user(actor.user_id) if actor.user_id is not None else None
    found = tickets_within(actor.must_somewhere(Permission.VIEW), owner)
    wanted = {
        Ticket.state: state,
        Ticket.kind: kind,
        Ticket.priority: priority,
        Ticket.severity: severity,
        Ticket.site_id: site_id,
        Ticket.cabinet_id: cabinet_id,
        Ticket.origin_id: origin_id,
    }
    for column, value in wanted.items():
        if value is not None:
            found = found.where(column == value)
    if is_open is not None:
        found = found.where(Ticket.state.in_(OPEN) if is_open else Ticket.state.not_in(OPEN))
    if since is not None:
        found = found.where(Ticket.opened_at >= since)
    if until is not None:
        found = found.where(Ticket.opened_at < until)
    with context.transactions.read() as tx:
        page = page_of(tx.session, found, Ticket.id, limit, after, lambda row: row)
        return Page(items=ticket_views(tx, actor, page.items), next=page.next)


@router.post("", status_code=201)
def open_ticket(
    order: TicketOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> TicketView:
    """Open a ticket by hand: operators and dispatchers, and technicians where they work."""

    def create(tx: Transaction) -> TicketView:
        new = linked_to_earlier(tx, _new_ticket(tx, actor, order))
        ticket = service.open_ticket(tx, new)
        return ticket_views(tx, actor, [ticket])[0]

    return create_once(context.transactions, actor.name, key, "tickets", order, TicketView, create)


@router.get("/{ticket_id}")
def show_ticket(ticket_id: str, actor: CurrentActor, context: WebContext) -> TicketDetailView:
    """Show a ticket with its history, hand-overs, faults, clocks and record."""
    with context.transactions.read() as tx:
        ticket = ticket_by_id(tx.session, ticket_id)
        must_see(actor, ticket, site_by_id(tx.session, ticket.site_id))
        return ticket_detail(tx, actor, ticket)


@router.post("/{ticket_id}/transitions")
def move_ticket(
    ticket_id: str, order: TicketTransition, actor: CurrentActor, context: WebContext
) -> TicketDetailView:
    """Take a step; an illegal one answers with the legal ones."""
    with context.transactions.write(actor.name) as tx:
        ticket = locked_ticket(tx.session, ticket_id)
        site = site_by_id(tx.session, ticket.site_id)
        must_see(actor, ticket, site)
        to = TICKET_LIFE.named(order.to)
        must_step(actor, ticket, site, to)
        _step(tx, ticket, to, order)
        tx.session.flush()
        context.transactions.settle(tx)
        return ticket_detail(tx, actor, ticket)


@router.put("/{ticket_id}/record")
def save_record(
    ticket_id: str, order: RecordOrder, actor: CurrentActor, context: WebContext
) -> RecordView:
    """Write the service record, whole; it may be incomplete until the work is done."""
    with context.transactions.write(actor.name) as tx:
        ticket = locked_ticket(tx.session, ticket_id)
        site = site_by_id(tx.session, ticket.site_id)
        must_see(actor, ticket, site)
        if not may_record(actor, ticket, site):
            raise ForbiddenError("writing this service record is not permitted to you now")
        return record_view(proof.save_record(tx, ticket, _fields(tx, actor, ticket, site, order)))


def _new_ticket(tx: Transaction, actor: Actor, order: TicketOrder) -> service.NewTicket:
    site_id = order.site_id
    if order.cabinet_id is not None:
        cabinet = cabinet_by_id(tx.session, order.cabinet_id)
        if site_id not in {None, cabinet.site_id}:
            raise InvalidError("site_id", f"cabinet {cabinet.id} stands elsewhere")
        site_id = cabinet.site_id
    site = site_by_id(tx.session, site_id or "")
    by_technician = must_open(tx, actor, site)
    return service.NewTicket(
        kind=order.kind,
        priority=order.priority,
        site_id=site.id,
        cabinet_id=order.cabinet_id,
        component=order.component,
        skill=order.skill,
        title_zh=order.title_zh,
        title_en=order.title_en,
        description=order.description,
        level=order.level,
        needs_visit=order.needs_visit,
        origin_kind=TECHNICIAN_ORIGIN if by_technician else PERSON_ORIGIN,
        origin_id=actor.name,
    )


def _step(tx: Transaction, ticket: Ticket, to: TicketState, order: TicketTransition) -> None:
    reason = order.reason or f"by {tx.actor}"
    details = {"confirmed_by": order.confirmed_by, "follow_up": order.follow_up}
    before = ticket.state
    if to is TicketState.RESOLVED:
        proof.resolve(tx, ticket, reason)
    elif to is TicketState.VERIFIED:
        proof.verify(tx, ticket, reason, details)
    elif to is TicketState.REOPENED:
        service.reopen(tx, ticket, reason)
    elif to is TicketState.TRIAGED and before != TicketState.NEW:
        service.return_to_dispatch(tx, ticket, reason)
    else:
        service.move(tx, ticket, to, reason, details)
    if to is TicketState.IN_PROGRESS:
        service.hand_over(tx, ticket, tx.actor, reason)
    if to in WAITING:
        service.wait(tx, ticket, reason)
        expect(tx, ticket, order.expected_at)


def _fields(
    tx: Transaction, actor: Actor, ticket: Ticket, site: Site, order: RecordOrder
) -> RecordFields:
    user = user_by_id(tx.session, actor.user_id or "")
    parts = _parts(tx, order)
    given = order.model_dump(exclude={"parts"})
    filled = {
        "customer": site.name,
        "product": ticket.cabinet_id or site.name,
        "problem": f"{ticket.title_zh} / {ticket.title_en}",
        "person": user.display_name if user is not None else None,
    }
    return RecordFields(**{**given, **_not_stated(given, filled)}, parts=parts)


def _parts(tx: Transaction, order: RecordOrder) -> list[object] | None:
    """Parts as stated, each with its name. Raises InvalidError for an unknown code."""
    if order.parts is None:
        return None
    known = parts_by_code(tx.session, {part.code for part in order.parts if part.code})
    stated: list[object] = []
    for part in order.parts:
        if part.code is not None and part.code not in known:
            raise InvalidError("parts", f"no part has the code {part.code}")
        names = known.get(part.code or "")
        name = part.name or (f"{names.name_zh} / {names.name_en}" if names else "")
        stated.append({**part.model_dump(), "name": name})
    return stated


def _not_stated(given: dict[str, object], filled: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in filled.items() if given[name] is None}
