"""Routes of technicians and of what decides whether they can be asked."""

from collections.abc import Callable

from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor, Permission
from fleet_server.errors import ForbiddenError
from fleet_server.technicians import service
from fleet_server.technicians.models import Absence, Qualification, Shift, Technician
from fleet_server.technicians.queries import technician_by_id, technicians_within
from fleet_server.technicians.schemas import (
    AbsenceOrder,
    AbsenceView,
    QualificationOrder,
    QualificationView,
    ShiftView,
    SpanOrder,
    TechnicianOrder,
    TechnicianView,
)
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(prefix="/technicians", tags=["technicians"])


@router.get("")
def list_technicians(
    actor: CurrentActor, context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[TechnicianView]:
    """List the technicians of the caller's regions."""
    found = technicians_within(actor.must_somewhere(Permission.VIEW))
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Technician.id, limit, after, _shown_to(actor))


@router.post("", status_code=201)
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


@router.get("/{technician_id}")
def show_technician(technician_id: str, actor: CurrentActor, context: WebContext) -> TechnicianView:
    """Show one technician."""
    with context.transactions.read() as tx:
        return _shown_to(actor)(_readable(tx, actor, technician_id))


@router.get("/{technician_id}/qualifications")
def list_qualifications(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[QualificationView]:
    """List qualifications, lapsed ones too."""
    with context.transactions.read() as tx:
        _readable(tx, actor, technician_id)
        found = select(Qualification).where(Qualification.technician_id == technician_id)
        return page_of(
            tx.session, found, Qualification.id, limit, after, QualificationView.model_validate
        )


@router.post("/{technician_id}/qualifications", status_code=201)
def add_qualification(
    technician_id: str,
    order: QualificationOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> QualificationView:
    """Note a passed examination."""

    def create(tx: Transaction) -> QualificationView:
        _writable(tx, actor, technician_id)
        return QualificationView.model_validate(service.add_qualification(tx, technician_id, order))

    purpose = f"technicians/{technician_id}/qualifications"
    return create_once(
        context.transactions, actor.name, key, purpose, order, QualificationView, create
    )


@router.get("/{technician_id}/shifts")
def list_shifts(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[ShiftView]:
    """List shifts."""
    with context.transactions.read() as tx:
        _readable(tx, actor, technician_id)
        found = select(Shift).where(Shift.technician_id == technician_id)
        return page_of(tx.session, found, Shift.id, limit, after, ShiftView.model_validate)


@router.post("/{technician_id}/shifts", status_code=201)
def add_shift(
    technician_id: str,
    order: SpanOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> ShiftView:
    """Plan a shift."""

    def create(tx: Transaction) -> ShiftView:
        _writable(tx, actor, technician_id)
        row = service.add_shift(tx, technician_id, order.starts_at, order.ends_at)
        return ShiftView.model_validate(row)

    purpose = f"technicians/{technician_id}/shifts"
    return create_once(context.transactions, actor.name, key, purpose, order, ShiftView, create)


@router.get("/{technician_id}/absences")
def list_absences(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[AbsenceView]:
    """List absences."""
    with context.transactions.read() as tx:
        _readable(tx, actor, technician_id)
        found = select(Absence).where(Absence.technician_id == technician_id)
        return page_of(tx.session, found, Absence.id, limit, after, AbsenceView.model_validate)


@router.post("/{technician_id}/absences", status_code=201)
def add_absence(
    technician_id: str,
    order: AbsenceOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> AbsenceView:
    """Note an absence: dispatchers for all, technicians for themselves."""

    def create(tx: Transaction) -> AbsenceView:
        technician = technician_by_id(tx.session, technician_id)
        if technician.user_id is None or technician.user_id != actor.user_id:
            _writable(tx, actor, technician_id)
        row = service.add_absence(tx, technician_id, order.starts_at, order.ends_at, order.reason)
        return AbsenceView.model_validate(row)

    purpose = f"technicians/{technician_id}/absences"
    return create_once(context.transactions, actor.name, key, purpose, order, AbsenceView, create)


def _readable(tx: Transaction, actor: Actor, technician_id: str) -> Technician:
    technician = technician_by_id(tx.session, technician_id)
    scope = actor.must_somewhere(Permission.VIEW)
    if not scope.everywhere and technician.region not in {None, *scope.regions}:
        raise ForbiddenError("this technician works elsewhere")
    return technician


def _writable(tx: Transaction, actor: Actor, technician_id: str) -> Technician:
    technician = technician_by_id(tx.session, technician_id)
    actor.must(Permission.DISPATCH, region=technician.region)
    return technician


def _shown_to(actor: Actor) -> Callable[[Technician], TechnicianView]:
    def show(technician: Technician) -> TechnicianView:
        view = TechnicianView.model_validate(technician)
        if actor.may(Permission.DISPATCH, region=technician.region):
            view.actions = ["add_qualification", "add_shift", "add_absence"]
        elif technician.user_id is not None and technician.user_id == actor.user_id:
            view.actions = ["add_absence"]
        return view

    return show
