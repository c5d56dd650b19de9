"""Who may do what with holds and recalls, and who counts as the same person.

Split from `api.py`: the `actions` a view shows and the checks of the routes are one thing.
"""

from sqlalchemy.orm import Session

from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.models import Cabinet, Site
from fleet_server.errors import ForbiddenError
from fleet_server.recalls.models import Recall
from fleet_server.recalls.schemas import Scope
from fleet_server.recalls.states import RECALL_LIFE, RecallState

_P = Permission
_EITHER = frozenset({_P.RECALL_WRITE, _P.RECALL_APPROVE})

STEPS: dict[RecallState, frozenset[Permission]] = {
    RecallState.DRAFT: frozenset({_P.RECALL_WRITE}),
    RecallState.PENDING_APPROVAL: frozenset({_P.RECALL_WRITE}),
    RecallState.APPROVED: frozenset({_P.RECALL_APPROVE}),
    RecallState.REJECTED: frozenset({_P.RECALL_APPROVE}),
    RecallState.CANCELLED: _EITHER,
    RecallState.ACTIVE: _EITHER,
    RecallState.MONITORING: _EITHER,
    RecallState.CLOSED: _EITHER,
    RecallState.TERMINATED: frozenset({_P.RECALL_APPROVE}),
    RecallState.WITHDRAWN: _EITHER,
}
"""Any of these permits the step to that state."""


def person(actor: Actor) -> str:
    """Who it is, whichever account's program or session was used."""
    return actor.user_id or actor.name


def covers(session: Session, actor: Actor, permission: Permission, scope: Scope) -> bool:
    """Whether the permission reaches every place the scope does."""
    if actor.may(permission):
        return True
    places = _places(session, scope)
    return bool(places) and all(actor.may(permission, *place) for place in places)


def must_cover(session: Session, actor: Actor, permission: Permission, scope: Scope) -> None:
    """Raise ForbiddenError unless the permission `covers` the scope."""
    if not covers(session, actor, permission, scope):
        raise ForbiddenError(f"{permission} is not permitted to you for all of this scope")


def must_step(session: Session, actor: Actor, to: RecallState, scope: Scope) -> None:
    """Raise ForbiddenError unless this person may take a recall there."""
    if not _may_step(session, actor, to, scope):
        raise ForbiddenError(f"taking this recall to {to} is not permitted to you")


def recall_actions(
    session: Session, actor: Actor, recall: Recall, scope: Scope, authors: set[str]
) -> list[str]:
    """Return what this person may do with a recall now."""
    state = RecallState(recall.state)
    legal = RECALL_LIFE.legal(state)
    found = [str(step) for step in legal if _may_step(session, actor, step, scope)]
    if person(actor) in authors:
        found = [step for step in found if step != RecallState.APPROVED]
    if state is RecallState.DRAFT and covers(session, actor, _P.RECALL_WRITE, scope):
        found.append("edit")
    return found


def _may_step(session: Session, actor: Actor, to: RecallState, scope: Scope) -> bool:
    return any(covers(session, actor, permission, scope) for permission in STEPS[to])


def _places(session: Session, scope: Scope) -> list[tuple[str | None, str | None]]:
    """Sites and regions the scope is limited to; the narrowest list alone decides."""
    if scope.cabinets:
        cabinets = [session.get(Cabinet, one) for one in scope.cabinets]
        sites = [session.get(Site, one.site_id) if one else None for one in cabinets]
        return [(site.id, site.region) if site else (None, None) for site in sites]
    if scope.sites:
        found = [session.get(Site, one) for one in scope.sites]
        return [(site.id, site.region) if site else (None, None) for site in found]
    return [(None, region) for region in scope.regions]
