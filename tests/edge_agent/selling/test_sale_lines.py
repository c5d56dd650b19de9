"""Lines of a door session: whole, first in first out, and never more than an event carries."""

from collections.abc import Callable
from datetime import date

import msgspec

from edge_agent.selling.sale_lines import LINES_BYTES_MAX, sale_lines
from edge_agent.selling.session_book import Offer
from edge_agent.selling.stock import Units
from protocol.events import LotConfidence, StockMoved
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.selling.open_door import OpenDoor, open_door
from tests.edge_agent.workbench import EXPIRY, Bench


def offer(slot: str) -> Offer:
    return Offer(slot, GTIN_A, 250, near_expiry_told=False, not_returnable_told=True)


def units(lot: str | None, quantity: int = 1, expiry: date | None = EXPIRY) -> Units:
    return Units(GTIN_A, lot, expiry, quantity, LotConfidence.FIFO)


def test_units_of_one_lot_and_date_make_one_line_however_often_it_was_loaded() -> None:
    book = [units("L1", 2), units("L1", 3), units("L2"), units("L1", 1, date(2031, 1, 1))]
    lines = sale_lines([offer("S1")], {"S1": 7}, lambda _slot, _count: book)
    assert [(line.line, line.lot, line.quantity) for line in lines] == [
        (1, "L1", 5),
        (2, "L2", 1),
        (3, "L1", 1),
    ]
    assert all(line.not_returnable_told for line in lines)


def test_more_lots_than_an_event_carries_are_sold_as_unknown_and_none_is_left_out() -> None:
    offers = [offer(f"S{number}") for number in range(60)]
    book = [units(f"LOT-{number:015}") for number in range(8)]
    lines = sale_lines(offers, dict.fromkeys((row.slot for row in offers), 8), lambda *_: book)
    assert len(msgspec.json.encode(lines)) <= LINES_BYTES_MAX
    assert sum(line.quantity for line in lines) == 60 * 8
    assert {(line.lot, line.lot_confidence) for line in lines} == {(None, LotConfidence.UNKNOWN)}


def test_a_cabinet_of_many_lots_that_is_emptied_in_one_go_is_settled(
    make_bench: Callable[..., Bench],
) -> None:
    shop: OpenDoor = open_door(make_bench)
    for number in range(180):
        lot = f"LOT-{number:0120}"
        shop.bench.agent.cabinet.load(StockMoved("S1", GTIN_A, lot, 1, "tester", expiry=EXPIRY))
        shop.grams["top"] += 520.0
    shop.steps(4)
    shop.open()
    shop.take("S1", 188)
    shop.shut()
    (sale,) = shop.bench.bodies("sale.completed")
    assert sale["total_minor"] == 188 * 250
