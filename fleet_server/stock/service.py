"""Move stock lines. Every change of a line goes through `shift`, which also writes its movement.

A cabinet's event is a fact, whatever the rules say: taking goods out is never blocked, and a load
that a rule should have stopped (the cabinet was cut off) is recorded, flagged and told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm.attributes import set_committed_value

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.bulk import Row, insert_rows, update_rows
from fleet_server.cabinets.models import Cabinet, Site
from fleet_server.cabinets.queries import sites_of
from fleet_server.catalog.queries import lots_of
from fleet_server.live.service import FLEET, changed
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.rules.queries import active_rules
from fleet_server.stock.events import StockShifted
from fleet_server.stock.models import StockLine, StockMovement
from fleet_server.stock.queries import Key, goods_of, lines_by_key, units_of
from fleet_server.stock.rules import MovementKind, Units, after, one_date
from fleet_server.transactions import Transaction
from protocol.matching import Place, match
from protocol.rules import Rule

UNITS = tuple(Units.__dataclass_fields__)
LINE_COLUMNS = (*UNITS, "moved_at", "counted_at", "counted_by")
MOVEMENT_COLUMNS = (
    "line_id",
    "cabinet_id",
    "site_id",
    "kind",
    "quantity",
    "booked",
    "at",
    "received_at",
    "by",
    "why",
    "bag",
    "work_order",
    "origin",
    "blocked_by",
)


@dataclass(frozen=True)
class Shift:
    """One movement to book. `lot` is empty where it is not known."""

    kind: MovementKind
    cabinet_id: str
    site_id: str
    slot: str
    gtin: str
    lot: str
    quantity: int
    at: datetime
    by: str
    origin: str
    expiry: date | None = None
    production: date | None = None
    why: str = ""
    bag: str = ""
    work_order: str = ""

    @property
    def key(self) -> Key:
        """Name of the line it moves."""
        return (self.cabinet_id, self.slot, self.gtin, self.lot)


def shift(tx: Transaction, shifts: Sequence[Shift]) -> dict[Key, StockLine]:
    """Book movements in their order; returns the lines they touched."""
    if not shifts:
        return {}
    lines = lines_by_key(tx.session, (one.key for one in shifts))
    book = Book(tx)
    dated = _printed_dates(tx, shifts)
    rules = active_rules(tx.session) if _has_loads(shifts) else []
    sites = sites_of(tx.session, {one.cabinet_id for one in shifts}) if rules else {}
    for one in shifts:
        line = lines.get(one.key)
        if line is None:
            line = lines[one.key] = _new_line(tx, one)
            tx.session.add(line)
        expiry, production = dated.get((one.gtin, one.lot), (None, None))
        _date(line, one, one.expiry or expiry, one.production or production)
        blocked_by = _blocking(rules, one, line, sites.get(one.cabinet_id))
        book.enter(line, one, blocked_by)
        if blocked_by is not None:
            _tell_blocked_load(tx, one, blocked_by, sites[one.cabinet_id])
    book.write()
    tx.announce(StockShifted(tuple(dict.fromkeys(lines[one.key].id for one in shifts))))
    for cabinet_id, site_id in dict.fromkeys((one.cabinet_id, one.site_id) for one in shifts):
        changed(tx, [f"cabinet/{cabinet_id}"], "stock", cabinet_id, site_id)
    return lines


def explain(tx: Transaction, line: StockLine, reason: str) -> None:
    """Accept what a line cannot account for; the caller checks that a second person says so."""
    cabinet = tx.session.get_one(Cabinet, line.cabinet_id)
    quantity = line.unexplained
    shift(
        tx,
        [
            Shift(
                kind=MovementKind.EXPLAINED,
                cabinet_id=line.cabinet_id,
                site_id=cabinet.site_id,
                slot=line.slot,
                gtin=line.gtin,
                lot=line.lot,
                quantity=quantity,
                at=tx.now,
                by=tx.actor,
                origin=tx.actor,
                why=reason,
            )
        ],
    )
    facts = {"units": quantity, "reason": reason, "line": line.id}
    record(tx, "stock.explained", "cabinet", line.cabinet_id, facts, cabinet.site_id)


def _has_loads(shifts: Iterable[Shift]) -> bool:
    return any(one.kind is MovementKind.LOADED for one in shifts)


def _printed_dates(
    tx: Transaction, shifts: Sequence[Shift]
) -> dict[tuple[str, str], tuple[date | None, date | None]]:
    """Dates the catalogue knows of lots that are loaded without them."""
    lots = lots_of(
        tx.session,
        ((one.gtin, one.lot) for one in shifts if one.kind is MovementKind.LOADED and one.lot),
    )
    return {key: (lot.expiry, lot.production) for key, lot in lots.items()}


def _new_line(tx: Transaction, one: Shift) -> StockLine:
    return StockLine(
        id=tx.new_id(),
        cabinet_id=one.cabinet_id,
        slot=one.slot,
        gtin=one.gtin,
        lot=one.lot,
        moved_at=one.at,
        counted_by="",
        **dict.fromkeys(UNITS, 0),
    )


def _date(line: StockLine, one: Shift, expiry: date | None, production: date | None) -> None:
    if one.kind is MovementKind.LOADED:
        is_first = line.loaded == 0
        line.expiry = one_date(line.expiry, expiry, is_first=is_first)
        line.production = one_date(line.production, production, is_first=is_first)


class Book:
    """Movements of one transaction: entered in memory, written in two statements."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._moved: dict[str, StockLine] = {}
        self._movements: list[Row] = []

    def enter(self, line: StockLine, one: Shift, blocked_by: str | None) -> None:
        """Book one movement of a line."""
        before = units_of(line)
        values = vars(after(before, one.kind, one.quantity)) | {"moved_at": one.at}
        if one.kind is MovementKind.COUNTED:
            values |= {"counted_at": one.at, "counted_by": one.by}
        for name, value in values.items():
            # Written by `write`: the ORM would send a statement for each line.
            set_committed_value(line, name, value)
        self._moved[line.id] = line
        self._movements.append(
            (
                line.id,
                one.cabinet_id,
                one.site_id,
                one.kind.value,
                one.quantity,
                before.in_cabinet,
                one.at,
                self._tx.now,
                one.by,
                one.why[:300],
                one.bag,
                one.work_order,
                one.origin,
                blocked_by,
            )
        )

    def write(self) -> None:
        """Write the movements, and the lines as they are after them."""
        rows = [
            (line.id, *(getattr(line, name) for name in LINE_COLUMNS))
            for line in sorted(self._moved.values(), key=lambda line: line.id)
        ]
        update_rows(self._tx.session, StockLine, ("id",), LINE_COLUMNS, rows)
        insert_rows(self._tx.session, StockMovement, MOVEMENT_COLUMNS, self._movements)


def _blocking(rules: Sequence[Rule], one: Shift, line: StockLine, site: Site | None) -> str | None:
    if one.kind is not MovementKind.LOADED or site is None:
        return None
    goods = goods_of(line.gtin, line.lot, line.expiry, line.production)
    place = Place(one.cabinet_id, one.slot, site.id, site.region)
    return next((rule.recall for rule in rules if match(rule, goods, place).blocks), None)


def _tell_blocked_load(tx: Transaction, one: Shift, recall_id: str, site: Site) -> None:
    message = said(
        "stock.blocked_load",
        cabinet=one.cabinet_id,
        slot=one.slot,
        gtin=one.gtin,
        lot=one.lot or "?",
        quantity=one.quantity,
        recall=recall_id,
    )
    about = About("cabinet", one.cabinet_id, site.id, site.region)
    for role in (Role.OPERATOR, Role.SUPERVISOR):
        notify(tx, to_role(role), message, about, Urgency.URGENT)
    changed(tx, [FLEET], "stock", one.cabinet_id, site.id)
