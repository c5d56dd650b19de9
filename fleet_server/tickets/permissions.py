"""Who may do what with a ticket now.

Split from `api.py`, so that the routes' checks and the `actions` shown are one and the same.
"""

from fleet_server.auth.rules import Actor, Permission, scope_of
from fleet_server.cabinets.models import Site
from fleet_server.errors import ForbiddenError, IllegalTransitionError
from fleet_server.notifications.rules import to_user
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.states import BY_OWNER, BY_PERSON, TICKET_LIFE, TicketState

EDIT_RECORD = "edit_record"
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


def actions(actor: Actor, ticket: Ticket, site: Site) -> list[str]:
    """Return what this person may do with the ticket now."""
    found = [str(step) for step in legal_steps(actor, ticket, site)]
    return [*found, EDIT_RECORD] if may_record(actor, ticket, site) else found
