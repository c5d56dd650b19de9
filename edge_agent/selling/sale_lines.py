"""Lines of a door session: pieces taken -> lots, first in, first out, bounded to one event.

Units of one lot and date make one line, however many loads they came in. A cabinet emptied in one
go may still hold more lots than an event carries. Then the lines of a slot become one of unknown
lot, which a recall counts as affected: no piece and no price is ever left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import msgspec

from edge_agent.selling.session_book import Offer
from edge_agent.selling.stock import Units
from protocol.events import LotConfidence, SaleLine

LINES_BYTES_MAX = 32 * 1024
"""Two thirds of an event; the rest is for the evidence of the shelves."""

Take = Callable[[str, int], list[Units]]


def sale_lines(offers: Sequence[Offer], taken: Mapping[str, int], take: Take) -> list[SaleLine]:
    """Lines of what was taken by slot; `take` takes the pieces out of the book."""
    sold = [(offer, _by_lot(take(offer.slot, taken.get(offer.slot, 0)))) for offer in offers]
    lines = _numbered(sold)
    if len(msgspec.json.encode(lines)) <= LINES_BYTES_MAX:
        return lines
    return _numbered([(offer, _of_unknown_lot(units)) for offer, units in sold])


def _by_lot(units: Iterable[Units]) -> list[Units]:
    """One row for units that differ in nothing but their load."""
    alike = groupby(units, key=lambda row: replace(row, quantity=0))
    return [replace(same, quantity=sum(row.quantity for row in rows)) for same, rows in alike]


def _of_unknown_lot(units: list[Units]) -> list[Units]:
    if len(units) < 2:
        return units
    count = sum(row.quantity for row in units)
    return [Units(units[0].gtin, None, None, count, LotConfidence.UNKNOWN)]


def _numbered(sold: Iterable[tuple[Offer, list[Units]]]) -> list[SaleLine]:
    rows = [(offer, units) for offer, several in sold for units in several]
    return [
        SaleLine(
            line=number,
            slot=offer.slot,
            gtin=offer.gtin if units.gtin is None else units.gtin,
            lot=units.lot,
            lot_confidence=units.confidence,
            quantity=units.quantity,
            price_minor=offer.price_minor,
            expiry=units.expiry,
            near_expiry_told=offer.near_expiry_told,
            not_returnable_told=offer.not_returnable_told,
        )
        for number, (offer, units) in enumerate(rows, start=1)
    ]
