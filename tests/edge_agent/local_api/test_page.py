"""The shop side of the page in a real browser, before an agent that serves and sells."""

import json
from collections.abc import Callable
from datetime import date

import pytest

from edge_agent.drivers.lock_board.readings import DoorState
from protocol.events import StockMoved
from protocol.rules import BlockKind, Notice, Rule, Terms, Where
from tests.edge_agent.local_api.browser import LARGE, SMALL, Visitor
from tests.edge_agent.local_api.conftest import FAKE, PIN_HASH
from tests.edge_agent.local_api.served import OpenDoorScreen, Screen
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.selling.open_door import DOOR
from tests.edge_agent.workbench import planned

pytestmark = pytest.mark.real_parts

PACE = 0.02
"""Seconds between steps of 0.2 s: ten times as fast as life, slow enough for a payment."""
TOMORROW = date(2026, 11, 22)
NOTICE = Notice("该批次可能含有异物，请勿食用。", "May contain foreign matter. Do not eat it.")
Visit = Callable[..., Visitor]


@pytest.fixture
def shop(make_screen: Callable[..., Screen]) -> Screen:
    """A slot cabinet with the simulated payment; A2 holds goods that end tomorrow."""
    screen = make_screen(PACE, local_api=FAKE)
    rows = [planned("A1"), planned("A2", returnable=False, price_minor=990)]
    with screen.lock:
        desired = screen.bench.server.desired(2, rows, service_pin_hash=PIN_HASH)
        screen.bench.link.send_desired(desired)
        screen.bench.steps(2)
        moved = StockMoved("A2", GTIN_A, "L2", 2, "tester", expiry=TOMORROW)
        screen.bench.agent.cabinet.load(moved)
    return screen


@pytest.fixture
def walk_in(make_open_door: Callable[..., OpenDoorScreen]) -> OpenDoorScreen:
    return make_open_door(0.05)


def send_recall(screen: Screen, slot: str) -> None:
    where = Where(slots=[slot])
    rule = Rule("R-1", 1, BlockKind.RECALL, Terms(gtins=[GTIN_A]), NOTICE, where=where)
    with screen.lock:
        screen.bench.link.send_rules(screen.bench.server.rules(2, [rule]))


def test_a_product_is_bought_and_its_slot_opens(shop: Screen, visit: Visit) -> None:
    visitor = visit(shop, language="en")
    visitor.tap(".card[data-slot=A1]")
    visitor.tap(".sheet >> text=Continue to payment")
    assert "模拟支付 / simulated payment" in visitor.see(".badge.fake")
    assert "¥12.50" in visitor.see(".sum")
    assert shop.bench.doors.pulses == []
    visitor.tap("text=Simulate the payment")
    visitor.see("[data-outcome=dispensed]")
    assert "slot A1" in visitor.see(".place.big")
    with shop.lock:
        shop.bench.close_doors()
    visitor.see("text=The door is closed")
    visitor.tap("text=Done")
    visitor.see(".card[data-slot=A1] >> text=4 left")
    (sale,) = shop.bodies("sale.completed")
    assert sale["total_minor"] == 1250


def test_what_is_near_its_date_or_kept_is_told_before_payment(shop: Screen, visit: Visit) -> None:
    visitor = visit(shop)
    card = visitor.see(".card[data-slot=A2]")
    assert "临期" in card
    assert "不退换" in card
    visitor.tap(".card[data-slot=A2]")
    assert "临近保质期" in visitor.see(".sheet .notice.near_expiry")
    visitor.switch_language()
    assert "close to its date" in visitor.see(".sheet .notice.near_expiry")
    assert "cannot be returned" in visitor.see(".sheet .notice.not_returnable")
    assert not any("/v1/payments" in url for url in visitor.asked)
    visitor.tap("text=I understand, continue")
    visitor.tap("text=Simulate the payment")
    visitor.see("[data-outcome=dispensed]")
    (sale,) = shop.bodies("sale.completed")
    assert isinstance(sale["lines"], list)
    assert sale["lines"][0]["near_expiry_told"] is True
    assert sale["lines"][0]["not_returnable_told"] is True


def test_a_recalled_slot_is_blocked_with_its_notice_in_both_languages(
    shop: Screen, visit: Visit
) -> None:
    visitor = visit(shop)
    send_recall(shop, "A1")
    assert NOTICE.zh in visitor.see(".card.recalled[data-slot=A1]")
    visitor.tap(".card.recalled")
    assert NOTICE.zh in visitor.see(".sheet .notice")
    visitor.switch_language()
    assert NOTICE.en in visitor.see(".sheet .notice")
    assert "R-1" in visitor.see(".sheet")
    assert visitor.page.locator(".sheet .primary").count() == 0
    visitor.tap(".sheet >> text=Back")
    assert NOTICE.en in visitor.see(".card.recalled")


def test_a_recall_between_choice_and_payment_asks_for_no_money(shop: Screen, visit: Visit) -> None:
    visitor = visit(shop, language="en")
    visitor.tap(".card[data-slot=A1]")
    send_recall(shop, "A1")
    while shop.ask("GET", "/v1/state")[1]["slots"][0]["reason"] != "recall":
        pass
    visitor.tap("text=Continue to payment")
    assert NOTICE.en in visitor.see("[data-outcome=refused]")
    assert shop.bench.doors.pulses == []


def test_a_vend_that_failed_says_so_and_promises_the_money_back(shop: Screen, visit: Visit) -> None:
    shop.bench.doors.stuck = True
    visitor = visit(shop)
    visitor.tap(".card[data-slot=A1]")
    visitor.tap("text=去支付")
    visitor.tap("text=模拟扫码付款")
    visitor.see("text=正在出货")
    assert "款项将退回" in visitor.see("[data-outcome=failed]")


def test_a_purchase_survives_a_reload_and_is_handed_out_once(shop: Screen, visit: Visit) -> None:
    shop.bench.doors.stuck = True
    visitor = visit(shop, language="en")
    visitor.tap(".card[data-slot=A1]")
    visitor.tap("text=Continue to payment")
    visitor.tap("text=Simulate the payment")
    visitor.see("text=Handing out")
    visitor.page.reload()
    with shop.lock:
        shop.bench.doors.state["A1"] = DoorState.OPEN
    visitor.see("[data-outcome=dispensed]")
    assert len(shop.bench.doors.pulses) == 1


def test_a_cancelled_payment_costs_nothing(shop: Screen, visit: Visit) -> None:
    visitor = visit(shop, language="en")
    visitor.tap(".card[data-slot=A1]")
    visitor.tap("text=Continue to payment")
    visitor.tap("text=Cancel")
    visitor.see(".card[data-slot=A1]")
    assert shop.bench.doors.pulses == []


def test_without_payment_the_page_sends_to_the_terminal(
    make_screen: Callable[..., Screen], visit: Visit
) -> None:
    visitor = visit(make_screen(PACE), language="en")
    assert "pay at the terminal" in visitor.see(".foot")
    visitor.tap(".card[data-slot=A1]")
    assert "terminal" in visitor.see(".sheet .terminal")
    assert visitor.page.locator(".sheet .primary").count() == 0


def test_a_door_is_opened_goods_are_taken_and_settled(
    walk_in: OpenDoorScreen, visit: Visit
) -> None:
    visitor = visit(walk_in, language="en")
    assert "¥2.50" in visitor.see(".item[data-slot=S1]")
    assert "cannot be returned" in visitor.see(".item[data-slot=S2]")
    visitor.tap("text=Open the door")
    assert "cannot be returned" in visitor.see(".sheet .notice")
    visitor.tap("text=I understand, continue")
    assert "charged for what you took" in visitor.see(".pay")
    visitor.tap("text=Simulate the approval")
    visitor.see("text=The door is open")
    with walk_in.lock:
        walk_in.door.take("S1", 2)
        walk_in.door.take("S2")
        walk_in.bench.doors.state[DOOR] = DoorState.CLOSED
    visitor.see("[data-outcome=settled]")
    bill = visitor.see(".bill")
    assert "× 2" in bill
    assert "¥17.80" in bill
    visitor.tap("text=Done")
    visitor.see("text=Open the door")


def test_a_result_that_does_not_add_up_is_said_to_be_checked(
    walk_in: OpenDoorScreen, visit: Visit
) -> None:
    visitor = visit(walk_in)
    visitor.tap("text=打开柜门")
    visitor.tap("text=已知悉")
    visitor.tap("text=模拟扫码授权")
    visitor.see("text=柜门已开")
    with walk_in.lock:
        walk_in.door.take("S1")
        walk_in.door.grams["top"] -= 260.0
        walk_in.bench.doors.state[DOOR] = DoorState.CLOSED
    assert "待核实" in visitor.see("[data-outcome=settled]")
    assert "screen-" in visitor.see(".stage .muted")


def test_a_session_that_the_terminal_began_is_followed(
    walk_in: OpenDoorScreen, visit: Visit
) -> None:
    visitor = visit(walk_in, language="en")
    walk_in.ask("POST", "/v1/sessions", {"payment_reference": "terminal-1"})
    visitor.see("text=The door is open")
    with walk_in.lock:
        walk_in.bench.doors.state[DOOR] = DoorState.CLOSED
    visitor.see("[data-outcome=nothing_taken]")


def test_a_door_with_a_recall_behind_it_stays_shut_and_says_why(
    walk_in: OpenDoorScreen, visit: Visit
) -> None:
    visitor = visit(walk_in, language="en")
    send_recall(walk_in, "S1")
    assert NOTICE.en in visitor.see(".gate .notice")
    assert visitor.page.locator(".gate .huge").is_disabled()
    assert NOTICE.en in visitor.see(".item.blocked[data-slot=S1]")


def test_the_language_is_remembered(shop: Screen, visit: Visit) -> None:
    visitor = visit(shop)
    visitor.switch_language()
    visitor.page.reload()
    assert "Sandwich" in visitor.see(".card[data-slot=A1]")
    assert visitor.page.locator("html").get_attribute("lang") == "en"


def test_conditions_of_the_cabinet_are_shown(shop: Screen, visit: Visit) -> None:
    visitor = visit(shop)
    with shop.lock:
        shop.bench.link.reachable = False
        shop.bench.link.cut()
    visitor.see(".condition.offline")
    with shop.lock:
        shop.bench.agent.cabinet.parts.faults.service(on=True)
        shop.bench.agent._around.identify_until = shop.bench.clock.elapsed() + 600.0
    visitor.see(".card[data-slot=A1] >> text=维护中")
    assert visitor.see("#identify") == "cab-1"


def test_an_agent_that_is_gone_is_said_and_asked_ever_more_slowly(
    shop: Screen, visit: Visit
) -> None:
    visitor = visit(shop, language="en")
    visitor.page.clock.install()
    visitor.page.reload()
    visitor.see(".card[data-slot=A1]")
    visitor.page.route("**/v1/**", lambda route: route.abort())
    visitor.asked.clear()
    for _ in range(120):
        visitor.page.clock.run_for(1_000)
    assert "Connecting" in visitor.see("#lost")
    polls = sum("/v1/state" in url for url in visitor.asked)
    assert 5 <= polls <= 20
    visitor.page.unroute("**/v1/**")
    visitor.page.clock.run_for(20_000)
    visitor.see("#lost[hidden]", state="attached")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["800x480", "1280x800"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_fits_and_can_be_hit_by_a_finger(
    shop: Screen, visit: Visit, size: tuple[int, int], language: str
) -> None:
    send_recall(shop, "A1")
    visitor = visit(shop, size=size, language=language)
    visitor.see(".card.recalled")
    assert faults_of_layout(visitor) == []
    visitor.tap(".card[data-slot=A2]")
    assert faults_of_layout(visitor) == []
    visitor.tap(".sheet .primary")
    visitor.see(".qr")
    assert faults_of_layout(visitor) == []


LAYOUT = """() => {
  const seen = [...document.querySelectorAll("body *")].filter((one) => one.offsetParent);
  const small = seen.filter((one) => one.matches("button, input")
    && (one.offsetHeight < 48 || one.offsetWidth < 48));
  const cut = seen.filter((one) => one.matches("p, b, span, h2, td, th, .button")
    && !one.matches(".name, .tile *, .field *, .conditions")
    && getComputedStyle(one).display !== "inline"
    && (one.scrollWidth > one.clientWidth + 1 || (one.scrollHeight > one.clientHeight + 1
      && getComputedStyle(one).overflow !== "visible")));
  const wide = document.documentElement.scrollWidth > innerWidth ? ["wider than the screen"] : [];
  return [...small, ...cut].map((one) => one.outerHTML.slice(0, 120)).concat(wide);
}"""


def faults_of_layout(visitor: Visitor) -> list[str]:
    """Buttons smaller than 48 px, texts that are cut, a page wider than its screen."""
    found: list[str] = json.loads(json.dumps(visitor.page.evaluate(LAYOUT)))
    return found
