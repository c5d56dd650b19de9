"""Routes of shifts and absences.

Split from `api.py` by object.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Actor
from fleet_server.technicians import working_time
from fleet_server.technicians.models import Absence, Shift, Technician
from fleet_server.technicians.permissions import (
    is_self,
    managed,
    may_manage,
    own_or_managed,
    readable,
)
from fleet_server.technicians.rules import Span
from fleet_server.technicians.schemas import AbsenceOrder, AbsenceView, ShiftOrder, ShiftView
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

router = Router(prefix="/technicians/{technician_id}", tags=["technicians"])

REMOVE = ["remove"]


@router.get("/shifts")
def list_shifts(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[ShiftView]:
    """List shifts."""
    with context.transactions.read() as tx:
        technician = readable(tx, actor, technician_id)
        found = select(Shift).where(Shift.technician_id == technician_id)
        show = _shift_shown(actor, technician, tx.now)
        return page_of(tx.session, found, Shift.id, limit, after, show)


@router.post("/shifts", status_code=201)
def add_shift(
    technician_id: str,
    order: ShiftOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> ShiftView:
    """Plan a shift; 422 says why one is impossible."""
    breaks = [Span(one.starts_at, one.ends_at) for one in order.breaks]
    span = Span(order.starts_at, order.ends_at)

    def create(tx: Transaction) -> ShiftView:
        technician = managed(tx, actor, technician_id)
        row = working_time.add_shift(tx, technician_id, span, breaks)
        return _shift_shown(actor, technician, tx.now)(row)

    purpose = f"technicians/{technician_id}/shifts"
    return create_once(context.transactions, actor.name, key, purpose, order, ShiftView, create)


@router.delete("/shifts/{shift_id}", status_code=204)
def remove_shift(
    technician_id: str, shift_id: str, actor: CurrentActor, context: WebContext
) -> None:
    """Take back a shift that has not begun; its visits go to others."""
    with context.transactions.write(actor.name) as tx:
        managed(tx, actor, technician_id)
        working_time.remove_shift(tx, technician_id, shift_id)


@router.get("/absences")
def list_absences(
    technician_id: str,
    actor: CurrentActor,
    context: WebContext,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[AbsenceView]:
    """List absences."""
    with context.transactions.read() as tx:
        technician = readable(tx, actor, technician_id)
        found = select(Absence).where(Absence.technician_id == technician_id)
        show = _absence_shown(actor, technician, tx.now)
        return page_of(tx.session, found, Absence.id, limit, after, show)


@router.post("/absences", status_code=201)
def add_absence(
    technician_id: str,
    order: AbsenceOrder,
    actor: CurrentActor,
    context: WebContext,
    key: IdempotencyKey = None,
) -> AbsenceView:
    """Note an absence: dispatchers for all, technicians for themselves.

    `visit_ids` names the visits concerned; those not begun are given to others.
    """

    def create(tx: Transaction) -> AbsenceView:
        technician = own_or_managed(tx, actor, technician_id)
        span = Span(order.starts_at, order.ends_at)
        row = working_time.add_absence(tx, technician_id, span, order.reason)
        context.transactions.settle(tx)
        return _absence_shown(actor, technician, tx.now)(row)

    purpose = f"technicians/{technician_id}/absences"
    return create_once(context.transactions, actor.name, key, purpose, order, AbsenceView, create)


@router.delete("/absences/{absence_id}", status_code=204)
def remove_absence(
    technician_id: str, absence_id: str, actor: CurrentActor, context: WebContext
) -> None:
    """Take back an absence to come; one under way ends now."""
    with context.transactions.write(actor.name) as tx:
        own_or_managed(tx, actor, technician_id)
        working_time.remove_absence(tx, technician_id, absence_id)


def _shift_shown(
    actor: Actor, technician: Technician, now: datetime
) -> Callable[[Shift], ShiftView]:
    def show(row: Shift) -> ShiftView:
        view = ShiftView.model_validate(row)
        if row.starts_at > now and may_manage(actor, technician):
            view.actions = [*REMOVE]
        return view

    return show


def _absence_shown(
    actor: Actor, technician: Technician, now: datetime
) -> Callable[[Absence], AbsenceView]:
    def show(row: Absence) -> AbsenceView:
        view = AbsenceView.model_validate(row)
        mine = is_self(actor, technician) or may_manage(actor, technician)
        if row.ends_at > now and mine:
            view.actions = [*REMOVE]
        return view

    return show
