"""Story step 4 at service level: a lot is recalled while one cabinet is cut off."""

from fleet_server.auth.rules import Role
from tests.desk import Desk, Technician
from tests.goods import loaded, sealed_contact, sold
from tests.recall_room import SCOPE, RecallRoom
from tests.registry import enrol_a_cabinet
from tests.speaking_cabinet import SpeakingCabinet

MINUTE = 60


def born(desk: Desk, cabinet_id: str) -> SpeakingCabinet:
    enrol_a_cabinet(desk.server, cabinet_id)
    cabinet = SpeakingCabinet(desk.server, cabinet_id)
    cabinet.birth()
    return cabinet


def test_a_lot_is_held_recalled_blocked_removed_reconciled_told_and_closed(
    desk: Desk, room: RecallRoom
) -> None:
    desk.add_cabinet("C2")
    online, offline = born(desk, "C1"), born(desk, "C2")
    online.tell("stock.loaded", loaded("A1", "L1", 5))
    offline.tell("stock.loaded", loaded("A1", "L1", 4))
    contact = sealed_contact(desk.server)
    online.tell("sale.completed", sold("S1", "A1", "L1", contact=contact))
    offline.record("sale.completed", sold("S2", "A1", "L1"))  # it is cut off from here on
    technician = desk.technician("remover", ["restock"])

    recall = held_then_recalled(room)
    room.ack(online, recall)
    room.wait()
    board = room.board(recall)
    assert [board[one]["protected"] for one in ("C1", "C2")] == [True, False]
    accept_all(technician)
    row = room.board(recall)["C1"]
    assert (row["state"], row["accountable"]) == ("visit_assigned", desk.audience_of(technician))
    assert row["due_at"] is not None

    room.wait(16 * MINUTE)
    assert room.board(recall)["C2"]["state"] == "unreachable"
    room.ack(offline, recall)  # contact: the late sale comes with it
    assert room.buyers(recall)["S2"]["gap_seconds"] == 16 * MINUTE
    assert room.board(recall)["C2"]["state"] == "acked_blocking"
    room.wait()
    accept_all(technician)
    go_to_all(desk, technician)
    assert states(room, recall) == {"on_site"}

    room.empty(online, 4)
    room.empty(offline, 3)
    assert states(room, recall) == {"reconciled"}
    for cabinet_id in ("C1", "C2"):
        room.move_cabinet(recall, cabinet_id, "verified", reason="photo")
    served_and_closed(room, recall)
    check_report(room, recall)


def states(room: RecallRoom, recall: str) -> set[str]:
    return {row["state"] for row in room.board(recall).values()}


def held_then_recalled(room: RecallRoom) -> str:
    hold = room.operator.post("/holds", {"scope": SCOPE, "reason": "allergen"})["id"]
    assert room.blocked() == {hold}
    recall = room.active(scope=None, from_hold=hold, recall_class="I")
    assert room.blocked() == {recall}
    assert room.public()
    return recall


def accept_all(technician: Technician) -> None:
    for offer in technician.offers():
        technician.phone.post(f"/offers/{offer['id']}/answer", {"answer": "accepted"})


def go_to_all(desk: Desk, technician: Technician) -> None:
    for visit in desk.visits():
        technician.go(visit["id"])


def served_and_closed(room: RecallRoom, recall: str) -> None:
    room.step(recall, "monitoring")
    assert room.try_step(recall, "closed").json()["cabinets"] == []
    room.serve(recall, "S1", "answered", answer="discarded")
    room.serve(recall, "S1", "remedy_offered")
    room.serve(recall, "S1", "remedied")
    room.wait(MINUTE)
    room.wait(MINUTE)
    assert room.step(recall, "closed")["state"] == "closed"
    assert room.blocked() == set()
    assert states(room, recall) == {"released"}
    room.step(recall, "terminated", by=room.approver)
    assert room.public() == []


def check_report(room: RecallRoom, recall: str) -> None:
    report = room.author.get(f"/recalls/{recall}/report")
    assert report["units"]["balances"] is True
    total = report["units"]["total"]
    assert (total["loaded"], total["sold"], total["removed"], total["in_cabinet"]) == (9, 2, 7, 0)
    assert report["buyers"]["by_state"] == {"remedied": 1, "public_fallback": 1}
    assert report["refunds_minor_by_state"] == {"succeeded": 1500}
    assert {one["bag"] for one in report["disposal"]} == {"B1"}


def test_a_technician_who_is_not_let_in_shows_as_refused_access(
    desk: Desk, room: RecallRoom
) -> None:
    cabinet = born(desk, "C1")
    cabinet.tell("stock.loaded", loaded("A1", "L1", 5))
    technician = desk.technician("remover", ["restock"])
    recall = room.active()
    room.ack(cabinet, recall)
    room.wait()
    technician.answer("accepted")
    (ticket,) = desk.tickets(origin_id=recall)
    path = f"/tickets/{ticket['id']}/transitions"
    desk.dispatcher.post(path, {"to": "waiting_site", "reason": "guard says no"})
    assert room.board(recall)["C1"]["state"] == "refused_access"


def test_a_cancelled_removal_is_told_and_another_one_can_be_asked_for(
    desk: Desk, room: RecallRoom
) -> None:
    cabinet = born(desk, "C1")
    cabinet.tell("stock.loaded", loaded("A1", "L1", 5))
    desk.technician("remover", ["restock"])
    recall = room.active()
    room.ack(cabinet, recall)
    room.wait()
    assert room.move_cabinet(recall, "C1", "visit_assigned").status_code == 403
    (ticket,) = desk.tickets(origin_id=recall)
    desk.dispatcher.post(f"/tickets/{ticket['id']}/transitions", {"to": "cancelled", "reason": "x"})
    row = room.board(recall)["C1"]
    assert (row["state"], row["ticket_id"]) == ("acked_blocking", None)
    assert "A removal ended without a count" in room.notices(room.operator, recall)
    again = room.move_cabinet(recall, "C1", "visit_assigned").json()
    assert again["ticket_id"] not in {None, ticket["id"]}


def test_a_cabinet_that_was_retired_empty_is_on_the_board_and_done(room: RecallRoom) -> None:
    room.sell(room.stocked("C1", units=1), "S1")
    room.api.as_(Role.ADMIN).post("/cabinets/C1/transitions", {"to": "retired", "reason": "sold"})
    assert room.board(room.active())["C1"]["state"] == "retired"


def test_a_retired_cabinet_leaves_the_board_only_when_it_is_empty(room: RecallRoom) -> None:
    room.stocked("C1")
    room.sell(room.stocked("C2", units=1), "S1")
    recall = room.active()
    admin = room.api.as_(Role.ADMIN)
    for cabinet_id in ("C1", "C2"):
        admin.post(f"/cabinets/{cabinet_id}/transitions", {"to": "retired", "reason": "sold"})
    board = room.board(recall)
    assert (board["C1"]["state"], board["C2"]["state"]) == ("order_queued", "retired")
