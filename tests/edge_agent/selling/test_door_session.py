"""Open-door sessions on a whole agent: settled by weight, blocked as one, safe from power cuts."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.door_session import REST_SECONDS_MAX
from edge_agent.selling.errors import PaymentReferenceReusedError, SessionNeededError
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.states import SESSION_OPEN, SESSION_TRANSITIONS, SessionState
from edge_agent.selling.vend_book import VendOrder
from protocol.rules import BlockKind, Lots, Notice, OpenDoorAction, RecallClass, Rule, Terms
from tests.edge_agent.model_server import GTIN_A, GTIN_B, START
from tests.edge_agent.selling.open_door import DOOR, GRAMS, OpenDoor, open_door
from tests.edge_agent.workbench import Bench

Made = Callable[..., Bench]


@pytest.fixture
def shop(make_bench: Made) -> OpenDoor:
    return open_door(make_bench)


def recall(action: OpenDoorAction = OpenDoorAction.LOCK, lot: str = "L1") -> Rule:
    return Rule(
        "R-1",
        1,
        BlockKind.RECALL,
        Terms(gtins=[GTIN_B], lots=Lots(exact=[lot])),
        Notice("请勿食用", "Do not eat this"),
        open_door=action,
    )


def test_a_session_is_settled_by_weight_with_the_notices_that_were_told(shop: OpenDoor) -> None:
    opened = shop.open(buyer_reference="buyer-1")
    assert (opened.outcome, opened.total_minor) == ("pulsed", 0)
    assert [notice.kind for notice in opened.notices] == ["not_returnable"]
    assert shop.answer().outcome == "opened"
    shop.take("S1", 2)
    shop.take("S2")
    shop.shut()
    answer = shop.answer()
    assert (answer.outcome, answer.total_minor, answer.provisional) == ("settled", 1_780, False)
    (sale,) = shop.bench.bodies("sale.completed")
    assert (sale["mode"], sale["total_minor"]) == ("open_door", 1_780)
    assert "settlement" not in sale  # final is the default
    lines = {line["slot"]: line for line in sale["lines"]}  # type: ignore[attr-defined]
    assert (lines["S1"]["quantity"], lines["S1"]["gtin"], lines["S1"]["lot"]) == (2, GTIN_A, "L1")
    assert lines["S2"]["not_returnable_told"]
    assert "not_returnable_told" not in lines["S1"]
    assert shop.bench.units("S1") == 6
    assert shop.bench.units("S2") == 4


def test_nothing_taken_costs_nothing_and_is_told(shop: OpenDoor) -> None:
    shop.open()
    shop.shut()
    assert shop.answer().outcome == "nothing_taken"
    (ended,) = shop.bench.bodies("vend.failed")
    assert (ended["outcome"], ended.get("amount_minor", 0)) == ("nothing_taken", 0)
    assert shop.bench.bodies("sale.completed") == []


def test_lots_leave_first_in_first_out_and_the_line_says_how_sure_that_is(shop: OpenDoor) -> None:
    shop.load("S2", 3, lot="L2")
    shop.grams["bottom"] += 3 * 180.0
    shop.steps(4)
    shop.open()
    shop.take("S2", 6)
    shop.shut()
    (sale,) = shop.bench.bodies("sale.completed")
    lots = [(line["lot"], line["quantity"], line["lot_confidence"]) for line in sale["lines"]]  # type: ignore[attr-defined]
    assert lots == [("L1", 5, "fifo"), ("L2", 1, "fifo")]
    assert [lot.lot for lot in shop.bench.lots("S2")] == ["L2"]


def test_what_does_not_add_up_is_provisional_and_carries_the_evidence(shop: OpenDoor) -> None:
    shop.open()
    shop.grams["top"] -= 700.0
    shop.shut()
    assert shop.answer().provisional
    (sale,) = shop.bench.bodies("sale.completed")
    assert sale["settlement"] == "provisional"
    evidence = {row["shelf"]: row for row in sale["evidence"]}  # type: ignore[attr-defined]
    assert (evidence["top"]["why"], evidence["top"]["unexplained_grams"]) == ("unexplained", 180.0)
    assert "why" not in evidence["bottom"]


def test_scales_that_never_rest_are_left_out_after_their_time(shop: OpenDoor) -> None:
    shop.open()
    shop.take("S1")
    shop.swinging.add("bottom")
    shop.shut()
    assert shop.answer().outcome == "closed"
    shop.steps(int(REST_SECONDS_MAX))
    assert (shop.answer().outcome, shop.answer().provisional) == ("settled", True)
    (sale,) = shop.bench.bodies("sale.completed")
    assert [row.get("why", "") for row in sale["evidence"]] == ["", "weight_unknown"]  # type: ignore[attr-defined]


def test_a_session_without_any_readable_weight_is_unknown_and_charges_nothing(
    shop: OpenDoor,
) -> None:
    shop.open()
    shop.take("S1")
    shop.silent = True
    shop.shut()
    shop.steps(int(REST_SECONDS_MAX))
    assert shop.answer().outcome == "unknown"
    (ended,) = shop.bench.bodies("vend.failed")
    assert ended["outcome"] == "unknown"


def test_the_same_payment_opens_once_and_is_answered_the_same(shop: OpenDoor) -> None:
    shop.open()
    shop.take("S1")
    shop.shut()
    again = shop.open()
    assert again == shop.answer()
    assert len(shop.bench.doors.pulses) == 1
    with pytest.raises(PaymentReferenceReusedError):
        shop.bench.agent.cabinet.open_session(SessionOrder("pay-1", buyer_reference="another"))


def test_one_session_at_a_time(shop: OpenDoor) -> None:
    shop.open("pay-1")
    second = shop.open("pay-2")
    assert (second.outcome, second.reason, second.detail) == ("refused", "fault", "busy")


def test_a_single_slot_cannot_be_vended_from_behind_the_door(shop: OpenDoor) -> None:
    with pytest.raises(SessionNeededError):
        shop.bench.agent.cabinet.vend(VendOrder("pay-1", "S1"))


def test_a_door_that_does_not_open_is_no_session(shop: OpenDoor) -> None:
    shop.bench.doors.stuck = True
    shop.open()
    shop.steps(12)
    assert (shop.answer().outcome, shop.answer().reason) == ("failed", "door_did_not_open")


def test_a_pulse_that_was_not_sent_is_no_session(shop: OpenDoor) -> None:
    shop.bench.doors.refusing = True
    shop.open()
    assert (shop.answer().outcome, shop.answer().reason) == ("failed", "NoAnswer")


def test_a_recall_on_anything_inside_keeps_the_whole_door_shut(shop: OpenDoor) -> None:
    shop.bench.link.send_rules(shop.bench.server.rules(2, [recall()]))
    shop.steps(2)
    refused = shop.open()
    assert (refused.outcome, refused.reason, refused.detail) == ("refused", "recall", "R-1")
    assert refused.text.zh == "请勿食用"
    assert shop.bench.doors.pulses == []


def test_a_rule_set_to_warn_opens_the_door_and_says_so(shop: OpenDoor) -> None:
    shop.bench.link.send_rules(shop.bench.server.rules(2, [recall(OpenDoorAction.WARN)]))
    shop.steps(2)
    opened = shop.open()
    assert opened.outcome == "pulsed"
    assert "recall_warning" in [notice.kind for notice in opened.notices]


def test_a_recall_of_class_one_locks_even_where_its_rule_only_warns(shop: OpenDoor) -> None:
    """Invariant 2: a warn-only rule is never of class I."""
    rule = msgspec.structs.replace(recall(OpenDoorAction.WARN), recall_class=RecallClass.I)
    shop.bench.link.send_rules(shop.bench.server.rules(2, [rule]))
    shop.steps(2)
    assert shop.open().reason == "recall"


def test_a_lock_of_the_same_recall_outweighs_its_warning(shop: OpenDoor) -> None:
    rules = [recall(OpenDoorAction.WARN), recall(OpenDoorAction.LOCK)]
    shop.bench.link.send_rules(shop.bench.server.rules(2, rules))
    shop.steps(2)
    assert shop.open().reason == "recall"


def test_one_expired_piece_keeps_the_whole_door_shut(shop: OpenDoor) -> None:
    shop.load("S2", 1, lot="old", expiry=START.date())
    shop.bench.clock.jump_wall(timedelta(days=2).total_seconds())
    shop.bench.agent.cabinet.parts.time._last_good = None
    assert shop.open().reason == "expiry"


def test_no_bundle_is_acknowledged_while_a_session_is_open(shop: OpenDoor) -> None:
    """P-16: only `rules.applied` counts, and none leaves while a door session is open."""
    shop.open()
    shop.bench.link.send_rules(shop.bench.server.rules(2, [recall()]))
    shop.steps(3)
    assert [body["version"] for body in shop.bench.bodies("rules.applied")] == [1]
    shop.take("S1")
    shop.shut()
    assert [body["version"] for body in shop.bench.bodies("rules.applied")] == [1, 2]
    assert shop.open("pay-2").reason == "recall"


def test_without_a_weight_at_rest_or_a_planned_weight_the_door_stays_shut(
    shop: OpenDoor,
) -> None:
    shop.silent = True
    shop.steps(2)
    assert shop.open("pay-1").detail == "scale_unknown"
    shop.silent = False
    shop.steps(4)
    assert shop.open("pay-2").outcome == "pulsed"


@pytest.mark.parametrize("moment", ["unlocked", "taken", "shut"])
def test_a_power_cut_in_a_session_is_settled_by_the_weights_and_provisional(
    shop: OpenDoor, make_bench: Made, moment: str
) -> None:
    shop.open()
    if moment != "unlocked":
        shop.take("S1")
    if moment == "shut":
        shop.bench.doors.state[DOOR] = DoorState.CLOSED
        shop.steps(1)
    shop.crash(make_bench)
    shop.steps(3)
    if moment == "unlocked":
        shop.take("S1")
    shop.shut()
    shop.steps(30)
    answer = shop.answer()
    assert (answer.outcome, answer.total_minor, answer.provisional) == ("settled", 250, True)
    assert len(shop.bench.bodies("sale.completed")) == 1
    assert shop.bench.units("S1") == 7
    assert len(shop.bench.doors.pulses) == 1


def test_a_power_cut_before_the_door_was_seen_open_is_settled_by_the_weights_too(
    shop: OpenDoor, make_bench: Made
) -> None:
    """The buyer may have been quicker than the poll: a shut door proves nothing, weights do."""
    shop.bench.agent.cabinet.open_session(SessionOrder("pay-1"))
    shop.take("S2")
    shop.bench.doors.state[DOOR] = DoorState.CLOSED
    shop.crash(make_bench)
    shop.steps(40)
    assert (shop.answer().outcome, shop.answer().total_minor) == ("settled", 1_280)


def test_every_state_of_a_session_is_reached_and_the_final_ones_are_closed() -> None:
    reached = {SessionState.REQUESTED}
    for _ in SessionState:
        reached |= {after for state in reached for after in SESSION_TRANSITIONS[state]}
    assert reached == set(SessionState)
    assert set(SessionState) - SESSION_OPEN == {
        SessionState.SETTLED,
        SessionState.NOTHING_TAKEN,
        SessionState.FAILED,
        SessionState.UNKNOWN,
        SessionState.REFUSED,
    }


def test_goods_too_light_to_be_weighed_keep_the_door_shut(
    shop: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GRAMS, "S2", 3.0)  # the least tolerance of a piece
    shop.plan(2)
    shop.steps(2)
    answer = shop.open()
    assert (answer.outcome, answer.detail) == ("refused", "weight_not_planned")
    assert shop.bench.doors.pulses == []
