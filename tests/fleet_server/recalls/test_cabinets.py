"""Per cabinet: in scope, protected only by its own word, counted, reconciled, verified."""

import pytest
from sqlalchemy import select

from fleet_server.cabinets.service import change
from fleet_server.tickets.models import Ticket
from tests.goods import WATER, WRAP, counted, loaded, removed
from tests.recall_room import SCOPE, RecallRoom
from tests.registry import add_a_site


def tickets(room: RecallRoom) -> list[tuple[str, str, str]]:
    with room.server.transactions.read() as tx:
        found = select(Ticket).where(Ticket.kind == "recall_removal").order_by(Ticket.id)
        return [
            (one.cabinet_id or "", one.priority, one.state) for one in tx.session.scalars(found)
        ]


def test_invariant_04_a_cabinet_is_protected_only_by_its_word_for_the_recalls_version(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.ack(cabinet)  # the bundle before the recall
    recall = room.active()
    row = room.board(recall)["C1"]
    assert (row["state"], row["protected"]) == ("order_queued", False)
    version = room.author.get(f"/recalls/{recall}")["rules_version"]
    room.ack(cabinet, version=version - 1)
    assert room.board(recall)["C1"]["protected"] is False
    room.ack(cabinet)
    row = room.board(recall)["C1"]
    assert (row["state"], row["protected"], row["acked_version"]) == (
        "acked_blocking",
        True,
        version,
    )


def test_invariant_04_a_digest_that_is_not_ours_acknowledges_nothing(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active()
    version = room.author.get(f"/recalls/{recall}")["rules_version"]
    cabinet.tell("rules.applied", {"version": version, "digest": "0" * 64, "blocked": []})
    assert room.board(recall)["C1"]["protected"] is False


def test_invariant_05_every_cabinet_that_ever_held_matching_stock_is_on_the_board(
    room: RecallRoom,
) -> None:
    room.stocked("C1")
    gone = room.stocked("C2", units=2)
    gone.tell("stock.removed", removed("A1", "L1", 2))
    room.stocked("C3", lot=None)
    other = room.cabinet("C4")
    other.tell("stock.loaded", loaded("A1", "L2", 3))
    other.tell("stock.loaded", loaded("A2", "L1", 3, gtin=WATER))
    board = room.board(room.active())
    assert {one: row["match"] for one, row in board.items()} == {
        "C1": "yes",
        "C2": "yes",
        "C3": "possible",
    }


def test_invariant_05_a_late_event_adds_a_cabinet_and_its_earlier_word_counts(
    room: RecallRoom,
) -> None:
    offline = room.cabinet("C2")
    offline.record("stock.loaded", loaded("A1", "L1", 4))
    recall = room.active()
    assert room.board(recall) == {}
    room.ack(offline)  # sends the load and the acknowledgement together
    row = room.board(recall)["C2"]
    assert (row["late"], row["protected"], row["expected_units"]) == (True, True, 4)


def test_invariant_05_a_cabinet_that_moved_away_stays_in_a_recall_of_its_old_site(
    room: RecallRoom,
) -> None:
    room.stocked("C1")
    elsewhere = add_a_site(room.server, "Harbour", "west")
    with room.server.transactions.write("system:test") as tx:
        change(tx, room.server.signing, "C1", "moved", elsewhere.id)
    recall = room.active(scope={"gtins": [WRAP], "sites": [room.site.id]})
    assert list(room.board(recall)) == ["C1"]


def test_invariant_05_what_was_being_written_during_activation_is_found_by_a_second_look(
    room: RecallRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    cabinet = room.cabinet()
    recall = room.active()
    with monkeypatch.context() as blind:
        # As on PostgreSQL: this transaction began before the activation had committed.
        blind.setattr("fleet_server.recalls.handlers.running_recalls", lambda _session: [])
        cabinet.tell("stock.loaded", loaded("A1", "L1", 5))
        room.sell(cabinet, "S1")
    assert (room.board(recall), room.buyers(recall)) == ({}, {})
    room.wait(30)
    assert room.board(recall)["C1"]["late"] is True
    assert set(room.buyers(recall)) == {"S1"}
    assert room.public()


def test_invariant_19_stock_without_a_lot_is_in_the_recall_as_possible(room: RecallRoom) -> None:
    room.stocked("C1", lot=None)
    preview = room.author.post("/recalls/preview", {"scope": SCOPE})
    assert preview["yes"]["cabinets"] == 0
    assert preview["possible"]["units_inside"] == 5
    assert room.board(room.active())["C1"]["match"] == "possible"


def test_a_blocking_cabinet_with_units_inside_gets_a_removal_by_class(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active(recall_class="I")
    room.ack(cabinet, recall)
    room.wait()
    room.wait()
    assert tickets(room) == [("C1", "P1", "triaged")]


def test_a_blocking_cabinet_with_nothing_inside_needs_no_visit(room: RecallRoom) -> None:
    cabinet = room.stocked(units=1)
    room.sell(cabinet, "S1")
    recall = room.active()
    room.ack(cabinet)
    room.wait()
    assert room.board(recall)["C1"]["state"] == "none_found"
    assert tickets(room) == []


def test_the_cabinets_own_book_sends_somebody_too(room: RecallRoom) -> None:
    cabinet = room.stocked(units=1)
    room.sell(cabinet, "S1")
    recall = room.active()
    room.ack(cabinet, recall)  # it says that a slot is blocked: something is inside
    room.wait()
    assert [one[0] for one in tickets(room)] == ["C1"]
    cabinet.tell("stock.counted", counted("A1", "L1", 0, 0))
    assert room.board(recall)["C1"]["state"] == "none_found"


def test_a_silent_cabinet_is_unreachable_then_visited_then_escalated(room: RecallRoom) -> None:
    room.stocked()
    recall = room.active()
    room.wait(15 * 60)
    assert room.board(recall)["C1"]["state"] == "unreachable"
    assert "A cabinet has not confirmed the block" in room.notices(room.operator, recall)
    assert tickets(room) == []
    room.wait(105 * 60)
    assert [one[0] for one in tickets(room)] == ["C1"]
    room.wait(22 * 3600)
    assert "A cabinet is unprotected: escalated" in room.notices(room.supervisor, recall)


def test_removal_without_a_count_proves_nothing(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active()
    room.ack(cabinet, recall)
    cabinet.tell("stock.removed", removed("A1", "L1", 5))
    assert room.board(recall)["C1"]["state"] == "acked_blocking"
    cabinet.tell("stock.counted", counted("A1", "L1", 0, 0))
    assert room.board(recall)["C1"]["state"] == "reconciled"


def test_every_line_has_to_be_counted(room: RecallRoom) -> None:
    cabinet = room.stocked()
    cabinet.tell("stock.loaded", loaded("A2", "L1", 2))
    recall = room.active()
    room.ack(cabinet, recall)
    room.empty(cabinet, 5)
    assert room.board(recall)["C1"]["state"] == "acked_blocking"
    cabinet.tell("stock.counted", counted("A2", "L1", 2, 2))
    assert room.board(recall)["C1"]["state"] == "counted"
    cabinet.tell("stock.removed", removed("A2", "L1", 2))
    assert room.board(recall)["C1"]["state"] == "reconciled"


def test_invariant_08_a_discrepancy_needs_a_second_persons_reason(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active()
    room.ack(cabinet, recall)
    cabinet.tell("stock.counted", counted("A1", "L1", 3, 5))
    cabinet.tell("stock.removed", removed("A1", "L1", 3))
    row = room.board(recall)["C1"]
    assert (row["state"], row["units"]["unexplained"]) == ("discrepancy", 2)
    assert room.move_cabinet(recall, "C1", "verified").status_code == 409
    assert room.move_cabinet(recall, "C1", "reconciled", by=room.operator).status_code == 403
    assert room.move_cabinet(recall, "C1", "reconciled").status_code == 422
    done = room.move_cabinet(recall, "C1", "reconciled", reason="two broken, photo 7").json()
    assert (done["state"], done["units"]["unexplained"], done["units"]["explained"]) == (
        "reconciled",
        0,
        2,
    )
    assert room.move_cabinet(recall, "C1", "verified").json()["state"] == "verified"


def test_invariant_08_who_counted_cannot_explain(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active()
    room.ack(cabinet, recall)
    body = {"slot": "A1", "gtin": WRAP, "lot": "L1", "counted": 0, "booked": 5}
    cabinet.tell("stock.counted", {**body, "by": "supervisor"})
    answer = room.move_cabinet(recall, "C1", "reconciled", reason="lost")
    assert (answer.status_code, answer.json()["type"][-11:]) == (403, "same-person")
    assert room.board(recall)["C1"]["state"] == "discrepancy"


def test_invariant_09_recalled_goods_that_are_loaded_anyway_are_flagged_and_told(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    recall = room.active()
    room.ack(cabinet, recall)
    room.empty(cabinet, 5)
    room.move_cabinet(recall, "C1", "verified")
    cabinet.tell("stock.loaded", loaded("A1", "L1", 2))
    assert "Blocked goods were loaded" in room.notices(room.operator)
    assert room.board(recall)["C1"]["state"] == "acked_blocking"
    assert room.try_step(recall, "monitoring").status_code == 200
    assert room.try_step(recall, "closed").status_code == 409
    room.empty(cabinet, 2)
    assert room.board(recall)["C1"]["state"] == "reconciled"


def test_invariant_10_removal_is_never_blocked(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active()
    room.operator.post("/holds", {"scope": SCOPE, "reason": "both block"})
    room.ack(cabinet, recall)
    room.empty(cabinet, 5)
    assert room.dead_letters() == 0
    assert room.board(recall)["C1"]["units"]["removed"] == 5


def test_an_illegal_step_of_a_cabinet_answers_with_what_is_legal(room: RecallRoom) -> None:
    room.stocked()
    recall = room.active()
    answer = room.move_cabinet(recall, "C1", "verified")
    assert answer.status_code == 409
    assert "legal" in answer.json()
