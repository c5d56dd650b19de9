"""Who may do what with a ticket now.

Split from `api.py`, so that the routes' checks and the `actions` shown are one and the same.
"""

from fleet_server.attachments.service import Subject
from fleet_server.auth.rules import Actor, Permission, scope_of
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import site_by_id
from fleet_server.errors import ForbiddenError, IllegalTransitionError
from fleet_server.notifications.rules import to_user
from fleet_server.tickets.errors import NotNowError
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import locked_ticket, ticket_by_id, works_at
from fleet_server.tickets.states import (
    ACTS,
    BY_OWNER,
    BY_PERSON,
    TICKET_LIFE,
    TicketAct,
    TicketState,
)
from fleet_server.transactions import Transaction

EDIT_RECORD = "edit_record"
_BY_OWNER_TOO = frozenset({TicketAct.ADD_NOTE, TicketAct.ATTACH})
"""What the technician who is accountable does, too."""
_VERIFYING = frozenset({TicketState.VERIFIED, TicketState.CLOSED})
_RECORDED_IN = frozenset(
    {
        TicketState.TRIAGED,
        TicketState.SCHEDULED,
        TicketState.IN_PROGRESS,
        TicketState.WAITING_PARTS,
        TicketState.WAITING_SITE,
        TicketState.RESOLVED,
        TicketState.REOPENED,
    }
)


def is_owner(actor: Actor, ticket: Ticket) -> bool:
    """Whether this person is the technician who is accountable for the ticket.

    Wherever their grant reaches: who was given the work may do it.
    """
    works = scope_of(actor.grants, Permission.WORK) is not None
    return works and actor.user_id is not None and ticket.owner == to_user(actor.user_id)


def must_see(actor: Actor, ticket: Ticket, site: Site) -> None:
    """Raise ForbiddenError unless the ticket is in the caller's scope, or their own work."""
    if not is_owner(actor, ticket):
        actor.must(Permission.VIEW, site.id, site.region)


def legal_steps(actor: Actor, ticket: Ticket, site: Site) -> list[TicketState]:
    """Return the steps this person may take now."""
    state = TicketState(ticket.state)
    steps: set[TicketState] = set(BY_OWNER[state]) if is_owner(actor, ticket) else set()
    if actor.may(Permission.TICKET, site.id, site.region):
        steps |= BY_PERSON[state] - _VERIFYING
    if actor.may(Permission.VERIFY, site.id, site.region):
        steps |= BY_PERSON[state] & (_VERIFYING | {TicketState.REOPENED})
    return sorted(steps)


def must_step(actor: Actor, ticket: Ticket, site: Site, to: TicketState) -> None:
    """Raise IllegalTransitionError for a step nobody may take now, ForbiddenError for others'."""
    legal = legal_steps(actor, ticket, site)
    if to in legal:
        return
    state = TicketState(ticket.state)
    if to in BY_PERSON[state]:
        raise ForbiddenError(f"moving this ticket to {to} is not permitted to you")
    raise IllegalTransitionError(TICKET_LIFE.kind, state, to, legal)


def may_record(actor: Actor, ticket: Ticket, site: Site) -> bool:
    """Whether this person may write the service record now."""
    mine = is_owner(actor, ticket) or actor.may(Permission.TICKET, site.id, site.region)
    return mine and ticket.state in _RECORDED_IN


def must_open(tx: Transaction, actor: Actor, site: Site) -> bool:
    """Raise ForbiddenError unless the caller may open tickets there.

    Returns whether it is as the technician who works there just now.
    """
    if actor.may(Permission.TICKET, site.id, site.region):
        return False
    works = scope_of(actor.grants, Permission.WORK) is not None and actor.user_id is not None
    if works and works_at(tx.session, to_user(actor.user_id or ""), site.id):
        return True
    raise ForbiddenError(f"opening tickets is not permitted to you at site {site.id}")


def attachment_subject(tx: Transaction, actor: Actor, ticket_id: str, locked: bool) -> Subject:  # noqa: FBT001  # as `SubjectOf` says
    """Return a ticket as a thing files belong to. Raises NotFoundError, ForbiddenError."""
    find = locked_ticket if locked else ticket_by_id
    ticket = find(tx.session, ticket_id)
    site = site_by_id(tx.session, ticket.site_id)
    must_see(actor, ticket, site)
    may_add = TicketAct.ATTACH in legal_acts(actor, ticket, site)
    return Subject("ticket", ticket.id, site.id, may_add)


def legal_acts(actor: Actor, ticket: Ticket, site: Site) -> list[TicketAct]:
    """Return what this person may do now beside taking steps."""
    permitted = set(TicketAct) if actor.may(Permission.TICKET, site.id, site.region) else set()
    if is_owner(actor, ticket):
        permitted |= _BY_OWNER_TOO
    return sorted(act for act in permitted if _makes_sense(act, ticket))


def must_act(actor: Actor, ticket: Ticket, site: Site, act: TicketAct) -> None:
    """Raise NotNowError for what makes no sense now, ForbiddenError for what is others'."""
    if act in legal_acts(actor, ticket, site):
        return
    if _makes_sense(act, ticket):
        raise ForbiddenError(f"{act} is not permitted to you for this ticket")
    raise NotNowError(ticket.id, ticket.state, act, actions(actor, ticket, site))


def actions(actor: Actor, ticket: Ticket, site: Site) -> list[str]:
    """Return what this person may do with the ticket now."""
    found = [str(step) for step in legal_steps(actor, ticket, site)]
    found += [EDIT_RECORD] if may_record(actor, ticket, site) else []
    return [*found, *legal_acts(actor, ticket, site)]


def _makes_sense(act: TicketAct, ticket: Ticket) -> bool:
    # In progress at a site, the technician who is there answers for it: to give it to another one
    # is to abort the visit.
    on_site = ticket.state == TicketState.IN_PROGRESS and ticket.needs_visit
    return ticket.state in ACTS[act] and not (act is TicketAct.HAND_OVER and on_site)
