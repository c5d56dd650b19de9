"""The local API over real HTTP, with the core stepping in its own thread."""

import socket
from contextlib import closing
from datetime import timedelta

import pytest

from edge_agent.local_api.access import TOKEN_SECONDS, TRIES_MAX
from protocol.signatures import Signer
from protocol.work_order import WorkOrderAction
from tests.edge_agent.local_api.served import PIN, Screen, work_order
from tests.edge_agent.model_server import GTIN_A, START


def test_the_state_shows_what_may_be_bought(screen: Screen) -> None:
    status, state, media = screen.ask("GET", "/v1/state")
    assert (status, media) == (200, "application/json")
    first, second = state["slots"]
    assert (first["slot"], first["sellable"], first["units"]) == ("A1", True, 5)
    assert first["price_minor"] == 1250
    assert (second["sellable"], second["detail"]) == (False, "sold_out")
    assert second["text"]["zh"]
    assert state["connected"]
    assert state["rules_version"] == 1


def test_a_vend_answers_when_the_door_was_seen_open(screen: Screen) -> None:
    order = {"payment_reference": "pay-1", "slot": "A1"}
    status, answer, _ = screen.ask("POST", "/v1/vends", order)
    assert (status, answer["outcome"]) == (200, "dispensed")
    assert answer["text"]["en"]
    assert screen.ask("POST", "/v1/vends", order)[1] == answer


def test_a_refused_vend_says_why_in_both_languages(screen: Screen) -> None:
    order = {"payment_reference": "pay-1", "slot": "A2"}
    status, answer, _ = screen.ask("POST", "/v1/vends", order)
    assert (status, answer["outcome"], answer["reason"]) == (200, "refused", "fault")
    assert answer["text"]["zh"]
    assert answer["text"]["en"]


def test_a_failed_vend_is_answered_when_its_time_is_over(screen: Screen) -> None:
    screen.bench.doors.stuck = True
    order = {"payment_reference": "pay-1", "slot": "A1"}
    _, answer, _ = screen.ask("POST", "/v1/vends", order)
    assert (answer["outcome"], answer["reason"]) == ("failed", "door_did_not_open")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("POST", "/v1/vends", {"payment_reference": "p", "slot": "Z9"}, 404, "unknown-slot"),
        ("POST", "/v1/vends", {"slot": "A1"}, 422, "malformed"),
        ("POST", "/v1/vends", {"payment_reference": "", "slot": "A1"}, 422, "malformed"),
        ("POST", "/v1/vends", {"payment_reference": "p" * 129, "slot": "A1"}, 422, "malformed"),
        ("POST", "/v1/vends", {"payment_reference": "p", "slot": "A1", "x": 1}, 422, "malformed"),
        ("POST", "/v1/vends", b"rubbish", 400, "not-json"),
        ("POST", "/v1/vends", b"\xff\xfe", 400, "not-json"),
        ("POST", "/v1/sessions", {}, 409, "no-open-door"),
        ("POST", "/v1/stock/loads", {}, 401, "login-needed"),
        ("POST", "/v1/service/logout", {}, 401, "login-needed"),
        ("POST", "/v1/service/login", {}, 422, "malformed"),
        ("POST", "/v1/service/login", {"pin": "0000"}, 403, "wrong-pin"),
        ("POST", "/v1/rules", b"rubbish", 422, "malformed"),
        ("GET", "/v1/journal?after=x", None, 422, "malformed"),
        ("GET", "/v1/journal?after=-1", None, 422, "malformed"),
        ("GET", "/v1/journal?after=99999999999999999999", None, 422, "malformed"),
        ("GET", "/v1/nothing", None, 404, "no-such-path"),
        ("GET", "/v1/vends", None, 405, "wrong-method"),
        ("PUT", "/v1/vends", {}, 405, "wrong-method"),
        ("DELETE", "/v1/sessions", None, 405, "wrong-method"),
    ],
)
def test_wrong_input_is_a_clear_problem_and_changes_nothing(
    screen: Screen, method: str, path: str, body: object, status: int, slug: str
) -> None:
    before = len(screen.bench.doors.pulses)
    got, answer, media = screen.ask(method, path, body)
    assert (got, answer["type"], media) == (status, slug, "application/problem+json")
    assert answer["detail"]
    assert len(screen.bench.doors.pulses) == before
    assert screen.ask("GET", "/v1/state")[1]["slots"][0]["units"] == 5


@pytest.mark.parametrize(
    ("path", "length", "status", "slug"),
    [
        (b"/v1/rules", b"99999999", b"413", b"too-large"),
        (b"/v1/rules", b"9" * 5000, b"413", b"too-large"),
        (b"/v1/rules", b"\xb2", b"400", b"bad-length"),
        (b"/v1/rules", b"-1", b"400", b"bad-length"),
        (b"http://[", b"0", b"400", b"bad-path"),
    ],
    ids=["too large", "very large", "superscript two", "negative", "no path"],
)
def test_a_head_that_cannot_be_is_a_clear_problem_and_its_body_unread(
    screen: Screen, path: bytes, length: bytes, status: bytes, slug: bytes
) -> None:
    with closing(
        socket.create_connection(("127.0.0.1", screen.bench.agent.local_port), 10.0)
    ) as connection:
        head = b"POST " + path + b" HTTP/1.0\r\nContent-Length: " + length + b"\r\n\r\n"
        connection.sendall(head)
        with connection.makefile("rb") as stream:
            heard = stream.read()
    assert heard.startswith(b"HTTP/1.0 " + status)
    assert slug in heard


def test_service_ends_with_the_last_live_login_whatever_expired_before(screen: Screen) -> None:
    pin = {"pin": PIN}
    screen.login(pin)  # and never logged out
    screen.bench.clock.advance(TOKEN_SECONDS + 1.0)
    first, second = screen.login(pin), screen.login(pin)
    assert screen.ask("POST", "/v1/service/logout", {}, first)[0] == 200
    assert screen.ask("GET", "/v1/state")[1]["service_mode"]
    assert screen.ask("POST", "/v1/service/logout", {}, second)[0] == 200
    assert not screen.ask("GET", "/v1/state")[1]["service_mode"]


def test_a_pin_opens_the_service_side_and_stops_sale(screen: Screen) -> None:
    token = screen.login({"pin": PIN})
    goods = {"slot": "A2", "gtin": GTIN_A[1:], "lot": "L2", "quantity": 3, "expiry": "2026-12-24"}
    status, answer, _ = screen.ask("POST", "/v1/stock/loads", goods, token)
    assert (status, answer["units"]) == (201, 3)
    order = {"payment_reference": "pay-1", "slot": "A2"}
    assert screen.ask("POST", "/v1/vends", order)[1]["reason"] == "service"
    count = {"slot": "A2", "gtin": GTIN_A, "lot": "L2", "quantity": 2}
    assert screen.ask("POST", "/v1/stock/counts", count, token)[1]["units"] == 2
    removal = {"slot": "A2", "gtin": GTIN_A, "lot": "L2", "quantity": 1, "why": "broken"}
    assert screen.ask("POST", "/v1/stock/removals", removal, token)[1]["units"] == 1
    assert screen.ask("POST", "/v1/service/logout", {}, token)[0] == 200
    order = {"payment_reference": "pay-2", "slot": "A2"}
    assert screen.ask("POST", "/v1/vends", order)[1]["outcome"] == "dispensed"
    assert screen.ask("POST", "/v1/stock/loads", goods, token)[0] == 401


def test_wrong_pins_lock_the_door_for_a_while(screen: Screen) -> None:
    for _ in range(TRIES_MAX):
        assert screen.ask("POST", "/v1/service/login", {"pin": "1"})[0] == 403
    assert screen.ask("POST", "/v1/service/login", {"pin": PIN})[0] == 429


def test_p12_a_work_order_allows_what_it_says_and_no_more(screen: Screen) -> None:
    envelope = work_order(screen.bench.server, WorkOrderAction.COUNT)
    token = screen.login({"work_order": envelope})
    count = {"slot": "A1", "gtin": GTIN_A, "lot": "L1", "quantity": 4}
    assert screen.ask("POST", "/v1/stock/counts", count, token)[0] == 201
    assert screen.ask("POST", "/v1/stock/removals", count, token)[1]["type"] == "not-allowed"
    told = screen.bodies("stock.counted")[-1]
    assert (told["by"], told["work_order"]) == ("tech-1", "visit-1")


def test_p12_a_forged_or_old_work_order_opens_nothing(screen: Screen) -> None:
    server = screen.bench.server
    old = work_order(server, WorkOrderAction.LOAD, not_after=START - timedelta(days=1))
    assert screen.ask("POST", "/v1/service/login", {"work_order": old})[1]["type"] == (
        "work-order-over"
    )
    other = work_order(server, WorkOrderAction.LOAD, cabinet="cab-2")
    assert screen.ask("POST", "/v1/service/login", {"work_order": other})[0] == 403
    server.signer = Signer(b"f" * 32)
    forged = work_order(server, WorkOrderAction.LOAD)
    assert screen.ask("POST", "/v1/service/login", {"work_order": forged})[1]["type"] == (
        "signature-rejected"
    )


def test_a_hold_is_released_by_who_may(screen: Screen) -> None:
    with screen.lock:
        screen.bench.agent.cabinet.parts.faults.notice("TEMP_SAFETY_HOLD", "cabinet", bad=True)
    order = {"payment_reference": "pay-1", "slot": "A1"}
    while screen.ask("GET", "/v1/state")[1]["slots"][0]["reason"] != "temperature":
        pass
    assert screen.ask("POST", "/v1/vends", order)[1]["reason"] == "temperature"
    envelope = work_order(screen.bench.server, WorkOrderAction.RELEASE_HOLD)
    token = screen.login({"work_order": envelope})
    status, answer, _ = screen.ask("POST", "/v1/service/release-hold", {}, token)
    assert (status, answer) == (200, {"released": ["cabinet"]})
    again = screen.ask("POST", "/v1/service/release-hold", {}, token)
    assert (again[0], again[1]["type"]) == (409, "nothing-latched")
    (released,) = screen.bodies("hold.released")
    assert (released["by"], released["ground"]) == ("tech-1", "work_order")


def test_p16_a_bundle_can_be_carried_in_by_hand(screen: Screen) -> None:
    bundle = screen.bench.server.rules(2, [])
    assert screen.ask("POST", "/v1/rules", bundle)[1] == {"new": True, "version": 2}
    assert screen.ask("POST", "/v1/rules", bundle)[1] == {"new": False, "version": 2}
    lower = screen.bench.server.rules(1, [])
    assert screen.ask("POST", "/v1/rules", lower)[1]["type"] == "version-refused"


def test_the_journal_can_be_read_in_pages(screen: Screen) -> None:
    _, page, _ = screen.ask("GET", "/v1/journal?after=1")
    assert page["events"][0]["seq"] == 2
    assert page["head"] == page["events"][-1]["seq"]
