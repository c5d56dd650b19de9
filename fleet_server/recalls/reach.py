"""What a recall touches: the same matcher for preview, activation and late events.

Split from `queries.py`, which knows the tables of recalls only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from sqlalchemy.orm import Session

from fleet_server.catalog.queries import products_by_gtin
from fleet_server.recalls.models import Recall
from fleet_server.recalls.notice import Names, Sold
from fleet_server.recalls.schemas import MatchCounts, PreviewView, RecallContent, Scope
from fleet_server.recalls.scope import terms_of, where_of
from fleet_server.sales.queries import FoundSale, matched_sales
from fleet_server.stock.queries import FoundStock, matched_stock, units_of
from fleet_server.stock.rules import Units
from fleet_server.stock.schemas import UnitsView
from protocol.matching import Match, strongest

SITES_NAMED_MAX = 20
"""Sites a public notice names; a longer list helps nobody find theirs."""
ANYWHERE = {"zh": "全部货柜", "en": "all our cabinets"}
AND_MORE = {"zh": "等", "en": "and more"}


def content_of(recall: Recall) -> RecallContent:
    """Content as it is stored."""
    return RecallContent.model_validate(recall.content)


def stock_in(
    session: Session, scope: Scope, cabinet_ids: Iterable[str] | None = None
) -> list[FoundStock]:
    """Matching stock lines, of now and of ever."""
    return matched_stock(session, terms_of(scope), where_of(scope), cabinet_ids)


def sales_in(
    session: Session, scope: Scope, sale_ids: Iterable[str] | None = None
) -> Iterator[FoundSale]:
    """Matching sale lines, within the time of sale the scope names."""
    return matched_sales(
        session, terms_of(scope), where_of(scope), scope.sold_from, scope.sold_to, sale_ids
    )


def by_cabinet(found: Iterable[FoundStock]) -> dict[str, list[FoundStock]]:
    """Matching lines by cabinet."""
    groups: defaultdict[str, list[FoundStock]] = defaultdict(list)
    for one in found:
        groups[one.line.cabinet_id].append(one)
    return dict(groups)


def preview(session: Session, scope: Scope) -> PreviewView:
    """Figures of a scope, before anything happens. A cabinet counts with its strongest match."""
    stock = by_cabinet(stock_in(session, scope))
    figures = {Match.YES: MatchCounts(), Match.POSSIBLE: MatchCounts()}
    total = Units()
    for found in stock.values():
        figures[strongest(one.match for one in found)].cabinets += 1
        for one in found:
            total += units_of(one.line)
            figures[one.match].units_inside += one.line.in_cabinet
        for slot in {one.line.slot for one in found}:
            there = strongest(one.match for one in found if one.line.slot == slot)
            figures[there].slots += 1
    _count_sales(figures, sales_in(session, scope))
    return PreviewView(
        yes=figures[Match.YES],
        possible=figures[Match.POSSIBLE],
        cabinets=sorted(stock),
        visits=sum(any(one.line.in_cabinet for one in found) for found in stock.values()),
        units=UnitsView.of(total),
    )


def product_names(session: Session, content: RecallContent) -> Names:
    """Names of the products a scope lists."""
    products = products_by_gtin(session, content.scope.gtins)
    return {gtin: {"zh": one.name_zh, "en": one.name_en} for gtin, one in products.items()}


def sold_anywhere(scope: Scope, site_names: Iterable[str] = ()) -> Sold:
    """Where and when sold, for everybody to read."""
    names = sorted(set(site_names))
    ends = [one.date().isoformat() if one else "" for one in (scope.sold_from, scope.sold_to)]
    when = f", {ends[0]} - {ends[1]}" if any(ends) else ""
    return {
        language: (_listed(names, language) or ANYWHERE[language]) + when
        for language in ("zh", "en")
    }


def _listed(names: list[str], language: str) -> str:
    more = [AND_MORE[language]] if len(names) > SITES_NAMED_MAX else []
    return ", ".join(names[:SITES_NAMED_MAX] + more)


def _count_sales(figures: dict[Match, MatchCounts], sales: Iterable[FoundSale]) -> None:
    matches: dict[str, Match] = {}
    reachable: set[str] = set()
    for sale in sales:
        figures[sale.match].units_sold += sale.quantity
        matches[sale.sale_id] = strongest([sale.match, matches.get(sale.sale_id, Match.NO)])
        if sale.has_contact:
            reachable.add(sale.sale_id)
    for sale_id, match in matches.items():
        figures[match].sales += 1
        figures[match].buyers_reachable += sale_id in reachable
