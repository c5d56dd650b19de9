"""Products and lots: true GTINs, nothing overwritten, near-expiry by shelf life."""

import pytest

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.catalog.rules import near_expiry_days
from fleet_server.stock.models import StockLine
from tests.goods import WATER, loaded
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

PRODUCT = {"gtin": WATER[1:], "name_zh": "水", "name_en": "Water", "shelf_life_days": 365}


def test_a_product_is_kept_under_fourteen_digits(api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    made = admin.post("/products", PRODUCT)
    assert (made["gtin"], made["near_expiry_days"], made["currency"]) == (WATER, 45, "CNY")
    assert admin.get(f"/products/{WATER[1:]}") == made
    assert admin.get("/products")["items"] == [made]


def test_a_false_check_digit_is_refused(api: WebClient) -> None:
    answer = api.as_(Role.ADMIN).try_post("/products", {**PRODUCT, "gtin": "6901234567893"})
    assert answer.status_code == 422
    assert "check digit" in answer.text


def test_a_known_product_or_lot_is_not_overwritten(api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    admin.post("/products", PRODUCT)
    assert admin.try_post("/products", PRODUCT).status_code == 409
    lot = {"gtin": WATER, "lot": "L1", "expiry": "2026-12-01"}
    admin.post("/lots", lot)
    assert admin.try_post("/lots", lot).status_code == 409


def test_a_lot_needs_its_product_and_dates_in_order(api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    lot = {"gtin": WATER, "lot": "L1"}
    assert admin.try_post("/lots", lot).status_code == 404
    admin.post("/products", PRODUCT)
    dates = {"expiry": "2026-01-01", "production": "2026-02-01"}
    assert admin.try_post("/lots", {**lot, **dates}).status_code == 422


def test_a_viewer_adds_nothing(api: WebClient) -> None:
    assert api.as_(Role.VIEWER).try_post("/products", PRODUCT).status_code == 403


def test_a_load_without_dates_takes_those_printed_on_the_lot(
    server: FleetServer, api: WebClient
) -> None:
    admin = api.as_(Role.ADMIN)
    admin.post("/products", PRODUCT)
    admin.post("/lots", {"gtin": WATER, "lot": "L1", "production": "2026-01-05"})
    speaking_cabinet(server).tell("stock.loaded", loaded("A1", "L1", 2, gtin=WATER))
    with server.transactions.read() as tx:
        assert str(tx.session.query(StockLine).one().production) == "2026-01-05"


@pytest.mark.parametrize(
    ("shelf_life", "days"),
    [(None, 2), (10, 2), (16, 5), (30, 10), (90, 15), (180, 20), (364, 20), (365, 45)],
)
def test_near_expiry_follows_the_shelf_life(shelf_life: int | None, days: int) -> None:
    assert near_expiry_days(shelf_life) == days
