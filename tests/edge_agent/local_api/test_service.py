"""The technician on site: scans, doors opened by hand, self-test, faults acknowledged."""

from collections.abc import Callable

import pytest

from protocol.work_order import WorkOrderAction
from tests.edge_agent.local_api.served import PIN, Screen, work_order
from tests.edge_agent.model_server import GTIN_A

LABEL = f"]d201{GTIN_A}1727010010L-7\x1d21S1"


def test_a_scan_tells_what_the_label_says(screen: Screen) -> None:
    status, answer, _ = screen.ask("POST", "/v1/scan", {"text": LABEL})
    assert status == 200
    assert answer == {
        "gtin": GTIN_A,
        "lot": "L-7",
        "expiry": "2027-01-31",
        "production": None,
        "serial": "S1",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [("rubbish", "no_code"), (f"01{GTIN_A}17271332", "bad_date"), ("6901234567890", "bad_gtin")],
)
def test_a_label_that_cannot_be_read_says_what_is_wrong(
    screen: Screen, text: str, reason: str
) -> None:
    status, answer, _ = screen.ask("POST", "/v1/scan", {"text": text})
    assert (status, answer["type"], answer["reason"]) == (422, "unreadable-scan", reason)


def test_a_refused_load_says_why_for_the_screen_to_word_it(screen: Screen) -> None:
    token = screen.login({"pin": PIN})
    goods = {"slot": "A2", "gtin": GTIN_A, "lot": "L2", "quantity": 1, "expiry": "2026-11-01"}
    _, answer, _ = screen.ask("POST", "/v1/stock/loads", goods, token)
    assert (answer["reason"], answer["wanted"]) == ("expired", "2026-11-01")
    del goods["expiry"]
    _, answer, _ = screen.ask("POST", "/v1/stock/loads", goods, token)
    assert (answer["type"], answer["reason"]) == ("stock-refused", "date_needed")


def test_a_door_is_opened_by_hand_and_answered_when_it_was_seen_open(screen: Screen) -> None:
    token = screen.login({"work_order": work_order(screen.bench.server, WorkOrderAction.UNLOCK)})
    status, answer, _ = screen.ask("POST", "/v1/service/unlock", {"door": "A2"}, token)
    assert (status, answer) == (200, {"door": "A2", "outcome": "opened"})
    again = screen.ask("POST", "/v1/service/unlock", {"door": "A2"}, token)[1]
    assert again["outcome"] == "open_already"
    assert [door for door, _ in screen.bench.doors.pulses] == ["A2"]
    assert screen.bodies("door.opened") == [{"door": "A2", "cause": "service"}]


def test_a_door_that_does_not_open_is_no_success(screen: Screen) -> None:
    token = screen.login({"pin": PIN})
    screen.bench.doors.stuck = True
    answer = screen.ask("POST", "/v1/service/unlock", {"door": "A1"}, token)[1]
    assert answer["outcome"] == "did_not_open"
    screen.bench.doors.refusing = True
    answer = screen.ask("POST", "/v1/service/unlock", {"door": "A1"}, token)[1]
    assert answer["outcome"] == "pulse_failed"


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("/v1/service/unlock", {"door": "Z9"}, 404, "unknown-door"),
        ("/v1/service/unlock", {}, 422, "malformed"),
        ("/v1/service/release-hold", {"code": "DOOR_FORCED"}, 409, "nothing-latched"),
        ("/v1/scan", {"text": "9" * 3000}, 422, "malformed"),
    ],
)
def test_wrong_input_of_a_technician_is_a_clear_problem(
    screen: Screen, path: str, body: object, status: int, slug: str
) -> None:
    token = screen.login({"pin": PIN})
    got, answer, _ = screen.ask("POST", path, body, token)
    assert (got, answer["type"]) == (status, slug)
    assert screen.bench.doors.pulses == []


def test_p12_without_a_login_or_its_action_no_door_opens_and_nothing_is_tested(
    screen: Screen,
) -> None:
    count_only = screen.login(
        {"work_order": work_order(screen.bench.server, WorkOrderAction.COUNT)}
    )
    for path in ("/v1/service/unlock", "/v1/service/self-test"):
        assert screen.ask("POST", path, {"door": "A1"})[1]["type"] == "login-needed"
        assert screen.ask("POST", path, {"door": "A1"}, count_only)[1]["type"] == "not-allowed"
    assert screen.bench.doors.pulses == []


def test_a_door_at_which_a_buyer_stands_is_not_opened_by_hand(
    make_open_door: Callable[..., Screen],
) -> None:
    till = make_open_door()
    till.ask("POST", "/v1/sessions", {"payment_reference": "pay-1"})
    token = till.login({"pin": PIN})
    status, answer, _ = till.ask("POST", "/v1/service/unlock", {"door": "S1"}, token)
    assert (status, answer["type"]) == (409, "door-busy")


def test_a_self_test_tells_doors_faults_and_storage(screen: Screen) -> None:
    token = screen.login({"pin": PIN})
    _, answer, _ = screen.ask("POST", "/v1/service/self-test", {}, token)
    assert answer["good"] is True
    assert answer["doors"] == {"A1": "closed", "A2": "closed"}
    assert answer["storage"] is True


def test_a_forced_door_is_acknowledged_by_its_code(screen: Screen) -> None:
    with screen.lock:
        screen.bench.agent.cabinet.parts.faults.notice("DOOR_FORCED", "A2", bad=True)
    while not (faults := screen.ask("GET", "/v1/state")[1]["faults"]):
        pass
    assert faults[0]["title"] == {"zh": "柜门被强行打开", "en": "Door forced open"}
    assert faults[0]["latched"] is True
    token = screen.login({"pin": PIN})
    body = {"code": "DOOR_FORCED", "part": "A2"}
    answer = screen.ask("POST", "/v1/service/release-hold", body, token)
    assert answer[:2] == (200, {"released": ["A2"]})
    codes = [fault["code"] for fault in screen.ask("GET", "/v1/state")[1]["faults"]]
    assert "DOOR_FORCED" not in codes


def test_the_state_of_an_open_door_tells_its_notices_and_who_is_at_it(
    make_open_door: Callable[..., Screen],
) -> None:
    till = make_open_door()
    state = till.ask("GET", "/v1/state")[1]
    door = state["open_door"]
    assert (state["mode"], door["sellable"], door["under_way"]) == ("open_door", True, None)
    assert [(told["slot"], told["kind"]) for told in door["notices"]] == [("S2", "not_returnable")]
    till.ask("POST", "/v1/sessions", {"payment_reference": "pay-1"})
    door = till.ask("GET", "/v1/state")[1]["open_door"]
    assert door["under_way"]["payment_reference"] == "pay-1"
    assert (door["sellable"], door["detail"]) == (False, "busy")
