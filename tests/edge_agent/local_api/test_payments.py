"""Payments at the screen: the gate first, one reference one payment, and a twin seen to be fake."""

from collections.abc import Callable

import pytest

from edge_agent.clock import ManualClock
from edge_agent.local_api.payment import (
    INTENT_SECONDS,
    INTENTS_MAX,
    FakeQrPayment,
    Intent,
    PaymentState,
)
from edge_agent.selling.errors import PaymentReferenceReusedError
from protocol.rules import BlockKind, Notice, Rule, Terms
from tests.edge_agent.local_api.served import Screen
from tests.edge_agent.model_server import GTIN_A, START

PAYMENT = {"payment_reference": "pay-1", "slot": "A1"}


def test_a_payment_is_asked_for_confirmed_and_then_vended(till: Screen) -> None:
    status, asked, _ = till.ask("POST", "/v1/payments", PAYMENT)
    assert (status, asked["state"], asked["amount_minor"]) == (201, "waiting", 1250)
    assert (asked["currency"], asked["charged_later"]) == ("CNY", False)
    assert asked["simulated"] is True
    assert asked["link"].startswith("fake-payment:")
    assert till.ask("GET", "/v1/payments?payment_reference=pay-1")[1]["state"] == "waiting"
    confirm = {"payment_reference": "pay-1"}
    assert till.ask("POST", "/v1/payments/confirm", confirm)[1]["state"] == "paid"
    assert till.ask("POST", "/v1/payments/confirm", confirm)[1]["state"] == "paid"
    assert till.ask("POST", "/v1/vends", PAYMENT)[1]["outcome"] == "dispensed"


def test_the_same_request_again_is_the_same_payment_and_another_is_refused(till: Screen) -> None:
    first = till.ask("POST", "/v1/payments", PAYMENT)[1]
    till.ask("POST", "/v1/payments/confirm", {"payment_reference": "pay-1"})
    again = till.ask("POST", "/v1/payments", PAYMENT)[1]
    assert (again["link"], again["state"]) == (first["link"], "paid")
    till.ask("POST", "/v1/vends", PAYMENT)
    status, answer, _ = till.ask("POST", "/v1/payments", PAYMENT)
    assert (status, answer["type"]) == (409, "payment-reference-reused")


def test_nothing_is_asked_for_what_the_gate_refuses(till: Screen) -> None:
    rule = Rule("R-1", 1, BlockKind.RECALL, Terms(gtins=[GTIN_A]), Notice("召回", "recalled"))
    till.bench.link.send_rules(till.bench.server.rules(2, [rule]))
    while till.ask("GET", "/v1/state")[1]["slots"][0]["reason"] != "recall":
        pass
    status, answer, _ = till.ask("POST", "/v1/payments", PAYMENT)
    assert (status, answer["type"], answer["reason"]) == (409, "not-for-sale", "recall")
    assert answer["text"] == {"zh": "召回", "en": "recalled"}
    assert till.ask("GET", "/v1/payments?payment_reference=pay-1")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("POST", "/v1/payments", {"payment_reference": "p", "slot": "Z9"}, 404, "unknown-slot"),
        ("POST", "/v1/payments", {"payment_reference": "p"}, 404, "unknown-slot"),
        ("POST", "/v1/payments", {"payment_reference": "p", "slot": "A2"}, 409, "not-for-sale"),
        ("POST", "/v1/payments", {"slot": "A1"}, 422, "malformed"),
        ("POST", "/v1/payments", {**PAYMENT, "amount_minor": 1}, 422, "malformed"),
        ("POST", "/v1/payments/confirm", {"payment_reference": "p"}, 404, "no-such-payment"),
        ("GET", "/v1/payments", None, 404, "no-such-payment"),
    ],
)
def test_wrong_input_is_a_clear_problem(
    till: Screen, method: str, path: str, body: object, status: int, slug: str
) -> None:
    got, answer, _ = till.ask(method, path, body)
    assert (got, answer["type"]) == (status, slug)


def test_a_payment_that_was_not_made_in_time_is_over(till: Screen) -> None:
    till.ask("POST", "/v1/payments", PAYMENT)
    till.bench.clock.advance(INTENT_SECONDS)
    status, answer, _ = till.ask("POST", "/v1/payments/confirm", {"payment_reference": "pay-1"})
    assert (status, answer["type"]) == (409, "payment-expired")
    assert till.ask("GET", "/v1/payments?payment_reference=pay-1")[1]["state"] == "expired"


def test_a_screen_without_payment_says_so(screen: Screen) -> None:
    for method, path in (
        ("POST", "/v1/payments"),
        ("GET", "/v1/payments"),
        ("POST", "/v1/payments/confirm"),
    ):
        status, answer, _ = screen.ask(method, path, PAYMENT if method == "POST" else None)
        assert (status, answer["type"]) == (409, "no-payment")
    assert screen.ask("GET", "/v1/state")[1]["payment"] == "none"


def fake() -> tuple[FakeQrPayment, ManualClock]:
    clock = ManualClock(START)
    return FakeQrPayment(clock.elapsed), clock


def test_the_fake_keeps_a_bounded_number_and_forgets_the_oldest() -> None:
    port, _ = fake()
    for number in range(INTENTS_MAX + 1):
        port.create(Intent(f"pay-{number}", 100, "CNY"))
    assert port.find("pay-0") is None
    assert port.find("pay-1") is not None


def test_the_fake_refuses_another_sum_under_one_reference() -> None:
    port, _ = fake()
    port.create(Intent("pay-1", 100, "CNY"))
    with pytest.raises(PaymentReferenceReusedError):
        port.create(Intent("pay-1", 101, "CNY"))


def test_what_was_paid_in_time_stays_paid() -> None:
    port, clock = fake()
    port.create(Intent("pay-1", 100, "CNY"))
    port.confirm("pay-1")
    clock.advance(INTENT_SECONDS * 2)
    shown = port.find("pay-1")
    assert shown is not None
    assert shown.state is PaymentState.PAID


def test_an_open_door_is_approved_now_and_charged_later(
    make_open_door: Callable[..., Screen],
) -> None:
    till = make_open_door()
    status, asked, _ = till.ask("POST", "/v1/payments", {"payment_reference": "pay-1"})
    assert (status, asked["amount_minor"], asked["charged_later"]) == (201, 0, True)
    assert [told["kind"] for told in asked["notices"]] == ["not_returnable"]
    slot = {"payment_reference": "pay-2", "slot": "S1"}
    assert till.ask("POST", "/v1/payments", slot)[1]["type"] == "session-needed"
