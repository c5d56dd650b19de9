"""Who may do what with a visit now: technicians with their own, dispatchers with all in scope.

Split from `api.py`, so that the routes' checks and the `actions` shown are one and the same.
"""

from fleet_server.auth.rules import Actor, Permission, Role, Scope, scope_of
from fleet_server.cabinets.models import Site
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.states import DECLINED, VISIT_LIFE, VisitState
from fleet_server.errors import ForbiddenError, IllegalTransitionError
from fleet_server.technicians.models import Technician

_BY_TECHNICIAN: dict[VisitState, list[str]] = {
    VisitState.OFFERED: [VisitState.ACCEPTED, DECLINED],
    VisitState.ACCEPTED: [VisitState.TRAVELLING, VisitState.ABORTED],
    VisitState.TRAVELLING: [VisitState.ON_SITE, VisitState.ABORTED],
    VisitState.ON_SITE: [VisitState.DONE, VisitState.ABORTED],
}
_BY_DISPATCHER: dict[VisitState, list[str]] = {
    **_BY_TECHNICIAN,
    VisitState.PLANNED: [VisitState.ABORTED],
    VisitState.OFFERED: [*_BY_TECHNICIAN[VisitState.OFFERED], VisitState.ABORTED],
}


def seen_scope(actor: Actor) -> Scope | None:
    """Return how far the caller sees others' visits; being a technician alone gives no sight."""
    desk = [grant for grant in actor.grants if grant.role is not Role.TECHNICIAN]
    return scope_of(desk, Permission.VIEW)


def is_theirs(actor: Actor, me: Technician | None, technician_id: str | None) -> bool:
    """Whether the caller is this technician and may work."""
    works = scope_of(actor.grants, Permission.WORK) is not None
    return works and me is not None and me.id == technician_id


def must_see(actor: Actor, me: Technician | None, visit: Visit, site: Site) -> None:
    """Raise ForbiddenError unless it is the caller's own visit or in their scope."""
    if is_theirs(actor, me, visit.technician_id):
        return
    scope = seen_scope(actor)
    covered = scope is not None and (
        scope.everywhere or site.id in scope.sites or site.region in scope.regions
    )
    if not covered:
        raise ForbiddenError("this visit is not yours")


def actions(actor: Actor, me: Technician | None, visit: Visit, site: Site) -> list[str]:
    """Return the steps this person may take now."""
    state = VisitState(visit.state)
    if actor.may(Permission.DISPATCH, site.id, site.region):
        return [str(step) for step in _BY_DISPATCHER.get(state, [])]
    if is_theirs(actor, me, visit.technician_id):
        return [str(step) for step in _BY_TECHNICIAN.get(state, [])]
    return []


def must_step(actor: Actor, me: Technician | None, visit: Visit, site: Site, to: str) -> None:
    """Raise IllegalTransitionError for a step that is not there, ForbiddenError for another's."""
    state = VisitState(visit.state)
    if to not in _BY_DISPATCHER.get(state, []):
        legal = actions(actor, me, visit, site)
        raise IllegalTransitionError(VISIT_LIFE.kind, state, to, legal)
    if to not in actions(actor, me, visit, site):
        raise ForbiddenError(f"moving this visit to {to} is not permitted to you")
