"""All selects of fault episodes."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope
from fleet_server.bulk import one_of
from fleet_server.cabinets.queries import within
from fleet_server.errors import NotFoundError
from fleet_server.faults.models import Fault, FaultHistory
from fleet_server.faults.states import FaultState


def fault_by_id(session: Session, fault_id: str) -> Fault:
    """Episode; NotFoundError when there is none."""
    fault = session.get(Fault, fault_id)
    if fault is None:
        raise NotFoundError("fault", fault_id)
    return fault


def faults_by_id(session: Session, fault_ids: Iterable[str]) -> dict[str, Fault]:
    """Episodes by id, locked; those that do not exist are left out."""
    ids = list(fault_ids)
    found = select(Fault).where(Fault.id.in_(ids)).order_by(Fault.id).with_for_update()
    return {fault.id: fault for fault in session.scalars(found)}


def active_fault(session: Session, cabinet_id: str, code: str) -> Fault | None:
    """Active episode of a code the server detects; there is at most one a cabinet."""
    return active_of_many(session, [cabinet_id], code).get(cabinet_id)


def active_of_many(session: Session, cabinet_ids: Iterable[str], code: str) -> dict[str, Fault]:
    """The same of many, by cabinet, locked in one order."""
    found = (
        select(Fault)
        .where(one_of(session, Fault.cabinet_id, cabinet_ids))
        .where(Fault.code == code, Fault.state == FaultState.ACTIVE)
        .order_by(Fault.cabinet_id, Fault.since.desc())
    )
    return {fault.cabinet_id: fault for fault in session.scalars(found.with_for_update())}


def episodes_since(
    session: Session, cabinet_ids: Iterable[str], code: str, since: datetime
) -> dict[str, int]:
    """How many episodes of a code began since then, by cabinet; none is left out."""
    found = (
        select(Fault.cabinet_id, func.count())
        .where(one_of(session, Fault.cabinet_id, cabinet_ids))
        .where(Fault.code == code, Fault.since > since)
        .group_by(Fault.cabinet_id)
    )
    return dict(session.execute(found).all())


def active_faults_of(session: Session, cabinet_id: str) -> list[Fault]:
    """All active episodes of a cabinet, locked, oldest first."""
    found = select(Fault).where(Fault.cabinet_id == cabinet_id, Fault.state == FaultState.ACTIVE)
    return list(session.scalars(found.order_by(Fault.since).with_for_update()))


def active_faults_at(session: Session, site_id: str) -> list[Fault]:
    """All active episodes of a site, oldest first."""
    found = select(Fault).where(Fault.site_id == site_id, Fault.state == FaultState.ACTIVE)
    return list(session.scalars(found.order_by(Fault.since)))


def history_of(session: Session, fault_id: str) -> list[FaultHistory]:
    """What happened in an episode, oldest first."""
    found = select(FaultHistory).where(FaultHistory.fault_id == fault_id)
    return list(session.scalars(found.order_by(FaultHistory.seq)))


def faults_within(scope: Scope) -> Select[Fault]:
    """Episodes at the sites a scope covers."""
    return within(select(Fault), Fault.site_id, scope)
