"""Routes of sites, cabinets, claims, enrolment, desired state and orders."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets import orders, service
from fleet_server.cabinets.desired import PIN_HASH, desired_of, put_desired
from fleet_server.cabinets.models import (
    Cabinet,
    CabinetCommand,
    CabinetDesired,
    CabinetPresence,
    Site,
)
from fleet_server.cabinets.queries import cabinet_by_id, site_by_id, within
from fleet_server.cabinets.schemas import (
    CabinetChange,
    CabinetMove,
    CabinetOrder,
    CabinetView,
    ClaimOrder,
    ClaimView,
    CommandOrder,
    CommandView,
    DesiredOrder,
    DesiredView,
    EnrolmentOrder,
    EnrolmentView,
    PresenceView,
    SiteOrder,
    SiteView,
)
from fleet_server.cabinets.states import CABINET_LIFE, CabinetState
from fleet_server.errors import InvalidError
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.commands import CommandName
from protocol.intervals import Uplink

router = Router(tags=["cabinets"])


@router.get("/sites")
def list_sites(
    actor: CurrentActor, context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[SiteView]:
    """List sites in scope."""
    scope = actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        found = within(select(Site), Site.id, scope)
        return page_of(tx.session, found, Site.id, limit, after, SiteView.model_validate)


@router.post("/sites", status_code=201)
def add_site(
    order: SiteOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> SiteView:
    """Register a site."""
    actor.must(Permission.REGISTER, None, order.region)

    def create(tx: Transaction) -> SiteView:
        return SiteView.model_validate(service.add_site(tx, **order.model_dump()))

    return create_once(context.transactions, actor.name, key, "sites", order, SiteView, create)


@router.get("/cabinets")
def list_cabinets(  # filters of a list
    actor: CurrentActor,
    context: WebContext,
    state: CabinetState | None = None,
    site: str | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[CabinetView]:
    """List cabinets in scope."""
    scope = actor.must_somewhere(Permission.VIEW)
    found = within(select(Cabinet), Cabinet.site_id, scope)
    if state is not None:
        found = found.where(Cabinet.state == state)
    if site is not None:
        found = found.where(Cabinet.site_id == site)
    with context.transactions.read() as tx:
        return page_of(
            tx.session,
            found,
            Cabinet.id,
            limit,
            after,
            lambda cabinet: _view(tx, actor, cabinet),
            newest_first=False,
        )


@router.post("/cabinets", status_code=201)
def register(
    order: CabinetOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> CabinetView:
    """Register a cabinet before it joins."""

    def create(tx: Transaction) -> CabinetView:
        site = site_by_id(tx.session, order.site_id)
        actor.must(Permission.REGISTER, site.id, site.region)
        draft = service.Registration(
            serial_number=order.serial_number,
            site_id=order.site_id,
            kind=order.kind,
            uplink=order.uplink,
            perishable=order.perishable,
            cabinet_id=order.id,
        )
        profile = context.settings.threshold_profile
        cabinet = service.register(tx, context.signing, draft, profile)
        return _view(tx, actor, cabinet)

    return create_once(
        context.transactions, actor.name, key, "cabinets", order, CabinetView, create
    )


@router.get("/cabinets/{cabinet_id}")
def show_cabinet(cabinet_id: str, actor: CurrentActor, context: WebContext) -> CabinetView:
    """Show one cabinet."""
    with context.transactions.read() as tx:
        return _view(tx, actor, _allowed(tx, actor, Permission.VIEW, cabinet_id))


@router.patch("/cabinets/{cabinet_id}")
def change_cabinet(
    cabinet_id: str, order: CabinetChange, actor: CurrentActor, context: WebContext
) -> CabinetView:
    """Move, mute, or approve that it enrols again."""
    with context.transactions.write(actor.name) as tx:
        _allowed(tx, actor, Permission.REGISTER, cabinet_id)
        if order.site_id is not None:
            site = site_by_id(tx.session, order.site_id)
            actor.must(Permission.REGISTER, site.id, site.region)
        cabinet = service.change(
            tx,
            context.signing,
            cabinet_id,
            order.reason,
            order.site_id,
            order.muted_until,
            approve_reenrolment=bool(order.approve_reenrolment),
        )
        return _view(tx, actor, cabinet)


@router.post("/cabinets/{cabinet_id}/transitions")
def move_cabinet(
    cabinet_id: str, order: CabinetMove, actor: CurrentActor, context: WebContext
) -> CabinetView:
    """Take a step of the cabinet's life."""
    with context.transactions.write(actor.name) as tx:
        _allowed(tx, actor, Permission.REGISTER, cabinet_id)
        return _view(tx, actor, service.move_state(tx, cabinet_id, order.to, order.reason))


@router.post("/cabinets/{cabinet_id}/claims", status_code=201)
def make_claim(
    cabinet_id: str, order: ClaimOrder, actor: CurrentActor, context: WebContext
) -> ClaimView:
    """Make a one-time claim code; it is shown this once, so the request is not repeatable."""
    with context.transactions.write(actor.name) as tx:
        _allowed(tx, actor, Permission.REGISTER, cabinet_id)
        lifetime = timedelta(hours=order.lifetime_hours)
        code, claim = service.make_claim(tx, cabinet_id, lifetime)
    return ClaimView(cabinet_id=cabinet_id, claim_code=code, expires_at=claim.expires_at)


@router.post("/enrolments", status_code=201)
def enrol(order: EnrolmentOrder, context: WebContext) -> EnrolmentView:
    """Join the fleet with a claim code (P-19). The cabinet has no login: the code is its proof."""
    with context.transactions.write("system:enrolment") as tx:
        enrolled = service.enrol(tx, context.signing, order.claim_code, order.serial_number)
        signing_keys, sealing_key = service.keys_for_cabinet(context.signing)
    return EnrolmentView(
        cabinet=enrolled.cabinet.id,
        fleet=context.settings.fleet,
        shard=enrolled.cabinet.shard,
        brokers=context.settings.brokers_for_cabinet(enrolled.cabinet.shard),
        credential=enrolled.credential,
        signing_keys=signing_keys,
        sealing_key=sealing_key,
        uplink=Uplink(enrolled.cabinet.uplink),
        downlink_qos=context.settings.downlink_qos,
    )


@router.get("/cabinets/{cabinet_id}/desired")
def show_desired(cabinet_id: str, actor: CurrentActor, context: WebContext) -> DesiredView:
    """Desired beside applied."""
    with context.transactions.read() as tx:
        _allowed(tx, actor, Permission.VIEW, cabinet_id)
        return _desired_view(desired_of(tx, cabinet_id, lock=False))


@router.put("/cabinets/{cabinet_id}/desired")
def change_desired(
    cabinet_id: str, order: DesiredOrder, actor: CurrentActor, context: WebContext
) -> DesiredView:
    """Set the whole desired state; the next version is signed and sent.

    409 `recalled-goods`, with the recalls, where a slot is for goods recalled as a whole.
    """
    with context.transactions.write(actor.name) as tx:
        cabinet = _allowed(tx, actor, Permission.COMMAND, cabinet_id)
        site = site_by_id(tx.session, cabinet.site_id)
        row = put_desired(tx, context.signing, cabinet, site, order.model_dump())
        return _desired_view(row)


@router.get("/cabinets/{cabinet_id}/commands")
def list_commands(
    cabinet_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[CommandView]:
    """List orders to one cabinet, newest first."""
    with context.transactions.read() as tx:
        _allowed(tx, actor, Permission.VIEW, cabinet_id)
        found = select(CabinetCommand).where(CabinetCommand.cabinet_id == cabinet_id)
        show = CommandView.model_validate
        return page_of(tx.session, found, CabinetCommand.id, limit, after, show)


@router.post("/cabinets/{cabinet_id}/commands", status_code=201)
def give_order(
    cabinet_id: str,
    order: CommandOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> CommandView:
    """Give an order to one cabinet."""

    def create(tx: Transaction) -> CommandView:
        cabinet = _allowed(tx, actor, Permission.COMMAND, cabinet_id)
        ttl = timedelta(seconds=order.ttl_seconds)
        args = _args(order, actor)
        command = orders.order(tx, context.signing, cabinet, order.name, args, ttl)
        return CommandView.model_validate(command)

    return create_once(
        context.transactions,
        actor.name,
        key,
        f"cabinets/{cabinet_id}/commands",
        order,
        CommandView,
        create,
    )


@router.delete("/cabinets/{cabinet_id}/commands/{command_id}")
def cancel_order(
    cabinet_id: str, command_id: str, actor: CurrentActor, context: WebContext
) -> CommandView:
    """Cancel an order that has not left yet."""
    with context.transactions.write(actor.name) as tx:
        _allowed(tx, actor, Permission.COMMAND, cabinet_id)
        return CommandView.model_validate(orders.cancel(tx, cabinet_id, command_id))


def _args(order: CommandOrder, actor: Actor) -> dict[str, Any]:
    if order.name is not CommandName.RELEASE_HOLD:
        return order.args
    if "by" in order.args:
        raise InvalidError("args.by", "who inspected is the one who gives the order")
    return {**order.args, "by": actor.user_id or actor.name}


def _allowed(tx: Transaction, actor: Actor, permission: Permission, cabinet_id: str) -> Cabinet:
    cabinet = cabinet_by_id(tx.session, cabinet_id)
    site = site_by_id(tx.session, cabinet.site_id)
    actor.must(permission, site.id, site.region)
    return cabinet


def _view(tx: Transaction, actor: Actor, cabinet: Cabinet) -> CabinetView:
    site = site_by_id(tx.session, cabinet.site_id)
    live = tx.session.get(CabinetPresence, cabinet.id)
    desired = tx.session.get(CabinetDesired, cabinet.id)
    return CabinetView(
        id=cabinet.id,
        serial_number=cabinet.serial_number,
        site=SiteView.model_validate(site),
        kind=cabinet.kind,
        uplink=cabinet.uplink,
        shard=cabinet.shard,
        state=cabinet.state,
        perishable=cabinet.perishable,
        muted_until=cabinet.muted_until,
        live=PresenceView.model_validate(live) if live else None,
        desired_version=desired.version if desired else 0,
        desired_applied_version=desired.applied_version if desired else 0,
        actions=_actions(actor, cabinet, site),
    )


def _desired_view(row: CabinetDesired) -> DesiredView:
    state = {name: value for name, value in row.state.items() if name != PIN_HASH}
    return DesiredView(
        cabinet_id=row.cabinet_id,
        version=row.version,
        applied_version=row.applied_version,
        state=state,
        service_pin_set=bool(row.state.get(PIN_HASH)),
        changed_at=row.changed_at,
        refused_key=row.refused_key,
        refused_reason=row.refused_reason,
        drifting=row.drifting,
    )


def _actions(actor: Actor, cabinet: Cabinet, site: Site) -> list[str]:
    actions: list[str] = []
    if actor.may(Permission.REGISTER, site.id, site.region):
        actions += [str(step) for step in CABINET_LIFE.legal(CabinetState(cabinet.state))]
    if actor.may(Permission.COMMAND, site.id, site.region):
        actions += ["command", "desired"]
    return actions
