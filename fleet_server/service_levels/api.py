"""Routes of service levels: policies and calendars as data, and the clocks that run by them."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query
from sqlalchemy import or_, select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission, Scope
from fleet_server.errors import ForbiddenError, InvalidError, NotFoundError
from fleet_server.notifications.rules import to_user
from fleet_server.service_levels.calendars import Calendar, is_working, local_day
from fleet_server.service_levels.errors import DocumentRefusedError
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.presets import CALENDARS, PRESETS
from fleet_server.service_levels.publishing import (
    choose_policy,
    publish_calendar,
    publish_policy,
)
from fleet_server.service_levels.queries import (
    calendars,
    clock_by_id,
    newest_calendars,
    pinned_calendar,
    policies,
    policy_in_force,
)
from fleet_server.service_levels.rules import Policy
from fleet_server.service_levels.schemas import (
    CalendarOrder,
    CalendarsView,
    CalendarView,
    ChoiceOrder,
    DaysView,
    DayView,
    OwnedClockView,
    PoliciesView,
    PolicyOrder,
    PolicyView,
)
from fleet_server.service_levels.service import acknowledge
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(tags=["service levels"])

DAYS_SHOWN_MAX = 400

Asked = Annotated[bool | None, Query()]

T = TypeVar("T", Policy, Calendar)


@router.get("/service-policies")
def list_policies(actor: CurrentActor, context: WebContext) -> PoliciesView:
    """List every policy and say which one is in force."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        views = [
            _policy_view(tx, actor, policy) for _, policy in sorted(policies(tx.session).items())
        ]
    return PoliciesView(items=views, actions=_may_publish(actor))


@router.post("/service-policies", status_code=201)
def add_policy(
    order: PolicyOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> PolicyView:
    """Publish a version of a policy; nothing pins it before it is chosen."""
    actor.must(Permission.ADMINISTER)
    policy = _converted(order.policy, Policy)

    def create(tx: Transaction) -> PolicyView:
        publish_policy(tx, policy)
        return _policy_view(tx, actor, policy)

    return create_once(
        context.transactions, actor.name, key, "service-policies", order, PolicyView, create
    )


@router.put("/service-policies/in-force")
def choose(order: ChoiceOrder, actor: CurrentActor, context: WebContext) -> PolicyView:
    """Let new tickets, visits and recalls pin this version; older ones keep theirs."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.write(actor.name) as tx:
        return _policy_view(tx, actor, choose_policy(tx, order.reference))


@router.get("/calendars")
def list_calendars(actor: CurrentActor, context: WebContext) -> CalendarsView:
    """List every version of every calendar."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        newest = newest_calendars(tx.session)
        views = [_calendar_view(newest, one) for _, one in sorted(calendars(tx.session).items())]
    return CalendarsView(items=views, actions=_may_publish(actor))


@router.post("/calendars", status_code=201)
def add_calendar(
    order: CalendarOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> CalendarView:
    """Publish a version of a calendar; running clocks take it up within seconds."""
    actor.must(Permission.ADMINISTER)
    calendar = _converted(order.model_dump(mode="json"), Calendar)

    def create(tx: Transaction) -> CalendarView:
        publish_calendar(tx, calendar)
        tx.session.flush()
        return _calendar_view(newest_calendars(tx.session), calendar)

    return create_once(
        context.transactions, actor.name, key, "calendars", order, CalendarView, create
    )


@router.get("/calendars/{name}/days")
def show_days(
    name: str,
    actor: CurrentActor,
    context: WebContext,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
) -> DaysView:
    """Show which days of the newest version are worked, and when; a month where none is named."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        calendar = newest_calendars(tx.session).get(name)
        if calendar is None:
            raise NotFoundError("calendar", name)
        begin = first or local_day(calendar, tx.now)
        count = ((last or begin + timedelta(days=30)) - begin).days + 1
        if not 1 <= count <= DAYS_SHOWN_MAX:
            raise InvalidError("to", f"1 to {DAYS_SHOWN_MAX} days")
        days = [begin + timedelta(days=ahead) for ahead in range(count)]
        return DaysView(reference=calendar.reference, items=[_day(calendar, day) for day in days])


@router.get("/service-clocks")
def list_clocks(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    breached: Asked = None,
    running: Asked = None,
    acknowledged: Asked = None,
    name: Annotated[str | None, Query(max_length=40)] = None,
    owner_kind: Annotated[str | None, Query(max_length=20)] = None,
    owner_id: Annotated[str | None, Query(max_length=36)] = None,
    site_id: Annotated[str | None, Query(max_length=36)] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[OwnedClockView]:
    """List the clocks at the caller's sites, newest first."""
    found = select(ServiceClock)
    scope = actor.must_somewhere(Permission.VIEW)
    if not scope.everywhere:
        found = found.where(_within(scope))
    states = {
        ServiceClock.breached_at: breached,
        ServiceClock.acknowledged_at: acknowledged,
        ServiceClock.stopped_at: None if running is None else not running,
    }
    for column, wanted in states.items():
        if wanted is not None:
            found = found.where(column.is_not(None) if wanted else column.is_(None))
    exact = {
        ServiceClock.name: name,
        ServiceClock.owner_kind: owner_kind,
        ServiceClock.owner_id: owner_id,
        ServiceClock.site_id: site_id,
    }
    for text_column, value in exact.items():
        if value is not None:
            found = found.where(text_column == value)
    with context.transactions.read() as tx:
        page = page_of(tx.session, found, ServiceClock.id, limit, after, lambda row: row)
        return Page(items=[_clock_view(tx, actor, one) for one in page.items], next=page.next)


@router.post("/service-clocks/{clock_id}/acknowledgement")
def acknowledge_breach(clock_id: str, actor: CurrentActor, context: WebContext) -> OwnedClockView:
    """Answer for a breach: nobody further up is told. The breach stays."""
    with context.transactions.write(actor.name) as tx:
        clock = clock_by_id(tx.session, clock_id)
        if not _may_acknowledge(actor, clock):
            raise ForbiddenError("this clock is not yours to answer for")
        if clock.breached_at is None:
            raise InvalidError("clock_id", "this clock is not breached")
        acknowledge(tx, clock)
        return _clock_view(tx, actor, clock)


def _converted(document: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise DocumentRefusedError(str(document.get("name", "document")), str(error)) from error


def _policy_view(tx: Transaction, actor: Actor, policy: Policy) -> PolicyView:
    in_force = policy_in_force(tx.session).reference == policy.reference
    may_choose = not in_force and actor.may(Permission.ADMINISTER)
    return PolicyView(
        reference=policy.reference,
        in_force=in_force,
        shipped=policy.reference in PRESETS,
        policy=msgspec.to_builtins(policy),
        actions=["choose"] if may_choose else [],
    )


def _calendar_view(newest: Mapping[str, Calendar], calendar: Calendar) -> CalendarView:
    return CalendarView(
        **msgspec.to_builtins(calendar),
        reference=calendar.reference,
        newest=newest[calendar.name].version == calendar.version,
        shipped=calendar.reference in CALENDARS,
    )


def _day(calendar: Calendar, day: date) -> DayView:
    return DayView(
        day=day,
        windows=calendar.windows(day),
        is_working=is_working(calendar, day),
        is_known=calendar.is_known(day),
    )


def _clock_view(tx: Transaction, actor: Actor, clock: ServiceClock) -> OwnedClockView:
    view = OwnedClockView.model_validate(clock)
    _, _, reference = clock.timebase.partition(":")
    if reference and clock.stopped_at is None:
        calendar = pinned_calendar(tx.session, reference)
        view.is_provisional = not calendar.is_known(local_day(calendar, clock.due_at))
    if clock.breached_at and not clock.acknowledged_at and _may_acknowledge(actor, clock):
        view.actions = ["acknowledge"]
    return view


def _may_acknowledge(actor: Actor, clock: ServiceClock) -> bool:
    mine = actor.user_id is not None and clock.accountable == to_user(actor.user_id)
    return mine or actor.may(Permission.TICKET, clock.site_id, clock.region)


def _may_publish(actor: Actor) -> list[str]:
    return ["publish"] if actor.may(Permission.ADMINISTER) else []


def _within(scope: Scope) -> Any:
    return or_(ServiceClock.site_id.in_(scope.sites), ServiceClock.region.in_(scope.regions))
