"""The life of a recall: two persons, a whole notice, drills, withdrawal, close."""

import pytest
from sqlalchemy import func, select

from fleet_server.auth.rules import Role
from fleet_server.notifications.models import Notice
from fleet_server.outbox.models import OutboundMessage
from fleet_server.payments.models import RefundOrder
from fleet_server.rules.queries import newest_version
from tests.goods import sealed_contact
from tests.recall_room import SCOPE, TEXTS, RecallRoom, content
from tests.web_client import Session


def both(room: RecallRoom) -> Session:
    return room.api.as_(Role.RECALL_AUTHOR, Role.RECALL_APPROVER, name="both")


def test_invariant_01_who_holds_both_roles_does_not_approve_the_own_recall(
    room: RecallRoom,
) -> None:
    person = both(room)
    recall = person.post("/recalls", content())["id"]
    room.step(recall, "pending_approval", by=person)
    answer = room.try_step(recall, "approved", by=person)
    assert answer.status_code == 403
    assert "approved" not in person.get(f"/recalls/{recall}")["actions"]
    assert "approved" in room.approver.get(f"/recalls/{recall}")["actions"]


def test_invariant_01_who_edited_or_submitted_it_does_not_approve(room: RecallRoom) -> None:
    person = both(room)
    edited = room.draft()
    person.put(f"/recalls/{edited}", content(source_document="FF-2026-4"))
    room.step(edited, "pending_approval")
    assert room.try_step(edited, "approved", by=person).status_code == 403
    submitted = room.draft()
    room.step(submitted, "pending_approval", by=person)
    assert room.try_step(submitted, "approved", by=person).status_code == 403


def test_invariant_01_a_program_of_the_author_is_the_author(room: RecallRoom) -> None:
    person = both(room)
    recall = person.post("/recalls", content())["id"]
    room.step(recall, "pending_approval", by=person)
    secret = person.post("/tokens", {"name": "script", "lifetime_days": 1})["secret"]
    answer = room.api.anonymous.post(
        f"/api/v1/recalls/{recall}/transitions",
        json={"to": "approved"},
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("same-person")


def test_invariant_01_the_approver_is_recorded_with_time_and_version(room: RecallRoom) -> None:
    recall = room.draft()
    room.step(recall, "pending_approval")
    read = room.approver.get(f"/recalls/{recall}")["content_hash"]
    assert room.try_step(recall, "approved", by=room.approver, content_hash="x").status_code == 409
    shown = room.step(recall, "approved", by=room.approver, content_hash=read)
    assert shown["approved_by"] == room.approver.get("/session")["user_id"]
    assert shown["approved_at"] is not None
    assert shown["approved_hash"] == read


def test_an_author_without_the_right_never_approves(room: RecallRoom) -> None:
    recall = room.draft()
    room.step(recall, "pending_approval")
    assert room.try_step(recall, "approved").status_code == 403


def test_nothing_is_blocked_before_activation(room: RecallRoom) -> None:
    room.stocked()
    recall = room.draft()
    room.step(recall, "pending_approval")
    room.step(recall, "approved", by=room.approver)
    assert room.blocked() == set()
    room.step(recall, "active")
    assert room.blocked() == {recall}


def test_a_rejected_recall_is_rewritten_and_submitted_again(room: RecallRoom) -> None:
    recall = room.draft()
    room.step(recall, "pending_approval")
    assert room.try_step(recall, "rejected", by=room.approver).status_code == 422
    room.step(recall, "rejected", by=room.approver, reason="the lot is wrong")
    assert room.author.try_put(f"/recalls/{recall}", content()).status_code == 409
    before = room.step(recall, "draft")["content_hash"]
    scope = {**SCOPE, "lots": {"prefix": ["L"]}}
    after = room.author.put(f"/recalls/{recall}", content(scope=scope))
    assert after["content_hash"] != before
    room.step(recall, "pending_approval")
    room.step(recall, "approved", by=room.approver)


def test_an_illegal_step_answers_with_the_legal_ones(room: RecallRoom) -> None:
    answer = room.try_step(room.draft(), "closed")
    assert answer.status_code == 409
    assert answer.json()["legal"] == ["cancelled", "pending_approval"]


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"hazard": {"zh": "", "en": "fish"}}, "hazard.zh"),
        ({"action": {}}, "action.en"),
        ({"remedy": None}, "remedy.zh"),
        ({"contact": ""}, "contact.en"),
        ({"title": {"zh": "卷", "en": ""}}, "title.en"),
    ],
)
def test_invariant_20_what_the_notice_lacks_is_named_at_submit(
    room: RecallRoom, changes: dict[str, object], missing: str
) -> None:
    answer = room.try_step(room.draft(**changes), "pending_approval")
    assert answer.status_code == 422
    assert missing in answer.json()["missing"]


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        ({"zh": "罕见情况下", "en": "fish"}, "罕见"),
        ({"zh": "鱼", "en": "a Voluntary measure"}, "voluntary"),
    ],
)
def test_invariant_20_softening_words_are_refused(
    room: RecallRoom, texts: dict[str, str], word: str
) -> None:
    answer = room.try_step(room.draft(hazard=texts), "pending_approval")
    assert answer.status_code == 422
    assert answer.json()["softening"] == [word]


def test_invariant_20_the_notice_says_all_seven_things_in_both_languages(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1")
    room.active()
    (notice,) = room.public()
    for part in ("00850003560007", "L1", "Office tower", "fish", "refund", "400-000-0000"):
        assert part in notice["body_en"]
    for part in ("产品", "批次", "销售地点", "危害", "退款", "联系方式"):
        assert part in notice["body_zh"]


def test_invariant_11_and_17_two_recalls_of_the_same_goods_are_lifted_apart(
    room: RecallRoom,
) -> None:
    room.stocked()
    one, other = room.active(), room.active()
    assert room.blocked() == {one, other}
    room.step(one, "withdrawn_in_error", reason="wrong lot")
    room.step(one, "withdrawn_in_error", by=room.approver)
    assert room.blocked() == {other}


def test_invariant_17_a_withdrawal_needs_two_and_tells_everyone_who_was_told(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server))
    room.sell(cabinet, "S2")
    recall = room.active()
    room.ack(cabinet, recall)
    room.wait()
    assert room.try_step(recall, "withdrawn_in_error").status_code == 422
    asked = room.step(recall, "withdrawn_in_error", reason="wrong lot")
    assert asked["state"] == "active"
    assert room.try_step(recall, "withdrawn_in_error").status_code == 403
    done = room.step(recall, "withdrawn_in_error", by=room.approver)
    assert done["state"] == "withdrawn_in_error"
    assert room.blocked() == set()
    assert [one["kind"] for one in room.public()] == ["correction"]
    with room.server.transactions.read() as tx:
        titles = tx.session.scalars(select(Notice.title_en).where(Notice.audience.like("buyer:%")))
        assert sorted(title.split(":")[0] for title in titles) == [
            "Product safety recall",
            "Recall withdrawn",
        ]
    tickets = room.operator.get("/tickets", origin_id=recall)["items"]
    assert [ticket["state"] for ticket in tickets] == ["cancelled"]


def test_invariant_15_a_drill_blocks_nothing_tells_nobody_outside_and_pays_nothing(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server))
    with room.server.transactions.read() as tx:
        version = newest_version(tx.session)
        messages = tx.session.scalar(select(func.count()).select_from(OutboundMessage))
    drill = room.active(mock=True, recall_class="I")
    room.wait(60)
    room.wait(60)
    assert room.board(drill)["C1"]["state"] == "acked_blocking"
    assert room.buyers(drill)["S1"]["state"] == "public_fallback"
    for state in ("counted", "removed", "reconciled", "verified"):
        room.move_cabinet(drill, "C1", state, by=room.author)
    room.step(drill, "monitoring")
    assert room.step(drill, "closed")["state"] == "closed"
    assert room.blocked() == set()
    assert room.public() == []
    with room.server.transactions.read() as tx:
        assert newest_version(tx.session) == version
        assert tx.session.scalar(select(func.count()).select_from(OutboundMessage)) == messages
        assert tx.session.scalar(select(func.count()).select_from(RefundOrder)) == 0
    real = room.active()
    assert set(room.author.get(f"/recalls/{drill}/report")) == set(
        room.author.get(f"/recalls/{real}/report")
    )


def test_invariant_12_a_recall_with_open_cabinets_or_buyers_does_not_close(
    room: RecallRoom,
) -> None:
    cabinet = room.stocked()
    room.sell(cabinet, "S1", contact=sealed_contact(room.server))
    recall = room.active()
    room.step(recall, "monitoring")
    answer = room.try_step(recall, "closed")
    assert answer.status_code == 409
    assert answer.json()["cabinets"] == ["C1"]
    assert answer.json()["buyers"] == [room.buyers(recall)["S1"]["id"]]
    assert room.blocked() == {recall}


def test_the_report_escapes_what_people_wrote(room: RecallRoom) -> None:
    recall = room.draft(reason={"zh": "<script>", "en": "<script>"}, hazard=TEXTS)
    page = room.author.try_get(f"/recalls/{recall}/report", format="html")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_the_same_key_drafts_one_recall(room: RecallRoom) -> None:
    one = room.author.post("/recalls", content(), key="k")
    assert room.author.post("/recalls", content(), key="k")["id"] == one["id"]
    assert len(room.author.get("/recalls")["items"]) == 1


def test_an_author_of_one_site_walks_a_recall_of_that_site_only(room: RecallRoom) -> None:
    local = room.api.as_(Role.RECALL_AUTHOR, site=room.site.id)
    assert local.try_post("/recalls", content()).status_code == 403
    here = local.post("/recalls", content(scope={**SCOPE, "sites": [room.site.id]}))
    assert "pending_approval" in here["actions"]
    room.step(here["id"], "pending_approval", by=local)
    fleet_wide = room.draft()
    assert room.try_step(fleet_wide, "pending_approval", by=local).status_code == 403


def test_an_operator_drafts_nothing(room: RecallRoom) -> None:
    assert room.operator.try_post("/recalls", content()).status_code == 403
    assert room.author.get("/recalls")["items"] == []
