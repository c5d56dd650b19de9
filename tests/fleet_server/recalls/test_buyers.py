"""Per buyer: found by sale, told once, answered, remedied, or the public notice."""

import msgspec
from sqlalchemy import func, select

from fleet_server.audit.models import AuditEntry
from fleet_server.notifications.models import Notice
from fleet_server.payments.models import RefundOrder
from fleet_server.recalls.queries import buyer_history_of
from fleet_server.tickets.models import Ticket
from tests.goods import sealed_contact, sold
from tests.recall_room import RecallRoom

CONTACT = "13812345678"


def refunds(room: RecallRoom) -> list[tuple[int, str]]:
    with room.server.transactions.read() as tx:
        found = select(RefundOrder).order_by(RefundOrder.id)
        return [(one.amount_minor, one.state) for one in tx.session.scalars(found)]


def told(room: RecallRoom) -> int:
    with room.server.transactions.read() as tx:
        found = select(func.count()).select_from(Notice).where(Notice.audience.like("buyer:%"))
        return tx.session.scalar(found) or 0


def test_a_buyer_with_a_contact_is_told_once(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server, CONTACT))
    recall = room.active()
    assert room.buyers(recall)["S1"]["state"] == "identified"
    room.wait()
    room.wait(60)
    assert room.buyers(recall)["S1"]["state"] == "sent"
    assert told(room) == 1


def test_invariant_21_the_contact_is_nowhere_in_clear_and_its_use_is_in_the_audit_log(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server, CONTACT))
    recall = room.active()
    room.wait()
    assert CONTACT not in str(room.buyers(recall))
    assert CONTACT not in str(room.author.get(f"/recalls/{recall}/report"))
    with room.server.transactions.read() as tx:
        uses = select(AuditEntry).where(AuditEntry.action == "contact.used")
        assert [use.object_id for use in tx.session.scalars(uses)] == [recall]
        assert all(CONTACT not in one.text for one in tx.session.scalars(select(AuditEntry)))
        for notice in tx.session.scalars(select(Notice)):
            assert CONTACT not in f"{notice.audience}{notice.body_zh}{notice.body_en}"


def test_invariant_21_a_contact_that_has_served_its_time_counts_as_none(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server, CONTACT))
    room.wait_days(250)
    recall = room.active()
    room.wait()
    assert room.buyers(recall)["S1"]["state"] == "public_fallback"
    assert told(room) == 0


def test_invariant_06_a_sale_that_comes_late_becomes_a_buyer_with_the_gap_stated(
    room: RecallRoom,
) -> None:
    offline = room.stocked()
    offline.record("sale.completed", sold("S1", "A1", "L1", contact=sealed_contact(room.server)))
    recall = room.active()
    assert room.buyers(recall) == {}
    room.clock.advance(3600)
    offline.send()
    buyer = room.buyers(recall)["S1"]
    assert (buyer["state"], buyer["gap_seconds"], buyer["under_block"]) == (
        "identified",
        3600,
        False,
    )
    room.wait()
    assert room.buyers(recall)["S1"]["state"] == "sent"


def test_invariant_02_a_sale_under_the_block_is_told_to_the_supervisor(room: RecallRoom) -> None:
    cabinet = room.stocked()
    recall = room.active()
    version = room.author.get(f"/recalls/{recall}")["rules_version"]
    cabinet.tell("sale.completed", sold("S1", "A1", "L1", rules_version=version))
    assert room.buyers(recall)["S1"]["under_block"] is True
    title = "A cabinet that had confirmed the block sold recalled goods"
    assert title in room.notices(room.supervisor, recall)


def test_invariant_13_a_buyer_without_contact_makes_the_public_notice(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server))
    recall = room.active()
    assert room.public() == []
    room.sell(cabinet, "S2")
    assert [one["recall_id"] for one in room.public()] == [recall]
    room.wait()
    assert room.buyers(recall)["S2"]["state"] == "public_fallback"
    assert len(room.public()) == 1


def test_invariant_13_class_one_is_always_public(room: RecallRoom) -> None:
    recall = room.active(recall_class="I")
    assert [one["recall_id"] for one in room.public()] == [recall]


def test_invariant_13_a_contact_that_bounces_or_cannot_be_opened_makes_it_too(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server, "13800000000-gone"))
    room.sell(cabinet, "S2", contact="bm90IHNlYWxlZA==")
    recall = room.active()
    assert room.public() == []
    room.wait()
    assert {one["state"] for one in room.buyers(recall).values()} == {"public_fallback"}
    assert len(room.public()) == 1


def test_sold_from_and_to_limit_the_buyers_and_never_the_block(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1")
    room.clock.advance(3600)
    until = room.clock.now().isoformat()
    room.clock.advance(3600)
    room.sell(cabinet, "S2")
    scope = {"gtins": ["00850003560007"], "sold_to": until}
    recall = room.active(scope=scope)
    assert set(room.buyers(recall)) == {"S1"}
    assert room.board(recall)["C1"]["match"] == "yes"


def test_a_refund_walks_to_remedied_and_never_pays_twice(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server))
    recall = room.active()
    room.wait()
    assert room.serve(recall, "S1", "remedied").status_code == 409
    assert room.serve(recall, "S1", "answered").status_code == 422
    room.serve(recall, "S1", "answered", answer="kept")
    room.serve(recall, "S1", "remedy_offered")
    first = room.serve(recall, "S1", "remedied").json()
    assert (first["state"], first["refunding"]) == ("remedy_offered", True)
    room.serve(recall, "S1", "remedied")
    room.wait(60)
    room.wait(60)
    assert room.buyers(recall)["S1"]["state"] == "remedied"
    assert refunds(room) == [(1500, "succeeded")]


def test_invariant_14_a_line_of_two_recalls_is_refunded_once(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server))
    recalls = [room.active(), room.active()]
    room.wait()
    for recall in recalls:
        room.serve(recall, "S1", "answered", answer="eaten")
        room.serve(recall, "S1", "remedy_offered")
        room.serve(recall, "S1", "remedied")
        room.wait(60)
        room.wait(60)
    assert [room.buyers(recall)["S1"]["state"] for recall in recalls] == ["remedied", "remedied"]
    assert refunds(room) == [(1500, "succeeded")]


def test_a_refund_that_fails_is_asked_for_again(room: RecallRoom) -> None:
    cabinet = room.stocked()
    body = sold("S1", "A1", "L1", contact=sealed_contact(room.server))
    cabinet.tell("sale.completed", msgspec.structs.replace(body, payment_reference="p-declines"))
    recall = room.active()
    room.wait()
    room.serve(recall, "S1", "answered", answer="kept")
    room.serve(recall, "S1", "remedy_offered")
    for _ in range(2):
        room.serve(recall, "S1", "remedied")
        room.wait(60)
        buyer = room.buyers(recall)["S1"]
        assert (buyer["state"], buyer["refunding"]) == ("remedy_offered", False)
    assert refunds(room) == [(1500, "failed"), (1500, "failed")]


def test_a_possible_match_is_refunded_on_the_buyers_statement(room: RecallRoom) -> None:
    cabinet = room.stocked(lot=None)
    room.sell(cabinet, "S1", lot=None, contact=sealed_contact(room.server))
    recall = room.active(remedy="voucher")
    room.wait()
    room.serve(recall, "S1", "answered", answer="kept")
    room.serve(recall, "S1", "remedy_offered")
    assert room.serve(recall, "S1", "remedied").status_code == 422
    done = room.serve(recall, "S1", "remedied", statement="photo shows lot L1").json()
    assert done["state"] == "remedied"
    assert refunds(room) == []


def test_an_injured_buyer_opens_an_urgent_ticket(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1")
    recall = room.active()
    room.wait()
    room.serve(recall, "S1", "answered", answer="injured")
    with room.server.transactions.read() as tx:
        found = select(Ticket).where(Ticket.kind == "consumer_report")
        assert [one.priority for one in tx.session.scalars(found)] == ["P1"]


def test_not_mine_ends_a_buyer_and_other_refusals_need_a_reason(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1")
    room.sell(cabinet, "S2")
    recall = room.active()
    room.wait()
    assert room.serve(recall, "S1", "answered", answer="not_mine").json()["state"] == "declined"
    room.serve(recall, "S2", "answered", answer="kept")
    assert room.serve(recall, "S2", "declined").status_code == 422
    assert room.serve(recall, "S2", "declined", reason="wants none").json()["state"] == "declined"


def test_the_history_of_a_buyer_is_kept(room: RecallRoom) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1")
    recall = room.active()
    room.wait()
    buyer = room.buyers(recall)["S1"]["id"]
    with room.server.transactions.read() as tx:
        states = [step.state for step in buyer_history_of(tx.session, buyer)]
    assert states == ["identified", "no_contact", "public_fallback"]
