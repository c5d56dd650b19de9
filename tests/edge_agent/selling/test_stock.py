"""Stock by lot: first in first out, attribution, what may come in and always go out."""

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.selling.errors import StockRefusedError
from edge_agent.selling.gate import NO_DATE, Lot
from edge_agent.selling.stock import confidence
from protocol.errors import MalformedMessageError
from protocol.events import LotConfidence, StockMoved
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.model_server import GTIN_A, GTIN_B
from tests.edge_agent.workbench import EXPIRY, Bench, planned, ready

MOVED = StockMoved("A1", GTIN_A, "L1", 1, "tester", expiry=EXPIRY)


def changed(**changes: object) -> StockMoved:
    return msgspec.structs.replace(MOVED, **changes)


def recall(lot: str) -> Rule:
    terms = Terms(gtins=[GTIN_A], lots=Lots(exact=[lot]))
    return Rule("R-1", 1, BlockKind.RECALL, terms, Notice("召回", "recalled"))


def test_the_oldest_lot_is_sold_first_and_told_so(bench: Bench) -> None:
    bench.agent.cabinet.remove(changed(quantity=4))
    bench.load(lot="L2", quantity=1)
    for reference in ("pay-1", "pay-2"):
        bench.vend(reference)
        bench.close_doors()
        bench.steps(2)
    lines: list[Any] = [body["lines"] for body in bench.bodies("sale.completed")]
    told = [(only["lot"], only["lot_confidence"]) for (only,) in lines]
    assert told == [("L1", "fifo"), ("L2", "exact")]


@given(st.lists(st.tuples(st.sampled_from([None, "L1", "L2"]), st.integers(1, 3)), min_size=1))
def test_confidence_says_no_more_than_is_known(loads: list[tuple[str | None, int]]) -> None:
    lots = [Lot(row, GTIN_A, lot, quantity) for row, (lot, quantity) in enumerate(loads)]
    found = confidence(lots)
    different = len({lot for lot, _ in loads})
    if loads[0][0] is None:
        assert found is LotConfidence.UNKNOWN
    elif different > 1:
        assert found is LotConfidence.FIFO
    else:
        single = sum(quantity for _, quantity in loads) == 1
        assert found is (LotConfidence.EXACT if single else LotConfidence.SINGLE)


@pytest.mark.parametrize(
    ("moved", "why"),
    [
        (changed(lot="BAD"), "blocked"),
        (changed(lot=None), "blocked"),
        (changed(expiry=date(2026, 11, 20)), "expired"),
        (changed(expiry=None), "need their expiry date"),
        (changed(gtin=GTIN_B), "another product"),
        (changed(quantity=0), "quantity"),
        (changed(quantity=1001), "quantity"),
    ],
)
def test_goods_that_may_not_be_sold_are_not_loaded(
    bench: Bench, moved: StockMoved, why: str
) -> None:
    bench.link.send_rules(bench.server.rules(2, [recall("BAD")]))
    bench.steps(2)
    with pytest.raises(StockRefusedError, match=why):
        bench.agent.cabinet.load(moved)
    assert bench.units() == 5
    assert len(bench.bodies("stock.loaded")) == 1


def test_goods_that_keep_need_no_date(make_bench: Callable[..., Bench]) -> None:
    bench = ready(make_bench())
    keeps = planned("A2", perishable=False, chilled=False)
    bench.link.send_desired(bench.server.desired(2, [planned("A1"), keeps]))
    bench.steps(2)
    bench.agent.cabinet.load(changed(slot="A2", expiry=None))
    assert bench.vend("pay-1", slot="A2").outcome == "dispensed"


def test_perishable_goods_without_a_date_that_a_count_found_are_not_sold(bench: Bench) -> None:
    bench.agent.cabinet.count(changed(lot="FOUND", quantity=2, expiry=None))
    refused = bench.vend("pay-1")
    assert (refused.reason, refused.detail) == ("expiry", NO_DATE)
    bench.agent.cabinet.count(changed(lot="FOUND", quantity=0, expiry=None))
    assert bench.vend("pay-2").outcome == "dispensed"


def test_a_gtin_with_a_wrong_check_digit_is_refused(bench: Bench) -> None:
    with pytest.raises(MalformedMessageError):
        bench.agent.cabinet.load(changed(gtin="06901234567893"))


def test_recalled_goods_can_always_be_taken_out(bench: Bench) -> None:
    bench.link.send_rules(bench.server.rules(2, [recall("L1")]))
    bench.steps(2)
    assert bench.vend("pay-1").detail == "R-1"
    bench.agent.cabinet.remove(changed(quantity=5, why="recall", bag="BAG-7"))
    assert bench.units() == 0
    (removed,) = bench.bodies("stock.removed")
    assert (removed["quantity"], removed["bag"]) == (5, "BAG-7")
    bench.load(lot="L9", quantity=1)
    assert bench.vend("pay-2").outcome == "dispensed"


def test_more_than_the_book_has_cannot_be_removed(bench: Bench) -> None:
    with pytest.raises(StockRefusedError):
        bench.agent.cabinet.remove(changed(quantity=6))
    assert bench.units() == 5


@settings(max_examples=20)
@given(counted=st.integers(0, 12))
def test_a_count_sets_the_book_and_tells_what_it_had(counted: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        bench = ready(Bench(Path(directory)))
        bench.agent.cabinet.count(changed(quantity=counted))
        (told,) = bench.bodies("stock.counted")
        assert (told["counted"], told["booked"], bench.units()) == (counted, 5, counted)
        bench.crash()


def test_stock_is_not_moved_while_a_vend_is_under_way(bench: Bench) -> None:
    bench.doors.stuck = True
    bench.vend("pay-1")
    with pytest.raises(StockRefusedError, match="under way"):
        bench.agent.cabinet.remove(changed(quantity=1))
