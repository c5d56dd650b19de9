"""Invariant 8: a count under the shared PIN names nobody; who was sent for the goods counted."""

from sqlalchemy import select

from fleet_server.auth.models import User, UserGrant
from fleet_server.auth.rules import Role
from protocol.service_pin import PIN_HOLDER
from tests.desk import Desk
from tests.fleet_server.recalls.test_story import born
from tests.goods import WRAP, loaded, removed
from tests.recall_room import RecallRoom


def promote(desk: Desk, username: str) -> None:
    """Let a person also override, as in a small team."""
    with desk.server.transactions.write("system:test") as tx:
        user_id = tx.session.scalars(select(User.id).where(User.username == username)).one()
        tx.session.add(UserGrant(id=tx.new_id(), user_id=user_id, role=Role.SUPERVISOR))


def test_invariant_08_who_was_sent_for_goods_counted_by_pin_cannot_explain_the_difference(
    desk: Desk, room: RecallRoom
) -> None:
    cabinet = born(desk, "C1")
    cabinet.tell("stock.loaded", loaded("A1", "L1", 5))
    technician = desk.technician("remover", ["restock"])
    promote(desk, "remover")
    recall = room.active()
    room.ack(cabinet, recall)
    room.wait()
    technician.answer("accepted")
    (visit,) = desk.visits()
    technician.go(visit["id"])
    count = {"slot": "A1", "gtin": WRAP, "lot": "L1", "counted": 3, "booked": 5, "by": PIN_HOLDER}
    cabinet.tell("stock.counted", count)
    cabinet.tell("stock.removed", removed("A1", "L1", 3))
    assert room.board(recall)["C1"]["state"] == "discrepancy"

    refused = room.move_cabinet(recall, "C1", "reconciled", by=technician.phone, reason="lost")
    assert (refused.status_code, refused.json()["type"][-11:]) == (403, "same-person")
    assert room.board(recall)["C1"]["state"] == "discrepancy"
    assert room.move_cabinet(recall, "C1", "reconciled", reason="lost").status_code == 200


def test_invariant_08_somebody_who_was_not_sent_may_explain_a_count_by_pin(
    desk: Desk, room: RecallRoom
) -> None:
    cabinet = born(desk, "C1")
    cabinet.tell("stock.loaded", loaded("A1", "L1", 5))
    sent, other = desk.technician("remover", ["restock"]), desk.technician("other", ["door"])
    promote(desk, "other")
    recall = room.active()
    room.ack(cabinet, recall)
    room.wait()
    sent.answer("accepted")
    count = {"slot": "A1", "gtin": WRAP, "lot": "L1", "counted": 0, "booked": 5, "by": PIN_HOLDER}
    cabinet.tell("stock.counted", count)
    explained = room.move_cabinet(recall, "C1", "reconciled", by=other.phone, reason="lost")
    assert explained.status_code == 200
