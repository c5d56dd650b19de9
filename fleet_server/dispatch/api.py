"""Routes of visits, offers and the plan."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime
from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch import answers, visits
from fleet_server.dispatch.assignment import ask_next, candidates_for
from fleet_server.dispatch.errors import OfferAnsweredError
from fleet_server.dispatch.models import Offer, Visit
from fleet_server.dispatch.permissions import actions, is_theirs, must_see, must_step, seen_scope
from fleet_server.dispatch.queries import (
    for_ticket,
    history_of,
    locked_visit,
    offer_by_id,
    offers_of,
    planned_visits,
    standing_offer,
    ticket_ids_of,
    tickets_of,
    visit_by_id,
    visits_of_technicians,
    visits_seen,
)
from fleet_server.dispatch.schemas import (
    Answer,
    AnswerOrder,
    CandidateView,
    EnvelopeShape,
    LeaveIn,
    OfferView,
    PlanView,
    ReplanOrder,
    ReplanView,
    RouteView,
    SiteShape,
    UnassignedView,
    VisitDetailView,
    VisitFaultShape,
    VisitStepView,
    VisitTicketShape,
    VisitTransition,
    VisitView,
    WorkOrderView,
)
from fleet_server.dispatch.states import DECLINED, VISIT_LIFE, OfferState, VisitState
from fleet_server.dispatch.sweep import VISITS_MAX
from fleet_server.dispatch.wishes import wish
from fleet_server.dispatch.work_orders import work_orders
from fleet_server.errors import ForbiddenError, InvalidError
from fleet_server.faults.queries import active_faults_at
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import abilities, technician_of_user, technicians_within
from fleet_server.technicians.rules import on_duty_until
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, LIMIT_MAX, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(tags=["dispatch"])


@router.get("/visits")
def list_visits(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    state: VisitState | None = None,
    priority: Priority | None = None,
    site_id: Annotated[str | None, Query(max_length=36)] = None,
    technician_id: Annotated[str | None, Query(max_length=36)] = None,
    ticket_id: Annotated[str | None, Query(max_length=36)] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[VisitView]:
    """List visits: a technician's own, everyone's at the sites of the others' scope."""
    with context.transactions.read() as tx:
        me = technician_of_user(tx.session, actor.user_id)
        found = visits_seen(seen_scope(actor), me.id if me is not None else None)
        wanted = {
            Visit.state: state,
            Visit.priority: priority,
            Visit.site_id: site_id,
            Visit.technician_id: technician_id,
        }
        for column, value in wanted.items():
            if value is not None:
                found = found.where(column == value)
        if ticket_id is not None:
            found = for_ticket(found, ticket_id)
        if since is not None:
            found = found.where(Visit.created_at >= since)
        page = page_of(tx.session, found, Visit.id, limit, after, lambda row: row)
        return Page(items=shown_visits(tx, actor, page.items), next=page.next)


@router.get("/visits/{visit_id}")
def show_visit(visit_id: str, actor: CurrentActor, context: WebContext) -> VisitDetailView:
    """Show a visit with tickets, active faults of the site, offers and history."""
    with context.transactions.read() as tx:
        visit = visit_by_id(tx.session, visit_id)
        _must_see(tx, actor, visit)
        return _detail(tx, actor, visit)


@router.post("/visits/{visit_id}/transitions")
def move_visit(
    visit_id: str, order: VisitTransition, actor: CurrentActor, context: WebContext
) -> VisitDetailView:
    """Take a step; an illegal one answers with the legal ones."""
    with context.transactions.write(actor.name) as tx:
        visit = locked_visit(tx.session, visit_id)
        me, site = _must_see(tx, actor, visit)
        if order.to != DECLINED:
            VISIT_LIFE.named(order.to)
        must_step(actor, me, visit, site, order.to)
        _take(tx, actor, me, visit, order)
        context.transactions.settle(tx)
        return _detail(tx, actor, visit)


@router.get("/visits/{visit_id}/work-order")
def show_work_order(visit_id: str, actor: CurrentActor, context: WebContext) -> WorkOrderView:
    """Give the technician of a visit under way the signed tokens for its cabinets."""
    with context.transactions.write(actor.name) as tx:
        visit = locked_visit(tx.session, visit_id)
        me = technician_of_user(tx.session, actor.user_id)
        if not is_theirs(actor, me, visit.technician_id):
            raise ForbiddenError("a work order is for the technician of the visit")
        not_after, tokens = work_orders(tx, context.signing, context.settings.fleet, visit)
    shown = {
        cabinet: EnvelopeShape.model_validate(envelope) for cabinet, envelope in tokens.items()
    }
    return WorkOrderView(visit_id=visit_id, not_after=not_after, tokens=shown)


@router.get("/offers")
def list_offers(
    actor: CurrentActor,
    context: WebContext,
    state: OfferState | None = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[OfferView]:
    """List the caller's own offers, newest first."""
    with context.transactions.read() as tx:
        me = technician_of_user(tx.session, actor.user_id)
        found = select(Offer).where(Offer.technician_id == (me.id if me is not None else None))
        if state is not None:
            found = found.where(Offer.state == state)
        page = page_of(tx.session, found, Offer.id, limit, after, lambda row: row)
        return Page(items=_offer_views(tx, actor, me, page.items), next=page.next)


@router.post("/offers/{offer_id}/answer")
def answer_offer(
    offer_id: str, order: AnswerOrder, actor: CurrentActor, context: WebContext
) -> OfferView:
    """Accept or decline."""
    with context.transactions.write(actor.name) as tx:
        visit = locked_visit(tx.session, offer_by_id(tx.session, offer_id).visit_id)
        offer = offer_by_id(tx.session, offer_id)
        site = site_by_id(tx.session, visit.site_id)
        me = technician_of_user(tx.session, actor.user_id)
        mine = is_theirs(actor, me, offer.technician_id)
        if not mine and not actor.may(Permission.DISPATCH, site.id, site.region):
            raise ForbiddenError("this offer is not yours")
        standing = standing_offer(tx.session, visit.id)
        if standing is None or standing.id != offer.id:
            raise OfferAnsweredError(visit.id, offer.state)
        answer = answers.accept if order.answer is Answer.ACCEPTED else answers.decline
        answer(tx, visit, order.reason)
        context.transactions.settle(tx)
        return _offer_views(tx, actor, me, [offer])[0]


@router.get("/dispatch/plan")
def show_plan(actor: CurrentActor, context: WebContext) -> PlanView:
    """Show each technician's route, and the visits nobody has taken with who could."""
    scope = actor.must_somewhere(Permission.DISPATCH)
    with context.transactions.read() as tx:
        people = list(
            tx.session.scalars(technicians_within(scope).where(Technician.active).limit(LIMIT_MAX))
        )
        waiting = list(tx.session.scalars(planned_visits(scope).limit(VISITS_MAX)))
        return PlanView(
            at=tx.now,
            routes=_routes(tx, actor, people),
            unassigned=[_unassigned(tx, actor, visit) for visit in waiting],
        )


@router.post("/dispatch/replan")
def replan(order: ReplanOrder, actor: CurrentActor, context: WebContext) -> ReplanView:
    """Ask again now for visits nobody has taken, also those who let an offer expire."""
    scope = actor.must_somewhere(Permission.DISPATCH)
    if order.region is not None:
        actor.must(Permission.DISPATCH, region=order.region)
    with context.transactions.write(actor.name) as tx:
        if order.region is not None:
            wish(tx, order.region, order.tier, "person")
        found = planned_visits(scope).limit(VISITS_MAX).with_for_update()
        if order.visit_id is not None:
            found = found.where(Visit.id == order.visit_id)
        waiting = list(tx.session.scalars(found))
        for visit in waiting:
            ask_next(tx, visit, again=True)
        offered = sum(visit.state == VisitState.OFFERED for visit in waiting)
        return ReplanView(asked=len(waiting), offered=offered)


def _take(
    tx: Transaction, actor: Actor, me: Technician | None, visit: Visit, order: VisitTransition
) -> None:
    if order.to == DECLINED:
        answers.decline(tx, visit, order.reason)
    elif order.to == VisitState.ACCEPTED:
        answers.accept(tx, visit, order.reason)
    elif order.to == VisitState.TRAVELLING:
        visits.depart(tx, visit, order.reason)
    elif order.to == VisitState.ON_SITE:
        visits.check_in(tx, visit, _shown(order), order.reason)
    elif order.to == VisitState.DONE:
        visits.finish(tx, visit, order.reason)
    else:
        _abort(tx, actor, me, visit, order)


def _abort(
    tx: Transaction, actor: Actor, me: Technician | None, visit: Visit, order: VisitTransition
) -> None:
    if not order.reason:
        raise InvalidError("reason", "an aborted visit needs one")
    theirs = is_theirs(actor, me, visit.technician_id)
    visit.given_back = theirs and order.leave_tickets is LeaveIn.TRIAGED
    visits.abort(tx, visit, order.reason, TicketState(order.leave_tickets))


def _shown(order: VisitTransition) -> visits.CheckIn:
    if order.check_in is None:
        raise InvalidError("check_in", "arriving needs a check-in")
    shown = order.check_in
    return visits.CheckIn(shown.way, shown.latitude, shown.longitude, shown.code)


def _must_see(tx: Transaction, actor: Actor, visit: Visit) -> tuple[Technician | None, Site]:
    me = technician_of_user(tx.session, actor.user_id)
    site = site_by_id(tx.session, visit.site_id)
    must_see(actor, me, visit, site)
    return me, site


def shown_visits(tx: Transaction, actor: Actor, rows: Sequence[Visit]) -> list[VisitView]:
    """Visits as this person sees them, with what they may do."""
    me = technician_of_user(tx.session, actor.user_id)
    ids = {visit.site_id for visit in rows}
    sites = {site.id: site for site in tx.session.scalars(select(Site).where(Site.id.in_(ids)))}
    tickets = ticket_ids_of(tx.session, [visit.id for visit in rows])
    views = []
    for visit in rows:
        site = sites[visit.site_id]
        view = VisitView.model_validate(visit)
        view.site = SiteShape.model_validate(site)
        view.ticket_ids = tickets[visit.id]
        view.actions = actions(actor, me, visit, site)
        views.append(view)
    return views


def _detail(tx: Transaction, actor: Actor, visit: Visit) -> VisitDetailView:
    (view,) = shown_visits(tx, actor, [visit])
    session = tx.session
    return VisitDetailView(
        **dict(view),
        tickets=[VisitTicketShape.model_validate(row) for row in tickets_of(session, visit.id)],
        faults=[
            VisitFaultShape.model_validate(row) for row in active_faults_at(session, visit.site_id)
        ],
        offers=[OfferView.model_validate(_plain(row)) for row in offers_of(session, visit.id)],
        history=[VisitStepView.model_validate(row) for row in history_of(session, visit.id)],
    )


def _plain(offer: Offer) -> dict[str, object]:
    names = set(OfferView.model_fields) - {"visit", "actions"}
    return {name: getattr(offer, name) for name in names}


def _offer_views(
    tx: Transaction, actor: Actor, me: Technician | None, offers: Sequence[Offer]
) -> list[OfferView]:
    ids = {offer.visit_id for offer in offers}
    rows = list(tx.session.scalars(select(Visit).where(Visit.id.in_(ids))))
    shown = {view.id: view for view in shown_visits(tx, actor, rows)}
    views = []
    for offer in offers:
        view = OfferView.model_validate(_plain(offer))
        view.visit = shown[offer.visit_id]
        if offer.state == OfferState.OFFERED and is_theirs(actor, me, offer.technician_id):
            view.actions = ["accept", "decline"]
        views.append(view)
    return views


def _routes(tx: Transaction, actor: Actor, people: list[Technician]) -> list[RouteView]:
    known = abilities(tx.session, tx.now)
    rows = visits_of_technicians(tx.session, [person.id for person in people])
    return [
        RouteView(
            technician_id=person.id,
            name=person.name,
            on_duty_until=on_duty_until(known[person.id][1], tx.now),
            visits=shown_visits(tx, actor, [visit for visit, _ in rows[person.id]]),
        )
        for person in people
    ]


def _unassigned(tx: Transaction, actor: Actor, visit: Visit) -> UnassignedView:
    candidates = [
        CandidateView(
            technician_id=found.technician_id,
            arrival_at=tx.now + timedelta(seconds=round(found.arrival_seconds)),
            cost_seconds=round(found.cost_seconds, 1),
        )
        for found in candidates_for(tx, visit)
    ]
    return UnassignedView(visit=shown_visits(tx, actor, [visit])[0], candidates=candidates)
