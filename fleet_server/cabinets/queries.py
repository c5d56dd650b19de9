"""All selects of the registry."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet_server.auth.rules import Scope
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Cabinet, CabinetCommand, CabinetPresence, Claim, Site
from fleet_server.errors import NotFoundError

Row = TypeVar("Row")


def cabinet_by_id(session: Session, cabinet_id: str) -> Cabinet:
    """Cabinet; NotFoundError when there is none."""
    cabinet = session.get(Cabinet, cabinet_id)
    if cabinet is None:
        raise NotFoundError("cabinet", cabinet_id)
    return cabinet


def presence_rows(session: Session, cabinet_ids: Iterable[str]) -> dict[str, CabinetPresence]:
    """Live values of these cabinets, locked in one order; those never heard of are left out."""
    found = select(CabinetPresence).where(one_of(session, CabinetPresence.cabinet_id, cabinet_ids))
    rows = session.scalars(found.order_by(CabinetPresence.cabinet_id).with_for_update())
    return {row.cabinet_id: row for row in rows}


def lock_presences(session: Session, cabinet_ids: Iterable[str]) -> None:
    """Lock these rows in the order every other one locks them; a bulk update keeps to none."""
    ids = one_of(session, CabinetPresence.cabinet_id, cabinet_ids)
    found = select(CabinetPresence.cabinet_id).where(ids).order_by(CabinetPresence.cabinet_id)
    session.execute(found.with_for_update()).all()


def known_commands(session: Session, command_ids: Iterable[str]) -> set[str]:
    """Those of these orders that this database holds."""
    found = select(CabinetCommand.id).where(one_of(session, CabinetCommand.id, command_ids))
    return set(session.scalars(found))


def cabinets_by_id(session: Session, cabinet_ids: Iterable[str]) -> dict[str, Cabinet]:
    """Those of these cabinets that there are."""
    rows = session.scalars(select(Cabinet).where(one_of(session, Cabinet.id, cabinet_ids)))
    return {row.id: row for row in rows}


def sites_by_id(session: Session, site_ids: Iterable[str]) -> dict[str, Site]:
    """These sites; NotFoundError when one is not there."""
    wanted = set(site_ids)
    rows = session.scalars(select(Site).where(one_of(session, Site.id, wanted)))
    sites = {row.id: row for row in rows}
    missing = wanted - sites.keys()
    if missing:
        raise NotFoundError("site", min(missing))
    return sites


def site_by_id(session: Session, site_id: str) -> Site:
    """Site; NotFoundError when there is none."""
    site = session.get(Site, site_id)
    if site is None:
        raise NotFoundError("site", site_id)
    return site


def site_of(session: Session, cabinet_id: str) -> Site:
    """Site a cabinet stands at now."""
    return site_by_id(session, cabinet_by_id(session, cabinet_id).site_id)


def sites_of(session: Session, cabinet_ids: Iterable[str]) -> dict[str, Site]:
    """Sites by cabinet id; cabinets that do not exist are left out."""
    rows = session.execute(
        select(Cabinet.id, Site)
        .join(Site, Site.id == Cabinet.site_id)
        .where(one_of(session, Cabinet.id, cabinet_ids))
    )
    return {row[0]: row[1] for row in rows}


def mutings_over(session: Session, now: datetime, limit: int) -> list[Cabinet]:
    """Cabinets whose muting ended and was not noted yet, locked."""
    found = select(Cabinet).where(Cabinet.muted_until <= now).order_by(Cabinet.muted_until)
    return list(session.scalars(found.limit(limit).with_for_update(skip_locked=True)))


def within(
    found: Select[Row], site_column: InstrumentedAttribute[Any], scope: Scope
) -> Select[Row]:
    """Keep only rows whose site the scope covers."""
    if scope.everywhere:
        return found
    in_regions = select(Site.id).where(Site.region.in_(scope.regions))
    return found.where(or_(site_column.in_(scope.sites), site_column.in_(in_regions)))


def serial_is_known(session: Session, serial_number: str) -> bool:
    """Whether a cabinet of that serial number is registered."""
    found = select(Cabinet.id).where(Cabinet.serial_number == serial_number)
    return session.scalar(found) is not None


def serials_or_ids_known(
    session: Session, cabinet_ids: Sequence[str], serial_numbers: Sequence[str]
) -> list[str]:
    """Ids of cabinets that have one of these ids or serial numbers."""
    by_id = one_of(session, Cabinet.id, cabinet_ids)
    by_serial = one_of(session, Cabinet.serial_number, serial_numbers)
    return list(session.scalars(select(Cabinet.id).where(or_(by_id, by_serial))))


def used_claims(session: Session, cabinet_id: str) -> list[Claim]:
    """Claims a cabinet joined with."""
    found = select(Claim).where(Claim.cabinet_id == cabinet_id, Claim.used_at.is_not(None))
    return list(session.scalars(found))
