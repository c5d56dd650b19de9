"""Routes of technicians, their qualifications and skills."""

from collections.abc import Callable

from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.technicians import service
from fleet_server.technicians.models import Qualification, Technician
from fleet_server.technicians.permissions import actions, managed, readable
from fleet_server.technicians.queries import technicians_within
from fleet_server.technicians.rules import SKILLS
from fleet_server.technicians.schemas import (
    QualificationOrder,
    QualificationView,
    SkillsView,
    SkillView,
    TechnicianChange,
    TechnicianOrder,
    TechnicianView,
)
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(tags=["technicians"])


@router.get("/skills")
def list_skills(actor: CurrentActor) -> SkillsView:
    """List every skill there is, by the name orders use."""
    actor.must_somewhere(Permission.VIEW)
    return SkillsView(
        items=[
            SkillView(name=name, title_zh=title_zh, title_en=title_en)
            for name, (title_zh, title_en) in sorted(SKILLS.items())
        ]
    )


@router.get("/technicians")
def list_technicians(
    actor: CurrentActor, context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[TechnicianView]:
    """List the technicians of the caller's regions."""
    found = technicians_within(actor.must_somewhere(Permission.VIEW))
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Technician.id, limit, after, _shown_to(actor))


@router.post("/technicians", status_code=201)
def add_technician(
    order: TechnicianOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> TechnicianView:
    """Add a technician; they are asked for nothing before a qualification and a shift stand."""
    actor.must(Permission.DISPATCH, region=order.region)

    def create(tx: Transaction) -> TechnicianView:
        return _shown_to(actor)(service.add_technician(tx, order))

    return create_once(
        context.transactions, actor.name, key, "technicians", order, TechnicianView, create
    )


@router.get("/technicians/{technician_id}")
def show_technician(technician_id: str, actor: CurrentActor, context: WebContext) -> TechnicianView:
    """Show one technician."""
    with context.transactions.read() as tx:
        return _shown_to(actor)(readable(tx, actor, technician_id))


@router.patch("/technicians/{technician_id}")
def change_technician(
    technician_id: str, order: TechnicianChange, actor: CurrentActor, context: WebContext
) -> TechnicianView:
    """Change a technician, or take them out of service.

    409 names their open visits, unless `release_visits` gives those to others.
    """
    wanted = order.model_dump(exclude_unset=True, exclude={"release_visits"})
    with context.transactions.write(actor.name) as tx:
        technician = managed(tx, actor, technician_id)
        if "region" in wanted:
            actor.must(Permission.DISPATCH, region=wanted["region"])
        service.change_technician(tx, technician, wanted, release_visits=order.release_visits)
        context.transactions.settle(tx)
        return _shown_to(actor)(technician)


@router.get("/technicians/{technician_id}/qualifications")
def list_qualifications(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[QualificationView]:
    """List qualifications, lapsed ones too."""
    with context.transactions.read() as tx:
        readable(tx, actor, technician_id)
        found = select(Qualification).where(Qualification.technician_id == technician_id)
        return page_of(
            tx.session, found, Qualification.id, limit, after, QualificationView.model_validate
        )


@router.post("/technicians/{technician_id}/qualifications", status_code=201)
def add_qualification(
    technician_id: str,
    order: QualificationOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> QualificationView:
    """Note a passed examination."""

    def create(tx: Transaction) -> QualificationView:
        managed(tx, actor, technician_id)
        return QualificationView.model_validate(service.add_qualification(tx, technician_id, order))

    purpose = f"technicians/{technician_id}/qualifications"
    return create_once(
        context.transactions, actor.name, key, purpose, order, QualificationView, create
    )


def _shown_to(actor: Actor) -> Callable[[Technician], TechnicianView]:
    def show(technician: Technician) -> TechnicianView:
        view = TechnicianView.model_validate(technician)
        view.actions = actions(actor, technician)
        return view

    return show
