"""Tickets as answers show them, with what the caller may do.

Split from `api.py`: two files of routes answer with them.
"""

from collections.abc import Iterable

from sqlalchemy import select

from fleet_server.attachments.models import Attachment
from fleet_server.attachments.queries import attachments_about
from fleet_server.attachments.schemas import AttachmentView
from fleet_server.auth.rules import Actor
from fleet_server.cabinets.models import Site
from fleet_server.service_levels.queries import clocks_of
from fleet_server.service_levels.schemas import ClockView
from fleet_server.tickets.models import ServiceRecord, Ticket
from fleet_server.tickets.permissions import actions
from fleet_server.tickets.queries import (
    faults_of,
    hand_overs_of,
    history_of,
    merged_into,
    notes_of,
    record_of,
    split_from,
)
from fleet_server.tickets.rules import RecordFields, missing_fields
from fleet_server.tickets.schemas import (
    HandOverView,
    LinkedTicketView,
    NoteView,
    RecordView,
    TicketDetailView,
    TicketFaultView,
    TicketHistoryView,
    TicketView,
)
from fleet_server.tickets.service import OWNER_KIND
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction


def ticket_views(tx: Transaction, actor: Actor, tickets: Iterable[Ticket]) -> list[TicketView]:
    """Show tickets as lists do."""
    rows = list(tickets)
    clocks = clocks_of(tx.session, OWNER_KIND, [ticket.id for ticket in rows])
    ids = {ticket.site_id for ticket in rows}
    sites = {site.id: site for site in tx.session.scalars(select(Site).where(Site.id.in_(ids)))}
    views = []
    for ticket in rows:
        view = TicketView.model_validate(ticket)
        view.clocks = [ClockView.model_validate(clock) for clock in clocks[ticket.id]]
        view.actions = actions(actor, ticket, sites[ticket.site_id])
        views.append(view)
    return views


def ticket_detail(tx: Transaction, actor: Actor, ticket: Ticket) -> TicketDetailView:
    """Show a ticket with all that belongs to it."""
    (view,) = ticket_views(tx, actor, [ticket])
    record = record_of(tx.session, ticket.id)
    return TicketDetailView(
        **dict(view),
        history=[
            TicketHistoryView.model_validate(row) for row in history_of(tx.session, ticket.id)
        ],
        hand_overs=[
            HandOverView.model_validate(row) for row in hand_overs_of(tx.session, ticket.id)
        ],
        faults=[TicketFaultView.model_validate(row) for row in faults_of(tx.session, ticket.id)],
        notes=[NoteView.model_validate(row) for row in notes_of(tx.session, ticket.id)],
        attachments=_attachments(tx, ticket),
        merged=_linked(tx, merged_into(tx.session, ticket.id)),
        split=_linked(tx, split_from(tx.session, ticket.id)),
        record=None if record is None else record_view(record),
    )


def record_view(row: ServiceRecord) -> RecordView:
    """Show a service record with what it lacks."""
    view = RecordView.model_validate(row)
    fields = RecordFields(
        **{name: getattr(row, name) for name in RecordFields.__dataclass_fields__}
    )
    view.missing = missing_fields(fields)
    return view


def _attachments(tx: Transaction, ticket: Ticket) -> list[AttachmentView]:
    found = attachments_about(OWNER_KIND, ticket.id).order_by(Attachment.id)
    return [AttachmentView.model_validate(row) for row in tx.session.scalars(found)]


def _linked(tx: Transaction, tickets: list[Ticket]) -> list[LinkedTicketView]:
    clocks = clocks_of(tx.session, OWNER_KIND, [ticket.id for ticket in tickets])
    return [
        LinkedTicketView(
            id=ticket.id,
            state=TicketState(ticket.state),
            title_zh=ticket.title_zh,
            title_en=ticket.title_en,
            breached=[clock.name for clock in clocks[ticket.id] if clock.breached_at is not None],
        )
        for ticket in tickets
    ]
