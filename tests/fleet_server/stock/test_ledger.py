"""Units: loaded = sold + in cabinet + removed + transferred + explained + unexplained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.app import FleetServer
from fleet_server.errors import InvalidError
from fleet_server.ingest.models import DeadLetter
from fleet_server.stock.models import StockLine
from fleet_server.stock.queries import movements_of, units_of
from fleet_server.stock.rules import MovementKind, Units, after
from tests.goods import WATER, WRAP, counted, loaded, removed, sold
from tests.registry import speaking_cabinet

FACTS = st.sampled_from(
    [MovementKind.LOADED, MovementKind.SOLD, MovementKind.REMOVED, MovementKind.COUNTED]
)


def lines(server: FleetServer) -> dict[tuple[str, str], Units]:
    with server.transactions.read() as tx:
        return {(line.slot, line.lot): units_of(line) for line in tx.session.query(StockLine)}


@given(st.lists(st.tuples(FACTS, st.integers(0, 1000)), max_size=30))
def test_invariant_08_the_ledger_balances_after_any_movements(
    movements: list[tuple[MovementKind, int]],
) -> None:
    units = Units()
    for kind, quantity in movements:
        units = after(units, kind, quantity)
        assert units.balances
    if units.unexplained:
        assert after(units, MovementKind.EXPLAINED, units.unexplained).unexplained == 0


@given(st.integers(-50, 50), st.integers(-60, 60))
def test_no_more_is_explained_than_is_unexplained(unexplained: int, quantity: int) -> None:
    units = Units(unexplained=unexplained, in_cabinet=-unexplained)
    allowed = quantity != 0 and 0 < quantity / unexplained <= 1 if unexplained else False
    if allowed:
        assert after(units, MovementKind.EXPLAINED, quantity).balances
    else:
        with pytest.raises(InvalidError):
            after(units, MovementKind.EXPLAINED, quantity)


def test_invariant_08_loads_sales_counts_and_removals_of_a_cabinet_balance(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("stock.loaded", loaded("A1", "L1", 10))
    cabinet.record("sale.completed", sold("S1", "A1", "L1", quantity=2))
    cabinet.record("stock.counted", counted("A1", "L1", 7, 8))
    cabinet.record("stock.removed", removed("A1", "L1", 7))
    cabinet.send()
    units = lines(server)["A1", "L1"]
    assert units == Units(loaded=10, sold=2, removed=7, unexplained=1, in_cabinet=0)
    assert units.balances


def test_the_stored_line_is_the_sum_of_its_movements(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for quantity in (3, 4):
        cabinet.tell("stock.loaded", loaded("A1", "L1", quantity))
    cabinet.tell("sale.completed", sold("S1", "A1", "L1"))
    cabinet.tell("stock.counted", counted("A1", "L1", 8, 6))
    with server.transactions.read() as tx:
        line = tx.session.query(StockLine).one()
        units = Units()
        for movement in movements_of(tx.session, line.id):
            assert movement.booked == units.in_cabinet
            units = after(units, MovementKind(movement.kind), movement.quantity)
        assert units == units_of(line)


def test_an_unknown_lot_is_kept_as_unknown(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("stock.loaded", loaded("A1", None, 2))
    assert lines(server)["A1", ""].in_cabinet == 2


def test_units_of_one_lot_with_different_dates_have_no_known_date(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("stock.loaded", loaded("A1", "L1", 2))
    cabinet.tell("stock.loaded", loaded("A1", "L1", 2, expiry=None))
    with server.transactions.read() as tx:
        assert tx.session.query(StockLine).one().expiry is None


def test_a_gtin_of_thirteen_digits_names_the_same_goods(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("stock.loaded", loaded("A1", "L1", 2, gtin=WATER[1:]))
    with server.transactions.read() as tx:
        assert tx.session.query(StockLine).one().gtin == WATER


def test_a_load_of_no_units_goes_to_the_dead_letters(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("stock.loaded", loaded("A1", "L1", 0))
    cabinet.record("stock.loaded", loaded("A1", "L1", 1, gtin=WRAP))
    cabinet.send()
    assert lines(server)["A1", "L1"].loaded == 1
    with server.transactions.read() as tx:
        assert [letter.seq for letter in tx.session.query(DeadLetter)] == [1]
