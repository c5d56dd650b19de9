"""Routes of depots, warehouses and vans.

Split from `api.py` by object.
"""

from functools import partial

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.errors import ForbiddenError
from fleet_server.technicians import parts
from fleet_server.technicians.models import Location
from fleet_server.technicians.parts_schemas import LocationOrder, LocationView
from fleet_server.technicians.permissions import covers
from fleet_server.technicians.queries import location_by_id, locations_within
from fleet_server.technicians.rules import LocationKind
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(prefix="/locations", tags=["technicians"])


@router.get("")
def list_locations(
    actor: CurrentActor,
    context: WebContext,
    kind: LocationKind | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[LocationView]:
    """List depots, warehouses and vans of the caller's regions."""
    found = locations_within(actor.must_somewhere(Permission.VIEW))
    if kind is not None:
        found = found.where(Location.kind == kind)
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Location.id, limit, after, partial(_view, actor))


@router.post("", status_code=201)
def add_location(
    order: LocationOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> LocationView:
    """Add a location."""
    actor.must(Permission.DISPATCH, region=order.region)

    def create(tx: Transaction) -> LocationView:
        return _view(actor, parts.add_location(tx, order))

    return create_once(
        context.transactions, actor.name, key, "locations", order, LocationView, create
    )


@router.get("/{location_id}")
def show_location(location_id: str, actor: CurrentActor, context: WebContext) -> LocationView:
    """Show one location."""
    with context.transactions.read() as tx:
        location = location_by_id(tx.session, location_id)
        if not covers(actor.must_somewhere(Permission.VIEW), location.region):
            raise ForbiddenError("this location is elsewhere")
        return _view(actor, location)


@router.put("/{location_id}")
def change_location(
    location_id: str, order: LocationOrder, actor: CurrentActor, context: WebContext
) -> LocationView:
    """Say anew what a location is."""
    with context.transactions.write(actor.name) as tx:
        location = location_by_id(tx.session, location_id)
        for region in (location.region, order.region):
            actor.must(Permission.DISPATCH, region=region)
        parts.change_location(tx, location, order)
        return _view(actor, location)


def _view(actor: Actor, location: Location) -> LocationView:
    view = LocationView.model_validate(location)
    view.actions = ["change"] if actor.may(Permission.DISPATCH, region=location.region) else []
    return view
