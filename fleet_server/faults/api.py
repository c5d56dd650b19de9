"""Routes of fault episodes and of the catalogue. Nobody changes a fault by hand."""

from typing import Annotated, TypeVar

import msgspec
from fastapi import Query
from pydantic import AwareDatetime

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.cabinets.queries import site_by_id
from fleet_server.faults.models import Fault
from fleet_server.faults.queries import fault_by_id, faults_within, history_of
from fleet_server.faults.rules import kind_of
from fleet_server.faults.schemas import (
    CatalogueView,
    FaultDetailView,
    FaultHistoryView,
    FaultView,
)
from fleet_server.faults.states import FaultState
from fleet_server.web.context import WebContext
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page
from protocol.faults import CATALOGUE, Severity

router = Router(tags=["faults"])

V = TypeVar("V", bound=FaultView)


@router.get("/faults")
def list_faults(  # noqa: PLR0913, PLR0917  # a list has its filters
    actor: CurrentActor,
    context: WebContext,
    state: FaultState | None = None,
    severity: Severity | None = None,
    code: Annotated[str | None, Query(max_length=40)] = None,
    cabinet_id: Annotated[str | None, Query(max_length=32)] = None,
    site_id: Annotated[str | None, Query(max_length=36)] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[FaultView]:
    """List episodes at the caller's sites."""
    found = faults_within(actor.must_somewhere(Permission.VIEW))
    wanted = {
        Fault.state: state,
        Fault.severity: severity,
        Fault.code: code,
        Fault.cabinet_id: cabinet_id,
        Fault.site_id: site_id,
    }
    for column, value in wanted.items():
        if value is not None:
            found = found.where(column == value)
    if since is not None:
        found = found.where(Fault.since >= since)
    if until is not None:
        found = found.where(Fault.since < until)
    with context.transactions.read() as tx:
        return page_of(tx.session, found, Fault.id, limit, after, lambda row: _view(row, FaultView))


@router.get("/faults/{fault_id}")
def show_fault(fault_id: str, actor: CurrentActor, context: WebContext) -> FaultDetailView:
    """Show one episode with its history."""
    with context.transactions.read() as tx:
        fault = fault_by_id(tx.session, fault_id)
        site = site_by_id(tx.session, fault.site_id)
        actor.must(Permission.VIEW, site.id, site.region)
        view = _view(fault, FaultDetailView)
        view.history = [
            FaultHistoryView.model_validate(row) for row in history_of(tx.session, fault.id)
        ]
        return view


@router.get("/fault-catalogue")
def show_catalogue(actor: CurrentActor) -> CatalogueView:
    """Show every fault this server knows by name."""
    actor.must_somewhere(Permission.VIEW)
    return CatalogueView(items=[msgspec.to_builtins(kind) for kind in CATALOGUE.values()])


def _view(fault: Fault, shape: type[V]) -> V:
    kind = kind_of(fault.code, fault.part)
    rows = {name: getattr(fault, name) for name in FaultView.model_fields if hasattr(fault, name)}
    return shape(**rows, title_zh=kind.title_zh, title_en=kind.title_en)
