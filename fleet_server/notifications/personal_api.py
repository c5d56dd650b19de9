"""Routes of what a person wants: preferences, own channels, browsers; and who is on call.

Split from `api.py` by object. Each person reaches only what is their own, whatever their roles.
"""

from collections.abc import Callable

from sqlalchemy.exc import IntegrityError

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.errors import ForbiddenError
from fleet_server.notifications.addresses import Allowed, add_channel, add_push, remove
from fleet_server.notifications.models import NoticeAddress
from fleet_server.notifications.on_call import set_roster
from fleet_server.notifications.preferences import preference_of, set_preference
from fleet_server.notifications.queries import addresses_of, own_address, turns_from
from fleet_server.notifications.rules import Channel, to_user
from fleet_server.notifications.schemas import (
    ChannelOrder,
    ChannelView,
    PreferenceShape,
    PushKeyView,
    PushOrder,
    RosterShape,
    TurnShape,
)
from fleet_server.notifications.web_push import VapidKey
from fleet_server.transactions import Transaction
from fleet_server.web.context import Context, WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(tags=["notices"])


@router.get("/notices/preferences")
def show_preferences(actor: CurrentActor, context: WebContext) -> PreferenceShape:
    """Show what the caller wants of notices."""
    with context.transactions.read() as tx:
        return preference_of(tx, _person(actor))


@router.put("/notices/preferences")
def set_preferences(
    order: PreferenceShape, actor: CurrentActor, context: WebContext
) -> PreferenceShape:
    """Say what the caller wants of notices."""
    with context.transactions.write(actor.name) as tx:
        set_preference(tx, _person(actor), order)
        tx.session.flush()
        return preference_of(tx, _person(actor))


@router.get("/notices/channels")
def list_channels(actor: CurrentActor, context: WebContext) -> Page[ChannelView]:
    """List the caller's own channels, masked."""
    return _listed(actor, context, Channel.APPRISE)


@router.post("/notices/channels", status_code=201)
def add_own_channel(
    order: ChannelOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> ChannelView:
    """Add a channel. Its URL is a secret: it is sealed, and never shown again in full."""

    def create(tx: Transaction) -> ChannelView:
        allowed = _allowed(context)
        address = add_channel(tx, context.signing, _person(actor), order.url, allowed)
        return ChannelView.model_validate(address)

    return _created(actor, context, key, order, create)


@router.delete("/notices/channels/{channel_id}", status_code=204)
def remove_own_channel(channel_id: str, actor: CurrentActor, context: WebContext) -> None:
    """Remove a channel of one's own."""
    _remove(actor, context, Channel.APPRISE, channel_id)


@router.get("/notices/on-call")
def show_roster(actor: CurrentActor, context: WebContext) -> RosterShape:
    """Show who is on call now and later."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        turns = turns_from(tx.session, tx.now)
        return RosterShape(turns=[TurnShape.model_validate(turn) for turn in turns])


@router.put("/notices/on-call")
def put_roster(order: RosterShape, actor: CurrentActor, context: WebContext) -> RosterShape:
    """Say who is on call now and later, in place of what stood."""
    if not (actor.may(Permission.OVERRIDE) or actor.may(Permission.ADMINISTER)):
        raise ForbiddenError("supervisors and administrators say who is on call")
    with context.transactions.write(actor.name) as tx:
        set_roster(tx, order.turns)
        tx.session.flush()
        turns = turns_from(tx.session, tx.now)
        return RosterShape(turns=[TurnShape.model_validate(turn) for turn in turns])


@router.get("/push-subscriptions/key")
def show_push_key(actor: CurrentActor, context: WebContext) -> PushKeyView:
    """Show the key a browser subscribes with."""
    _person(actor)
    settings = context.settings
    key = VapidKey.load(settings.data_dir, settings.push_contact)
    return PushKeyView(application_server_key=key.public_key)


@router.get("/push-subscriptions")
def list_push_subscriptions(actor: CurrentActor, context: WebContext) -> Page[ChannelView]:
    """List the caller's browsers."""
    return _listed(actor, context, Channel.WEB_PUSH)


@router.post("/push-subscriptions", status_code=201)
def add_push_subscription(
    order: PushOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> ChannelView:
    """Add a browser that subscribed; the same endpoint is the same browser."""

    def create(tx: Transaction) -> ChannelView:
        allowed = _allowed(context)
        address = add_push(tx, context.signing, _person(actor), order, allowed)
        return ChannelView.model_validate(address)

    return _created(actor, context, key, order, create)


@router.delete("/push-subscriptions/{subscription_id}", status_code=204)
def remove_push_subscription(
    subscription_id: str, actor: CurrentActor, context: WebContext
) -> None:
    """Remove a browser of one's own."""
    _remove(actor, context, Channel.WEB_PUSH, subscription_id)


def _person(actor: Actor) -> str:
    if actor.user_id is None:
        raise ForbiddenError("only a person has preferences")
    return actor.user_id


def _allowed(context: Context) -> Allowed:
    settings = context.settings
    return Allowed(frozenset(settings.notice_person_schemas), settings.notice_private_hosts)


def _created(
    actor: Actor,
    context: Context,
    key: str | None,
    order: ChannelOrder | PushOrder,
    create: Callable[[Transaction], ChannelView],
) -> ChannelView:
    def once() -> ChannelView:
        purpose = type(order).__name__
        return create_once(
            context.transactions, actor.name, key, purpose, order, ChannelView, create
        )

    try:
        return once()
    except IntegrityError:  # the same address twice at the same moment: it is there now
        return once()


def _listed(actor: Actor, context: Context, channel: Channel) -> Page[ChannelView]:
    with context.transactions.read() as tx:
        mine: list[NoticeAddress] = addresses_of(tx.session, [to_user(_person(actor))])
        views = [ChannelView.model_validate(one) for one in mine if one.channel == channel]
    return Page(items=views)


def _remove(actor: Actor, context: Context, channel: Channel, address_id: str) -> None:
    with context.transactions.write(actor.name) as tx:
        remove(tx, own_address(tx.session, _person(actor), channel, address_id))
