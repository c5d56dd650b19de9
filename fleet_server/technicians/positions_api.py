"""Routes of positions and of the consent to keep them.

Split from `api.py` by object.
"""

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor
from fleet_server.errors import ForbiddenError
from fleet_server.technicians import positions
from fleet_server.technicians.models import Technician, TechnicianPosition
from fleet_server.technicians.permissions import is_self, may_manage, own, readable
from fleet_server.technicians.queries import position_of
from fleet_server.technicians.schemas import (
    ConsentOrder,
    ConsentView,
    PositionOrder,
    PositionView,
)
from fleet_server.web.context import WebContext
from fleet_server.web.routes import Router

router = Router(prefix="/technicians/{technician_id}", tags=["technicians"])


@router.put("/position-consent")
def set_consent(
    technician_id: str, order: ConsentOrder, actor: CurrentActor, context: WebContext
) -> ConsentView:
    """Agree that the position is kept, or take that back; only technicians for themselves."""
    with context.transactions.write(actor.name) as tx:
        technician = own(tx, actor, technician_id)
        positions.set_consent(tx, technician, given=order.given)
        return _consent_view(technician)


@router.put("/position")
def set_position(
    technician_id: str, order: PositionOrder, actor: CurrentActor, context: WebContext
) -> PositionView:
    """Say where one is; only technicians for themselves, with their consent on record."""
    with context.transactions.write(actor.name) as tx:
        technician = own(tx, actor, technician_id)
        row = positions.set_position(tx, technician, order.latitude, order.longitude)
        return _view(actor, technician, row)


@router.get("/position")
def show_position(technician_id: str, actor: CurrentActor, context: WebContext) -> PositionView:
    """Show the last position to whoever plans the technician, and to themselves."""
    with context.transactions.read() as tx:
        technician = readable(tx, actor, technician_id)
        if not is_self(actor, technician) and not may_manage(actor, technician):
            raise ForbiddenError("positions are for dispatchers")
        return _view(actor, technician, position_of(tx.session, technician_id, tx.now))


def _consent_view(technician: Technician) -> ConsentView:
    given_at = technician.position_consent_at
    shown = ["set_position", "withdraw_consent"] if given_at is not None else ["give_consent"]
    return ConsentView(technician_id=technician.id, given_at=given_at, actions=shown)


def _view(actor: Actor, technician: Technician, row: TechnicianPosition) -> PositionView:
    view = PositionView.model_validate(row)
    view.actions = ["set_position", "withdraw_consent"] if is_self(actor, technician) else []
    return view
