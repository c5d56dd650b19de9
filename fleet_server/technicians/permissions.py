"""Who may see and change what of a technician.

Split from `api.py`: four files of routes ask the same questions.
"""

from fleet_server.auth.rules import Actor, Permission, Scope
from fleet_server.errors import ForbiddenError
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import locked_technician, technician_by_id
from fleet_server.transactions import Transaction


def is_self(actor: Actor, technician: Technician) -> bool:
    """Whether the caller is this technician."""
    return technician.user_id is not None and technician.user_id == actor.user_id


def may_manage(actor: Actor, technician: Technician) -> bool:
    """Whether the caller plans this technician."""
    return actor.may(Permission.DISPATCH, region=technician.region)


def covers(scope: Scope, region: str | None) -> bool:
    """Whether a thing of this region is in scope; one without region is everyone's."""
    return scope.everywhere or region in {None, *scope.regions}


def readable(tx: Transaction, actor: Actor, technician_id: str) -> Technician:
    """Technician the caller may see. Raises NotFoundError, ForbiddenError."""
    technician = technician_by_id(tx.session, technician_id)
    scope = actor.must_somewhere(Permission.VIEW)
    if not is_self(actor, technician) and not covers(scope, technician.region):
        raise ForbiddenError("this technician works elsewhere")
    return technician


def managed(tx: Transaction, actor: Actor, technician_id: str) -> Technician:
    """Technician the caller plans, locked. Raises NotFoundError, ForbiddenError."""
    technician = locked_technician(tx.session, technician_id)
    actor.must(Permission.DISPATCH, region=technician.region)
    return technician


def own_or_managed(tx: Transaction, actor: Actor, technician_id: str) -> Technician:
    """The caller as a technician, or one the caller plans, locked."""
    technician = locked_technician(tx.session, technician_id)
    if not is_self(actor, technician):
        actor.must(Permission.DISPATCH, region=technician.region)
    return technician


def own(tx: Transaction, actor: Actor, technician_id: str) -> Technician:
    """The caller as a technician, locked. Raises ForbiddenError for everybody else."""
    technician = locked_technician(tx.session, technician_id)
    if not is_self(actor, technician):
        raise ForbiddenError("only for the technician themselves")
    return technician


def actions(actor: Actor, technician: Technician) -> list[str]:
    """Return what this person may do with the technician now."""
    found = []
    if may_manage(actor, technician):
        found += ["change", "deactivate" if technician.active else "activate"]
        found += ["add_qualification", "add_shift", "add_absence", "move_stock"]
    elif is_self(actor, technician):
        found += ["add_absence", "move_stock"]
    if is_self(actor, technician):
        consented = technician.position_consent_at is not None
        found += ["set_position", "withdraw_consent"] if consented else ["give_consent"]
    return found
