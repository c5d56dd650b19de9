"""Locations, parts, what repairs take, and the stock of vans.

Split from `service.py` by object. A van's stock is the sum of its movements and never below zero:
a movement by hand that would make it so is refused. What a technician used at a cabinet is a fact
that no book can refuse: then the stock is emptied, and the dispatcher hears that it was wrong.
"""

from collections.abc import Mapping

from sqlalchemy import delete, select

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.errors import ConflictError, InvalidError, NotFoundError
from fleet_server.live.service import DISPATCH, changed
from fleet_server.notifications.rules import About, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, said
from fleet_server.technicians.errors import PartsShortError
from fleet_server.technicians.models import (
    Location,
    Part,
    PartMovement,
    PartNeed,
    Technician,
    VanStock,
)
from fleet_server.technicians.parts_queries import (
    locked_stock,
    part_by_code,
    parts_by_code,
    used_for_ticket,
)
from fleet_server.technicians.parts_schemas import (
    LocationOrder,
    MovementOrder,
    NeedsOrder,
    PartOrder,
)
from fleet_server.technicians.queries import location_by_id
from fleet_server.technicians.rules import LocationKind, MovementKind, moved
from fleet_server.transactions import Transaction


def add_location(tx: Transaction, order: LocationOrder) -> Location:
    """Add a depot, a warehouse or a van."""
    row = Location(id=tx.new_id(), created_at=tx.now, **order.model_dump())
    tx.session.add(row)
    tx.session.flush()
    record(tx, "location.added", "location", row.id, {"kind": order.kind})
    return row


def change_location(tx: Transaction, location: Location, order: LocationOrder) -> None:
    """Say anew what a location is. Raises ConflictError for a depot somebody starts from."""
    starts = select(Technician.id).where(Technician.depot_id == location.id).limit(1)
    is_start = tx.session.scalar(starts) is not None
    if order.kind is LocationKind.VAN and is_start:
        raise ConflictError("somebody's day begins there; a van has no place of its own")
    for name, value in order.model_dump().items():
        setattr(location, name, value)
    record(tx, "location.changed", "location", location.id, {"kind": order.kind})
    changed(tx, [DISPATCH], "location", location.id)


def change_part(tx: Transaction, part: Part, order: PartOrder) -> None:
    """Say anew what a part is for. Raises InvalidError for another code: that is another part."""
    if order.code != part.code:
        raise InvalidError("code", "a code stays; add another part")
    for name, value in order.model_dump().items():
        setattr(part, name, value)
    record(tx, "part.changed", "part", part.code)


def add_part(tx: Transaction, order: PartOrder) -> Part:
    """Add a part. Raises ConflictError for a code that is taken."""
    if tx.session.get(Part, order.code) is not None:
        raise ConflictError(f"part {order.code} is there already")
    row = Part(created_at=tx.now, **order.model_dump())
    tx.session.add(row)
    tx.session.flush()
    record(tx, "part.added", "part", row.code)
    return row


def set_needs(tx: Transaction, fault_code: str, order: NeedsOrder) -> list[PartNeed]:
    """Say anew what repairing a fault takes. Raises NotFoundError for an unknown part."""
    known = parts_by_code(tx.session, [one.part for one in order.parts])
    for one in order.parts:
        if one.part not in known:
            raise NotFoundError("part", one.part)
    tx.session.execute(delete(PartNeed).where(PartNeed.fault_code == fault_code))
    rows = [
        PartNeed(fault_code=fault_code, part_code=one.part, quantity=one.quantity)
        for one in order.parts
    ]
    tx.session.add_all(rows)
    tx.session.flush()
    record(tx, "part_needs.set", "fault_code", fault_code, order.model_dump())
    changed(tx, [DISPATCH], "part_needs", fault_code)
    return rows


def move_stock(tx: Transaction, technician: Technician, order: MovementOrder) -> PartMovement:
    """Move parts by hand. Raises PartsShortError, NotFoundError for no such part or location."""
    part = part_by_code(tx.session, order.part)
    if order.location_id is not None:
        location_by_id(tx.session, order.location_id)
    stock = _stock(tx, technician.id, part.code)
    change = moved(order.kind, stock.quantity, order.quantity)
    if stock.quantity + change < 0:
        raise PartsShortError(part.code, order.quantity, stock.quantity)
    row = _movement(tx, technician.id, part.code, order.kind, order.quantity, change)
    row.location_id, row.reason = order.location_id, order.reason
    _keep(tx, technician, stock, row)
    return row


def use_for_ticket(
    tx: Transaction, technician: Technician, visit_id: str, ticket_id: str, parts: Mapping[str, int]
) -> None:
    """Take what a service record says was put in; again changes nothing.

    A ticket worked on twice has one record: only what it says more than before is taken.
    """
    taken = used_for_ticket(tx.session, ticket_id)
    known = parts_by_code(tx.session, parts)
    for code, quantity in sorted(parts.items()):
        more = quantity - taken.get(code, 0)
        if code not in known or more <= 0:
            continue
        stock = _stock(tx, technician.id, code)
        change = -min(more, stock.quantity)
        row = _movement(tx, technician.id, code, MovementKind.USE, more, change)
        row.ticket_id, row.origin = ticket_id, f"{visit_id}/{ticket_id}"
        _keep(tx, technician, stock, row)
        if -change < more:
            _tell_short(tx, technician, known[code], more + change)


def _stock(tx: Transaction, technician_id: str, part_code: str) -> VanStock:
    stock = locked_stock(tx.session, technician_id, part_code)
    if stock is None:
        stock = VanStock(technician_id=technician_id, part_code=part_code, quantity=0)
        tx.session.add(stock)
    return stock


def _movement(
    tx: Transaction,
    technician_id: str,
    part_code: str,
    kind: MovementKind,
    quantity: int,
    change: int,
) -> PartMovement:
    return PartMovement(
        id=tx.new_id(),
        technician_id=technician_id,
        part_code=part_code,
        kind=kind,
        quantity=quantity,
        change=change,
        reason="",
        actor=tx.actor,
        at=tx.now,
    )


def _keep(tx: Transaction, technician: Technician, stock: VanStock, row: PartMovement) -> None:
    stock.quantity += row.change
    tx.session.add(row)
    tx.session.flush()
    facts = {"part": row.part_code, "kind": row.kind, "quantity": row.quantity}
    record(tx, "van_stock.moved", "technician", technician.id, {**facts, "change": row.change})
    changed(tx, [DISPATCH], "technician", technician.id)


def _tell_short(tx: Transaction, technician: Technician, part: Part, missing: int) -> None:
    message = said(
        "van_stock.short",
        technician=technician.name,
        part=InBoth(part.name_zh, part.name_en),
        code=part.code,
        missing=missing,
    )
    about = About("technician", technician.id, None, technician.region)
    notify(tx, to_role(Role.DISPATCHER), message, about)
