"""Holds: one person, one minute, 24 hours, and never silently (invariant 22)."""

from fleet_server.auth.rules import Role
from tests.recall_room import SCOPE, RecallRoom
from tests.registry import add_a_site

HOUR = 3600
ORDER = {"scope": SCOPE, "reason": "a buyer fell ill", "notice": {"zh": "停售", "en": "paused"}}


def test_one_person_blocks_at_once(room: RecallRoom) -> None:
    hold = room.operator.post("/holds", ORDER)
    assert room.blocked() == {hold["id"]}
    assert hold["state"] == "active"
    assert hold["actions"] == ["lift", "renew"]


def test_invariant_22_a_hold_warns_two_roles_and_then_expires_loudly(room: RecallRoom) -> None:
    hold = room.operator.post("/holds", ORDER)["id"]
    room.wait(20 * HOUR)
    for person in (room.operator, room.supervisor):
        assert "A hold is about to expire" in room.notices(person, hold)
    assert room.blocked() == {hold}
    room.wait(4 * HOUR)
    assert room.blocked() == set()
    assert room.operator.get(f"/holds/{hold}")["state"] == "expired"
    assert "A hold has expired: goods are on sale" in room.notices(room.supervisor, hold)


def test_invariant_22_a_hold_is_renewed_once(room: RecallRoom) -> None:
    hold = room.operator.post("/holds", ORDER)["id"]
    room.wait(21 * HOUR)
    room.operator.post(f"/holds/{hold}/renew", {"reason": "laboratory is slow"})
    room.wait(20 * HOUR)
    assert room.blocked() == {hold}
    assert room.notices(room.operator, hold).count("A hold is about to expire") == 2
    assert room.operator.try_post(f"/holds/{hold}/renew", {}).status_code == 409
    room.wait(4 * HOUR)
    assert room.blocked() == set()


def test_a_lifted_hold_frees_only_its_own_block(room: RecallRoom) -> None:
    one = room.operator.post("/holds", ORDER)["id"]
    other = room.operator.post("/holds", ORDER)["id"]
    room.operator.post(f"/holds/{one}/lift", {"reason": "false alarm"})
    assert room.blocked() == {other}
    assert room.operator.try_post(f"/holds/{one}/lift", {}).status_code == 409


def test_a_recall_takes_the_place_of_its_hold_without_a_gap(room: RecallRoom) -> None:
    hold = room.operator.post("/holds", ORDER)["id"]
    recall = room.active(scope=None, from_hold=hold)
    assert room.blocked() == {recall}
    shown = room.operator.get(f"/holds/{hold}")
    assert (shown["state"], shown["recall_id"]) == ("converted", recall)
    assert room.author.get(f"/recalls/{recall}")["scope"] == SCOPE


def test_a_draft_that_nobody_approves_does_not_keep_the_block(room: RecallRoom) -> None:
    hold = room.operator.post("/holds", ORDER)["id"]
    room.draft(from_hold=hold)
    room.wait(24 * HOUR)
    assert room.blocked() == set()


def test_the_same_key_sets_one_hold(room: RecallRoom) -> None:
    one = room.operator.post("/holds", ORDER, key="k1")
    assert room.operator.post("/holds", ORDER, key="k1") == one
    assert len(room.operator.get("/holds")["items"]) == 1


def test_a_viewer_sets_no_hold(room: RecallRoom) -> None:
    assert room.api.as_(Role.VIEWER).try_post("/holds", ORDER).status_code == 403
    assert room.blocked() == set()


def test_a_grant_for_one_site_holds_only_there(room: RecallRoom) -> None:
    elsewhere = add_a_site(room.server, "Harbour", "west")
    there = room.api.as_(Role.OPERATOR, site=elsewhere.id)
    assert there.try_post("/holds", ORDER).status_code == 403
    here = {**ORDER, "scope": {**SCOPE, "sites": [room.site.id]}}
    assert there.try_post("/holds", here).status_code == 403
    own = {**ORDER, "scope": {**SCOPE, "sites": [elsewhere.id]}}
    assert there.try_post("/holds", own).status_code == 201


def test_a_scope_that_means_nothing_or_everything_is_refused(room: RecallRoom) -> None:
    for scope in (
        {},
        {"lots": {}},
        {"gtins": ["00850003560008"]},
        {"lots": {"ranges": [{"from": "B", "to": "A"}]}},
        {"gtins": ["00850003560007"], "supplier": "unknown field"},
    ):
        assert room.operator.try_post("/holds", {**ORDER, "scope": scope}).status_code == 422
    assert room.blocked() == set()
