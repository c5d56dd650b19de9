"""Many rows in one statement mean the same as many rows one by one, on both databases."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from fleet_server.app import FleetServer
from fleet_server.bulk import insert_rows, one_of, update_rows
from fleet_server.cabinets.models import CabinetHistory
from fleet_server.stock.models import StockLine, StockMovement
from tests.registry import add_a_cabinet, add_a_site

AT = datetime(2026, 3, 2, 8, 0, 0, 123000, tzinfo=UTC)
LINE = ("id", "cabinet_id", "slot", "gtin", "lot", "expiry", "counted_by", "moved_at")
UNITS = (
    "loaded",
    "sold",
    "removed",
    "transferred",
    "explained",
    "unexplained",
    "in_cabinet",
)
ODD = "a\tb\\c\nd'e\"f 召回 \\N"


def lines(server: FleetServer, count: int = 3) -> None:
    site = add_a_site(server)
    add_a_cabinet(server, site)
    rows = [
        (f"line-{n}", "C1", f"A{n}", "06901234567892", ODD, None if n else date(2026, 5, 1), "", AT)
        + (n,) * len(UNITS)
        for n in range(count)
    ]
    with server.transactions.write("system:test") as tx:
        insert_rows(tx.session, StockLine, (*LINE, *UNITS), rows)


def test_rows_come_back_as_they_went_in(server: FleetServer) -> None:
    lines(server)
    with server.transactions.read() as tx:
        found = list(tx.session.scalars(select(StockLine).order_by(StockLine.id)))
    assert [(one.lot, one.loaded, one.moved_at) for one in found] == [
        (ODD, n, AT) for n in range(3)
    ]
    assert [one.expiry for one in found] == [date(2026, 5, 1), None, None]


def test_numbers_of_rows_are_given_by_the_database(server: FleetServer) -> None:
    lines(server)
    columns = ("line_id", "cabinet_id", "site_id", "kind", "quantity", "booked", "at")
    rest = ("received_at", "by", "why", "bag", "work_order", "origin")
    rows = [(f"line-{n}", "C1", "s", "sold", n, 0, AT, AT, "", "", "", "", "o") for n in range(3)]
    with server.transactions.write("system:test") as tx:
        insert_rows(tx.session, StockMovement, (*columns, *rest), rows)
    with server.transactions.read() as tx:
        found = list(tx.session.scalars(select(StockMovement).order_by(StockMovement.seq)))
    assert [one.quantity for one in found] == [0, 1, 2]


def test_json_is_kept(server: FleetServer) -> None:
    lines(server)
    columns = ("id", "cabinet_id", "at", "what", "actor", "details")
    details = {"reason": ODD, "n": [1, None]}
    with server.transactions.write("system:test") as tx:
        insert_rows(tx.session, CabinetHistory, columns, [("h", "C1", AT, "w", "a", details)])
    with server.transactions.read() as tx:
        assert tx.session.get_one(CabinetHistory, "h").details == details


def test_only_the_named_rows_and_columns_change(server: FleetServer) -> None:
    lines(server)
    later = AT.replace(hour=9)
    with server.transactions.write("system:test") as tx:
        changes = [("line-0", 7, later, None), ("line-2", 8, later, AT), ("nobody", 9, later, AT)]
        columns = ("sold", "moved_at", "counted_at")
        assert update_rows(tx.session, StockLine, ("id",), columns, changes) == 2
    with server.transactions.read() as tx:
        found = list(tx.session.scalars(select(StockLine).order_by(StockLine.id)))
    assert [(one.sold, one.loaded) for one in found] == [(7, 0), (1, 1), (8, 2)]
    assert [one.counted_at for one in found] == [None, None, AT]


def test_a_double_key_is_the_error_sqlalchemy_has_for_it_and_nothing_stays(
    server: FleetServer,
) -> None:
    lines(server)
    row = ("line-9", "C1", "A9", "06901234567892", "", None, "", AT) + (0,) * len(UNITS)

    def twice() -> None:
        with server.transactions.write("system:test") as tx:
            insert_rows(tx.session, StockLine, (*LINE, *UNITS), [row, row])

    with pytest.raises(IntegrityError):
        twice()
    with server.transactions.read() as tx:
        assert tx.session.get(StockLine, "line-9") is None


def test_one_parameter_names_any_number_of_values(server: FleetServer) -> None:
    lines(server)
    for wanted in ([], ["line-1"], ["line-2", "line-0", "line-0", "nobody"]):
        with server.transactions.read() as tx:
            condition = one_of(tx.session, StockLine.id, wanted)
            found = set(tx.session.scalars(select(StockLine.id).where(condition)))
        assert found == set(wanted) - {"nobody"}
