"""All selects of stock, and the one way from terms of goods to SQL.

SQL only narrows: it never leaves out a row that `protocol.matching` would call yes or possible.
The matcher then decides about each row that is left.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet_server.auth.rules import Scope
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Cabinet, Site
from fleet_server.cabinets.queries import within
from fleet_server.stock.models import StockLine, StockMovement
from fleet_server.stock.rules import MovementKind, Units
from protocol.matching import Goods, Match, Place, match_place, match_terms, strongest
from protocol.rules import Terms, Where

Key = tuple[str, str, str, str]
"""(cabinet, slot, GTIN, lot or empty): what names a stock line."""


@dataclass(frozen=True)
class FoundStock:
    """A stock line that some terms mean, and how surely."""

    line: StockLine
    match: Match
    site_id: str
    """Where the cabinet stands now."""


def lines_by_key(session: Session, keys: Iterable[Key]) -> dict[Key, StockLine]:
    """Lines of those keys, locked in a fixed order."""
    wanted = set(keys)
    if not wanted:
        return {}
    found = (
        select(StockLine)
        .where(one_of(session, StockLine.cabinet_id, (key[0] for key in wanted)))
        .where(one_of(session, StockLine.gtin, (key[2] for key in wanted)))
        .order_by(StockLine.id)
        .with_for_update()
    )
    # Anew: what this transaction looked at before it held the lock may have moved since.
    rows = session.scalars(found.execution_options(populate_existing=True))
    lines = {key_of(line): line for line in rows}
    return {key: line for key, line in lines.items() if key in wanted}


def lines_by_id(session: Session, line_ids: Iterable[str]) -> list[StockLine]:
    """Lines of those ids."""
    found = select(StockLine).where(one_of(session, StockLine.id, line_ids))
    return list(session.scalars(found.order_by(StockLine.id)))


def key_of(line: StockLine) -> Key:
    """Name of a line."""
    return (line.cabinet_id, line.slot, line.gtin, line.lot)


def units_of(line: StockLine) -> Units:
    """Units of a line."""
    return Units(**{name: getattr(line, name) for name in Units.__dataclass_fields__})


def goods_of(gtin: str, lot: str, expiry: date | None, production: date | None) -> Goods:
    """Goods as the matcher knows them: an empty lot is one not known."""
    return Goods(gtin=gtin, lot=lot or None, expiry=expiry, production=production)


def may_match(
    terms: Terms, gtin: InstrumentedAttribute[str], lot: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """Narrow rows to those the terms may mean; an unknown lot always may."""
    conditions: list[ColumnElement[bool]] = [true()]
    if terms.gtins:
        conditions.append(gtin.in_(terms.gtins))
    if terms.lots is not None:
        lots: list[ColumnElement[bool]] = [lot == "", lot.in_(terms.lots.exact)]
        lots += [lot.startswith(prefix, autoescape=True) for prefix in terms.lots.prefix]
        # Text order differs between databases: only the length is left to SQL.
        lots += [func.length(lot) == len(span.low) for span in terms.lots.ranges]
        conditions.append(or_(*lots))
    return and_(*conditions)


def matched_stock(
    session: Session, terms: Terms, where: Where, cabinet_ids: Iterable[str] | None = None
) -> list[FoundStock]:
    """Every line, of now and of ever, that the terms mean at a place the cabinet is or was at."""
    found = (
        select(StockLine, Site.id, Site.region)
        .join(Cabinet, Cabinet.id == StockLine.cabinet_id)
        .join(Site, Site.id == Cabinet.site_id)
        .where(may_match(terms, StockLine.gtin, StockLine.lot))
        .order_by(StockLine.cabinet_id, StockLine.slot, StockLine.id)
    )
    if cabinet_ids is not None:
        found = found.where(StockLine.cabinet_id.in_(sorted(set(cabinet_ids))))
    if where.cabinets:
        found = found.where(StockLine.cabinet_id.in_(where.cabinets))
    rows = session.execute(found).all()
    was_at = _earlier_sites(session, terms, where)
    matches = []
    for line, site_id, region in rows:
        goods = goods_of(line.gtin, line.lot, line.expiry, line.production)
        places = [(site_id, region), *was_at[line.id]]
        there = strongest(
            match_place(where, Place(line.cabinet_id, line.slot, site, area))
            for site, area in places
        )
        matches.append(FoundStock(line, both(match_terms(terms, goods), there), site_id))
    return [one for one in matches if one.match.blocks]


def both(one: Match, other: Match) -> Match:
    """Match of two conditions that must hold together."""
    if Match.NO in {one, other}:
        return Match.NO
    return Match.POSSIBLE if Match.POSSIBLE in {one, other} else Match.YES


def stock_within(scope: Scope) -> Select[StockLine]:
    """Lines at the sites a scope covers."""
    cabinets = within(select(Cabinet.id), Cabinet.site_id, scope)
    return select(StockLine).where(StockLine.cabinet_id.in_(cabinets))


def movements_of(session: Session, line_id: str) -> list[StockMovement]:
    """Movements of a line, in the order they came."""
    found = select(StockMovement).where(StockMovement.line_id == line_id)
    return list(session.scalars(found.order_by(StockMovement.seq)))


def last_bags(session: Session, line_ids: Iterable[str]) -> list[StockMovement]:
    """Removals of those lines, oldest first: bags, destinations, by whom."""
    found = (
        select(StockMovement)
        .where(StockMovement.line_id.in_(sorted(set(line_ids))))
        .where(StockMovement.kind == MovementKind.REMOVED)
        .order_by(StockMovement.seq)
    )
    return list(session.scalars(found))


def _earlier_sites(
    session: Session, terms: Terms, where: Where
) -> defaultdict[str, list[tuple[str, str]]]:
    sites: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    if not (where.sites or where.regions):
        return sites
    found = (
        select(StockMovement.line_id, Site.id, Site.region)
        .join(StockLine, StockLine.id == StockMovement.line_id)
        .join(Site, Site.id == StockMovement.site_id)
        .where(may_match(terms, StockLine.gtin, StockLine.lot))
        .distinct()
    )
    for line_id, site_id, region in session.execute(found):
        sites[line_id].append((site_id, region))
    return sites
