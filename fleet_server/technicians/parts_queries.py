"""Selects of parts and van stock.

Split from `queries.py` by object.
"""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fleet_server.errors import NotFoundError
from fleet_server.technicians.models import Part, PartMovement, PartNeed, VanStock
from fleet_server.technicians.rules import MovementKind, lacking


def part_by_code(session: Session, code: str) -> Part:
    """Part; NotFoundError when there is none."""
    part = session.get(Part, code)
    if part is None:
        raise NotFoundError("part", code)
    return part


def parts_by_code(session: Session, codes: Collection[str]) -> dict[str, Part]:
    """Those of these parts that there are."""
    rows = session.scalars(select(Part).where(Part.code.in_(list(codes))))
    return {row.code: row for row in rows}


def needs_of(session: Session, fault_codes: Collection[str]) -> dict[str, int]:
    """Parts that repairing all these faults usually takes, with how many of each."""
    found = (
        select(PartNeed.part_code, func.sum(PartNeed.quantity))
        .where(PartNeed.fault_code.in_(list(fault_codes)))
        .group_by(PartNeed.part_code)
        .order_by(PartNeed.part_code)
    )
    return {part: int(count) for part, count in session.execute(found)}


def needs_by_fault(session: Session) -> dict[str, list[PartNeed]]:
    """Every need, by fault code."""
    needs: defaultdict[str, list[PartNeed]] = defaultdict(list)
    for row in session.scalars(select(PartNeed).order_by(PartNeed.fault_code, PartNeed.part_code)):
        needs[row.fault_code].append(row)
    return dict(needs)


def stock_of(session: Session, technician_id: str) -> list[tuple[Part, int]]:
    """Parts in a van, none of which there is nothing."""
    found = (
        select(Part, VanStock.quantity)
        .join(VanStock, VanStock.part_code == Part.code)
        .where(VanStock.technician_id == technician_id, VanStock.quantity > 0)
        .order_by(Part.code)
    )
    return [(part, quantity) for part, quantity in session.execute(found)]


def stocks_of(session: Session, technician_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """What each of these vans holds, by part."""
    found = select(VanStock).where(
        VanStock.technician_id.in_(list(technician_ids)), VanStock.quantity > 0
    )
    stocks: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for row in session.scalars(found):
        stocks[row.technician_id][row.part_code] = row.quantity
    return dict(stocks)


def lacking_parts(
    session: Session, technician_ids: Collection[str], fault_codes: Collection[str]
) -> dict[str, dict[str, int]]:
    """What each of these vans lacks to repair all these faults; an empty dict: has them."""
    needed = needs_of(session, fault_codes)
    held: defaultdict[str, dict[str, int]] = defaultdict(dict)
    if needed:
        found = select(VanStock).where(
            VanStock.technician_id.in_(list(technician_ids)), VanStock.part_code.in_(list(needed))
        )
        for row in session.scalars(found):
            held[row.technician_id][row.part_code] = row.quantity
    return {one: lacking(held[one], needed) for one in technician_ids}


def locked_stock(session: Session, technician_id: str, part_code: str) -> VanStock | None:
    """Row of a part in a van, locked."""
    found = select(VanStock).where(
        VanStock.technician_id == technician_id, VanStock.part_code == part_code
    )
    locked = found.with_for_update().execution_options(populate_existing=True)
    return session.scalar(locked)


def used_for_ticket(session: Session, ticket_id: str) -> dict[str, int]:
    """How many of each part were taken from vans for a ticket so far."""
    found = (
        select(PartMovement.part_code, func.sum(PartMovement.quantity))
        .where(PartMovement.ticket_id == ticket_id, PartMovement.kind == MovementKind.USE)
        .group_by(PartMovement.part_code)
    )
    return {part: int(count) for part, count in session.execute(found)}


def movements_of(technician_id: str) -> Select[PartMovement]:
    """Movements of a van."""
    return select(PartMovement).where(PartMovement.technician_id == technician_id)
