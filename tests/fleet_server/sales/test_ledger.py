"""Sales: entered once, never edited, refunded when nothing came out, traced by lot."""

import msgspec
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.clock import ManualClock
from fleet_server.ingest.models import DeadLetter
from fleet_server.payments.models import RefundOrder
from fleet_server.sales.models import Sale
from protocol.events import RefusalReason, SaleAdjusted, SaleRefused, VendFailed
from tests.goods import WATER, WRAP, loaded, sealed_contact, sold
from tests.registry import add_a_site, speaking_cabinet
from tests.web_client import WebClient


def letters(server: FleetServer) -> list[int]:
    with server.transactions.read() as tx:
        return [letter.seq for letter in tx.session.scalars(select(DeadLetter))]


def refunds(server: FleetServer) -> list[tuple[int, str]]:
    with server.transactions.read() as tx:
        return [(one.amount_minor, one.state) for one in tx.session.scalars(select(RefundOrder))]


def test_a_sale_is_shown_with_its_lines_and_without_its_contact(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    contact = sealed_contact(server)
    cabinet.tell("sale.completed", sold("S1", "A1", "L1", quantity=2, contact=contact))
    shown = api.as_(Role.VIEWER).get("/sales/S1")
    assert (shown["total_minor"], shown["has_contact"]) == (3000, True)
    assert shown["lines"][0]["lot"] == "L1"
    assert contact not in str(shown)


def test_the_same_sale_again_changes_nothing_and_another_with_its_id_is_a_dead_letter(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    sale = sold("S1", "A1", "L1")
    cabinet.tell("sale.completed", sale)
    cabinet.record("sale.completed", sale)
    cabinet.record("sale.completed", sold("S1", "A1", "L2"))
    cabinet.record("sale.completed", sold("S2", "A1", "L1"))
    cabinet.send()
    assert letters(server) == [3]
    viewer = api.as_(Role.VIEWER)
    assert {one["id"] for one in viewer.get("/sales")["items"]} == {"S1", "S2"}
    (line,) = viewer.get("/stock", cabinet="C1")["items"]
    assert line["units"]["sold"] == 2


def test_another_cabinet_cannot_take_a_sales_id(server: FleetServer) -> None:
    site = add_a_site(server)
    speaking_cabinet(server, "C1", site).tell("sale.completed", sold("S1", "A1", "L1"))
    speaking_cabinet(server, "C2", site).tell("sale.completed", sold("S1", "A1", "L1"))
    assert letters(server) == [1]


def test_an_adjustment_adds_a_revision_and_stock_follows_the_difference(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("stock.loaded", loaded("A1", "L1", 5))
    sale = sold("S1", "A1", "L1", quantity=2)
    cabinet.tell("sale.completed", sale)
    line = msgspec.structs.replace(sale.lines[0], quantity=1)
    cabinet.tell("sale.adjusted", SaleAdjusted("S1", "weight recount", [line], 1500))
    viewer = api.as_(Role.VIEWER)
    shown = viewer.get("/sales/S1")
    assert shown["total_minor"] == 3000
    assert shown["lines"][0]["quantity"] == 1
    assert shown["adjustments"][0]["change"] == "weight recount"
    (stock,) = viewer.get("/stock", cabinet="C1")["items"]
    assert (stock["units"]["sold"], stock["units"]["in_cabinet"]) == (1, 4)


def test_an_adjustment_of_an_unknown_sale_is_a_dead_letter(server: FleetServer) -> None:
    speaking_cabinet(server).tell("sale.adjusted", SaleAdjusted("S9", "what"))
    assert letters(server) == [1]


def test_a_failed_vend_is_refunded_once(server: FleetServer, clock: ManualClock) -> None:
    cabinet = speaking_cabinet(server)
    failed = VendFailed("S1", "A1", "jam", "pay-1", amount_minor=1500)
    cabinet.tell("vend.failed", failed)
    cabinet.tell("vend.failed", failed)
    assert refunds(server) == [(1500, "requested")]
    for _ in range(3):
        clock.advance(60)
        server.sweep()
    assert refunds(server) == [(1500, "succeeded")]


def test_a_failed_vend_without_payment_owes_nothing(server: FleetServer) -> None:
    speaking_cabinet(server).tell("vend.failed", VendFailed("S1", "A1", "jam", ""))
    assert refunds(server) == []
    assert letters(server) == []


def test_refused_sales_are_listed_by_reason(server: FleetServer, api: WebClient) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("sale.refused", SaleRefused(RefusalReason.RECALL, "A1", WRAP, "r1"))
    cabinet.tell("sale.refused", SaleRefused(RefusalReason.FAULT, "A2"))
    viewer = api.as_(Role.VIEWER)
    (shown,) = viewer.get("/sales/refusals", reason="recall")["items"]
    assert (shown["slot"], shown["recall_id"]) == ("A1", "r1")


def test_lists_show_only_the_sites_of_the_caller(server: FleetServer, api: WebClient) -> None:
    here, there = add_a_site(server), add_a_site(server, "Harbour", "west")
    for cabinet_id, site in (("C1", here), ("C2", there)):
        cabinet = speaking_cabinet(server, cabinet_id, site)
        cabinet.tell("sale.completed", sold(f"S-{cabinet_id}", "A1", "L1"))
    local = api.as_(Role.VIEWER, site=there.id)
    assert [one["id"] for one in local.get("/sales")["items"]] == ["S-C2"]
    assert [one["cabinet_id"] for one in local.get("/stock")["items"]] == ["C2"]
    assert local.try_get("/sales/S-C1").status_code == 403
    assert local.try_get("/stock/trace", gtin=WRAP).status_code == 403


def test_sales_are_found_by_lot_and_time(
    server: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("sale.completed", sold("S1", "A1", "L1"))
    clock.advance(60)
    cabinet.tell("sale.completed", sold("S2", "A1", "L2"))
    viewer = api.as_(Role.VIEWER)

    def found(**filters: str) -> set[str]:
        return {one["id"] for one in viewer.get("/sales", **filters)["items"]}

    assert found(gtin=WRAP[2:], lot="L2") == {"S2"}
    assert found(**{"from": clock.now().isoformat()}) == {"S2"}
    assert found(to=clock.now().isoformat(), cabinet="C1") == {"S1"}
    assert found(gtin=WATER) == set()


def test_the_trace_says_where_a_lot_was_loaded_is_and_went(
    server: FleetServer, api: WebClient
) -> None:
    site = add_a_site(server)
    one, other = speaking_cabinet(server, "C1", site), speaking_cabinet(server, "C2", site)
    one.tell("stock.loaded", loaded("A1", "L1", 5))
    one.tell("sale.completed", sold("S1", "A1", "L1", quantity=2))
    other.tell("stock.loaded", loaded("B1", None, 3))
    other.tell("sale.completed", sold("S2", "B1", None))
    other.tell("stock.loaded", loaded("B2", "L2", 4))
    trace = api.as_(Role.VIEWER).get("/stock/trace", gtin=WRAP, lot="L1")
    assert {match: units["in_cabinet"] for match, units in trace["totals"].items()} == {
        "yes": 3,
        "possible": 2,
    }
    assert trace["units_sold"] == {"yes": 2, "possible": 1}
    assert [(sale["sale_id"], sale["match"]) for sale in trace["sales"]] == [
        ("S1", "yes"),
        ("S2", "possible"),
    ]


def test_a_contact_is_forgotten_after_its_time(server: FleetServer, clock: ManualClock) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("sale.completed", sold("S1", "A1", "L1", contact=sealed_contact(server)))

    def contact() -> str:
        with server.transactions.read() as tx:
            return tx.session.get_one(Sale, "S1").sealed_contact

    clock.advance(200 * 86_400)
    server.sweep()
    assert contact()
    clock.advance(5 * 86_400)
    server.sweep()
    assert not contact()
