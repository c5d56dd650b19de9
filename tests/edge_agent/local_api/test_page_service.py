"""The service side of the page in a real browser: a technician with fingers and a scanner."""

import json
from collections.abc import Callable

import pytest

from protocol.work_order import WorkOrderAction
from tests.edge_agent.local_api.browser import LARGE, SMALL, Visitor
from tests.edge_agent.local_api.served import PIN, Screen, work_order
from tests.edge_agent.local_api.test_page import faults_of_layout
from tests.edge_agent.model_server import GTIN_A

pytestmark = pytest.mark.real_parts

PACE = 0.02
LABEL = f"]d201{GTIN_A}1727033110L-7\x1d21S1"
Visit = Callable[..., Visitor]


@pytest.fixture
def cabinet(make_screen: Callable[..., Screen]) -> Screen:
    return make_screen(PACE)


@pytest.fixture
def inside(cabinet: Screen, visit: Visit) -> Visitor:
    """A technician who came in by the PIN."""
    visitor = visit(cabinet, language="en")
    visitor.enter_pin(PIN)
    visitor.see("nav")
    return visitor


def latch(screen: Screen, code: str, part: str) -> None:
    with screen.lock:
        screen.bench.agent.cabinet.parts.faults.notice(code, part, bad=True)


def test_a_wrong_pin_is_refused_and_the_right_one_lets_in(cabinet: Screen, visit: Visit) -> None:
    visitor = visit(cabinet)
    visitor.enter_pin("0000")
    visitor.told("PIN 码不正确")
    visitor.enter_pin(PIN)
    visitor.told("已登录")
    visitor.see(".condition.inService")
    visitor.tap("text=退出维护")
    visitor.see(".card[data-slot=A1]")
    assert cabinet.ask("GET", "/v1/state")[1]["service_mode"] is False


def test_a_work_order_is_scanned_and_allows_what_it_says(cabinet: Screen, visit: Visit) -> None:
    visitor = visit(cabinet, language="en")
    visitor.tap("#bar .bar >> nth=1")
    visitor.see("#scan")
    visitor.scan("rubbish")
    visitor.told("not valid for this cabinet")
    token = work_order(cabinet.bench.server, WorkOrderAction.COUNT, WorkOrderAction.UNLOCK)
    visitor.scan(json.dumps(token))
    visitor.told("tech-1")
    assert visitor.page.locator("text='Load'").is_disabled()
    visitor.tap("nav >> text=Self-test")
    assert visitor.page.locator("text=Run the self-test").is_disabled()


def test_goods_are_loaded_by_scan(cabinet: Screen, inside: Visitor) -> None:
    inside.tap(".tile[data-slot=A2]")
    inside.scan(LABEL)
    inside.told("L-7")
    assert "2027-03-31" in inside.see("[data-field=expiry]")
    inside.tap("text='+5'")
    inside.tap("text=Load 6 into A2")
    inside.told("A2: 6 loaded, 0 → 6")
    (loaded,) = cabinet.bodies("stock.loaded")[1:]
    assert (loaded["lot"], loaded["expiry"], loaded["quantity"]) == ("L-7", "2027-03-31", 6)


def test_goods_are_counted_and_removed_by_touch(cabinet: Screen, inside: Visitor) -> None:
    inside.tap("text='Count'")
    inside.tap(".tile[data-slot=A1]")
    inside.tap("text='−1'")
    inside.tap("text=A1 holds 4")
    inside.told("A1: counted 4, book 5 → 4")
    inside.tap("text='Remove'")
    inside.tap("text=Damaged")
    inside.tap("text='−1'")
    inside.tap("text=Remove 3 from A1")
    inside.told("A1: 3 removed, 4 → 1")
    (counted,) = cabinet.bodies("stock.counted")
    assert (counted["counted"], counted["booked"]) == (4, 5)
    (removed,) = cabinet.bodies("stock.removed")
    assert (removed["quantity"], removed["why"], removed["by"]) == (3, "damaged", "pin")


def test_a_lot_and_a_date_can_be_typed_without_a_scanner(cabinet: Screen, inside: Visitor) -> None:
    inside.tap(".tile[data-slot=A2]")
    inside.tap("[data-field=lot]")
    for key in "AB1":
        inside.tap(f".letters >> text='{key}'")
    inside.tap(".sheet >> text=OK")
    for typed in ("261332", "271231"):
        inside.tap("[data-field=expiry]")
        for key in typed:
            inside.tap(f".sheet [aria-label='{key}']")
        inside.tap(".sheet [aria-label=OK]")
        if typed == "261332":
            inside.told("Not a date")
    inside.tap("text=Load 1 into A2")
    inside.told("1 loaded")
    loaded = cabinet.bodies("stock.loaded")[-1]
    assert (loaded["lot"], loaded["expiry"]) == ("AB1", "2027-12-31")


def test_what_is_refused_is_said_in_the_language_of_the_screen(
    cabinet: Screen, inside: Visitor
) -> None:
    inside.scan("4711")
    inside.told("Not a product code")
    inside.scan(f"01{GTIN_A}17271399")
    inside.told("date on the label is wrong")
    inside.tap(".tile[data-slot=A2]")
    inside.scan(f"(01){GTIN_A}(17)261101(10)L9")
    inside.tap("text=Load 1 into A2")
    inside.told("past their date")
    inside.switch_language()
    inside.tap("text=上货 1 件到 A2")
    inside.told("商品已过期")
    assert len(cabinet.bodies("stock.loaded")) == 1


def test_a_hold_is_released_and_a_forced_door_acknowledged(
    cabinet: Screen, inside: Visitor
) -> None:
    latch(cabinet, "TEMP_SAFETY_HOLD", "cabinet")
    latch(cabinet, "DOOR_FORCED", "A2")
    inside.tap("nav >> text=Faults 2")
    inside.tap("[data-fault=TEMP_SAFETY_HOLD] >> text=Inspected, release")
    inside.told("Food-safety temperature hold released")
    inside.tap("[data-fault=DOOR_FORCED] >> text=Acknowledge")
    inside.told("Door forced open released")
    inside.see("text=No open fault")
    (released,) = cabinet.bodies("hold.released")
    assert (released["by"], released["ground"]) == ("pin", "pin")


def test_a_door_is_opened_by_hand_and_one_that_is_stuck_is_told(
    cabinet: Screen, inside: Visitor
) -> None:
    inside.tap("nav >> text=Doors")
    inside.tap("[aria-label='Open A2']")
    inside.told("A2 is open")
    inside.see("[data-door=A2] >> text=open")
    cabinet.bench.doors.stuck = True
    inside.tap("[aria-label='Open A1']")
    inside.told("A1 did not open")


def test_a_self_test_shows_what_it_found(cabinet: Screen, inside: Visitor) -> None:
    inside.tap("nav >> text=Self-test")
    inside.tap("text=Run the self-test")
    inside.told("Self-test passed")
    assert "A1" in inside.see(".rows .item >> nth=1")
    assert cabinet.ask("GET", "/v1/state")[1]["service_mode"] is True


def test_a_reload_keeps_the_login_and_an_ended_one_says_so(
    cabinet: Screen, inside: Visitor
) -> None:
    inside.page.reload()
    inside.tap(".tile[data-slot=A2]")
    with cabinet.lock:
        cabinet.bench.clock.advance(4_000.0)
    inside.tap("text=Load 1 into A2")
    inside.told("The login is over")
    inside.see(".login")


def test_a_technician_who_left_is_logged_out(cabinet: Screen, visit: Visit) -> None:
    visitor = visit(cabinet, language="en")
    visitor.page.clock.install()
    visitor.page.reload()
    visitor.enter_pin(PIN)
    visitor.see("nav")
    visitor.page.clock.run_for(601_000)
    visitor.see(".card[data-slot=A1]")
    assert cabinet.ask("GET", "/v1/state")[1]["service_mode"] is False


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["800x480", "1280x800"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_fits_and_can_be_hit_by_a_finger(
    cabinet: Screen, visit: Visit, size: tuple[int, int], language: str
) -> None:
    latch(cabinet, "TEMP_SAFETY_HOLD", "cabinet")
    visitor = visit(cabinet, size=size, language=language)
    visitor.tap("#bar .bar >> nth=1")
    visitor.see(".pad")
    assert faults_of_layout(visitor) == []
    visitor.enter_pin(PIN)
    visitor.tap(".modes .mode >> nth=2")
    visitor.tap(".tile[data-slot=A1]")
    assert faults_of_layout(visitor) == []
    for field in ("lot", "expiry"):
        visitor.tap(f"[data-field={field}]")
        assert faults_of_layout(visitor) == []
        visitor.tap(".sheet .quiet")
    for tab in (1, 2, 3):
        visitor.tap(f".tab >> nth={tab}")
        assert faults_of_layout(visitor) == []
