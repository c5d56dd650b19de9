"""What people do to a ticket beside its life: hand over, note, prioritise, wait, appoint."""

from datetime import timedelta
from typing import Any

import pytest

from fleet_server.auth.rules import Role
from protocol.faults import Severity
from tests.desk import Desk, Technician

ORDER = {
    "kind": "inspection",
    "title_zh": "查看",
    "title_en": "look",
    "cabinet_id": "C1",
    "needs_visit": False,
}


def path(desk: Desk) -> str:
    return f"/tickets/{desk.ticket()['id']}"


def at(desk: Desk, hours: float) -> str:
    return (desk.clock.now() + timedelta(hours=hours)).isoformat()


def shown(text: str) -> str:
    """Instant as answers show it."""
    return text.replace("+00:00", "Z")


def give(desk: Desk, to: str) -> Any:
    return desk.dispatcher.try_post(f"{path(desk)}/hand-overs", {"to": to, "reason": "their field"})


def arrival(desk: Desk, name: str = "arrival") -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in desk.ticket()["clocks"] if c["name"] == name)
    return found


def test_a_person_hands_over_to_a_person_or_a_role_who_hears_of_it(desk: Desk) -> None:
    desk.dispatcher.post("/tickets", ORDER)
    user = desk.supervisor.get("/session")["user_id"]
    made = give(desk, f"user:{user}")
    assert made.status_code == 201
    assert made.json()["giver"] == "role:operator"
    assert desk.ticket()["owner"] == f"user:{user}"
    assert desk.notices(f"user:{user}") == ["Ticket handed over: look"]
    assert give(desk, f"user:{user}").status_code == 409
    assert give(desk, "role:supervisor").status_code == 201
    takers = [row["taker"] for row in desk.ticket()["hand_overs"]]
    assert takers == ["role:operator", f"user:{user}", "role:supervisor"]


def test_nobody_is_made_accountable_who_is_not_there_or_cannot_see_it(desk: Desk) -> None:
    desk.dispatcher.post("/tickets", ORDER)
    blind = desk.api.as_(Role.OPERATOR, site="elsewhere", name="blind")
    admin = desk.api.as_(Role.ADMIN)
    gone = desk.api.as_(Role.OPERATOR, name="gone").get("/session")["user_id"]
    assert admin.try_delete(f"/users/{gone}").status_code == 204
    for to in (
        f"user:{blind.get('/session')['user_id']}",
        f"user:{gone}",
        "user:nobody",
        "role:king",
        "technician:x",
        "somebody",
    ):
        answer = give(desk, to)
        assert (answer.status_code, answer.json()["field"]) == (422, "to"), to
    assert desk.ticket()["owner"] == "role:operator"


def test_the_technician_on_the_way_answers_for_it_and_nobody_else(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    answer = give(desk, "role:dispatcher")
    assert (answer.status_code, answer.json()["state"]) == (409, "scheduled")
    assert "waiting_parts" in answer.json()["legal"]
    one.go(desk.visits()[0]["id"])
    assert give(desk, "role:dispatcher").status_code == 409
    assert desk.ticket()["owner"] == desk.audience_of(one)


def test_notes_stand_word_for_word_in_order_also_by_the_technician(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    first = desk.dispatcher.post(f"{path(desk)}/notes", {"text": " <b>钥匙</b> \n"}, key="k")
    assert (
        desk.dispatcher.post(f"{path(desk)}/notes", {"text": " <b>钥匙</b> \n"}, key="k") == first
    )
    one.phone.post(f"{path(desk)}/notes", {"text": "on my way"})
    assert [note["text"] for note in desk.ticket()["notes"]] == [" <b>钥匙</b> \n", "on my way"]
    assert desk.viewer.try_post(f"{path(desk)}/notes", {"text": "x"}).status_code == 403
    assert desk.dispatcher.try_post(f"{path(desk)}/notes", {"text": ""}).status_code == 422


def test_a_person_makes_it_more_or_less_urgent_and_pauses_are_kept(desk: Desk) -> None:
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    steps = f"{path(desk)}/transitions"
    desk.dispatcher.post(steps, {"to": "triaged"})
    desk.dispatcher.post(steps, {"to": "waiting_site", "reason": "closed"})
    desk.wait(3600)
    desk.dispatcher.post(steps, {"to": "triaged"})
    start = desk.clock.now() - timedelta(hours=1)
    urgent = {"priority": "P1", "reason": "school next door"}
    after = desk.dispatcher.put(f"{path(desk)}/priority", urgent)
    assert (after["priority"], after["history"][-1]["what"]) == ("P1", "prioritised")
    assert arrival(desk)["due_at"] == shown((start + timedelta(hours=24 + 1)).isoformat())
    desk.dispatcher.put(f"{path(desk)}/priority", {"priority": "P3", "reason": "calmer"})
    assert arrival(desk)["due_at"] == shown((start + timedelta(hours=72 + 1)).isoformat())
    assert desk.dispatcher.try_put(f"{path(desk)}/priority", {"priority": "P1"}).status_code == 422
    assert desk.viewer.try_put(f"{path(desk)}/priority", urgent).status_code == 403


def test_a_site_that_opens_again_is_gone_to_then(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    wait = {"to": "waiting_site", "reason": "closed", "expected_at": at(desk, 5)}
    waiting = desk.dispatcher.post(f"{path(desk)}/transitions", wait)
    assert waiting["expected_at"] == shown(at(desk, 5))
    assert (waiting["owner"], one.offers()) == ("role:dispatcher", [])
    desk.wait(5 * 3600 - 1)
    assert desk.ticket()["state"] == "waiting_site"
    desk.wait(1)
    assert (desk.ticket()["state"], len(one.offers())) == ("triaged", 1)
    assert desk.ticket()["expected_at"] is None


def test_parts_that_do_not_come_on_their_day_are_asked_about_daily(desk: Desk) -> None:
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    wait = {"to": "waiting_parts", "reason": "lock ordered", "expected_at": at(desk, 30)}
    desk.dispatcher.post(f"{path(desk)}/transitions", wait)
    title = f"Still waiting: {desk.ticket()['title_en']}"
    for hours, times in ((29, 0), (1, 1), (23, 1), (1, 2)):
        desk.wait(hours * 3600)
        assert desk.notices("role:dispatcher").count(title) == times
    later = {"expected_at": at(desk, 50)}
    assert desk.dispatcher.put(f"{path(desk)}/expectation", later)["expected_at"] is not None
    desk.wait(49 * 3600)
    assert desk.notices("role:dispatcher").count(title) == 2
    assert desk.ticket()["state"] == "waiting_parts"


def test_a_wait_without_a_date_is_brought_up_after_a_week(desk: Desk) -> None:
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    wait = {"to": "waiting_site", "reason": "no idea"}
    desk.dispatcher.post(f"{path(desk)}/transitions", wait)
    title = f"Still waiting: {desk.ticket()['title_en']}"
    desk.wait(7 * 86_400 - 1)
    assert title not in desk.notices("role:dispatcher")
    desk.wait(1)
    assert title in desk.notices("role:dispatcher")


def test_an_expected_day_lies_ahead_and_goes_with_waiting(desk: Desk) -> None:
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    steps = f"{path(desk)}/transitions"
    for hours in (-1, 181 * 24):
        order = {"to": "waiting_parts", "expected_at": at(desk, hours)}
        assert desk.dispatcher.try_post(steps, order).status_code == 422
    assert desk.ticket()["state"] == "triaged"
    order = {"to": "in_progress", "expected_at": at(desk, 4)}
    assert desk.dispatcher.try_post(steps, order).status_code == 422
    expectation = {"expected_at": at(desk, 4)}
    answer = desk.dispatcher.try_put(f"{path(desk)}/expectation", expectation)
    assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (409, "not-now")


def test_an_appointment_replaces_the_arrival_target_and_both_stay(desk: Desk) -> None:
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    desk.dispatcher.post(f"{path(desk)}/transitions", {"to": "triaged"})
    before = arrival(desk)["due_at"]
    when = {"from": at(desk, 100), "to": at(desk, 102)}
    answer = desk.dispatcher.post(f"{path(desk)}/appointment", when, key="k")
    assert desk.dispatcher.post(f"{path(desk)}/appointment", when, key="k") == answer
    assert answer["appointment_replaced"] == before
    assert arrival(desk)["due_at"] == answer["appointment_to"] == shown(at(desk, 102))
    sooner = {"from": at(desk, 50), "to": at(desk, 52)}
    answer = desk.dispatcher.post(f"{path(desk)}/appointment", sooner)
    assert (answer["appointment_replaced"], arrival(desk)["due_at"]) == (
        before,
        shown(at(desk, 52)),
    )


def test_a_visit_is_due_when_the_site_wants_somebody(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    when = {"from": at(desk, 9), "to": at(desk, 10)}
    desk.dispatcher.post(f"{path(desk)}/appointment", when)
    assert desk.visits()[0]["due_at"] == shown(at(desk, 10))
    one.go(desk.visits()[0]["id"])
    answer = desk.dispatcher.try_post(f"{path(desk)}/appointment", when)
    assert (answer.status_code, answer.json()["state"]) == (409, "in_progress")


@pytest.mark.parametrize(("first", "last"), [(5, 5), (6, 5), (-3, -1), (1, 26), (91 * 24, 2190)])
def test_an_appointment_nobody_can_keep_is_refused(desk: Desk, first: float, last: float) -> None:
    desk.raise_fault()
    when = {"from": at(desk, first), "to": at(desk, last)}
    answer = desk.dispatcher.try_post(f"{path(desk)}/appointment", when)
    assert (answer.status_code, answer.json()["field"]) == (422, "to")
    assert desk.ticket()["appointment_to"] is None


@pytest.fixture
def there(desk: Desk) -> Technician:
    """A technician on site."""
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    one.go(desk.visits()[0]["id"])
    return one


def test_a_technician_opens_tickets_where_they_work_and_nowhere_else(
    desk: Desk, there: Technician
) -> None:
    desk.add_site("Harbour", "C2")
    order = {**ORDER, "needs_visit": True, "component": "door"}
    made = there.phone.post("/tickets", order)
    assert (made["origin_kind"], made["owner"]) == ("technician", "role:dispatcher")
    assert there.phone.try_post("/tickets", {**order, "cabinet_id": "C2"}).status_code == 403
    other = desk.technician("other", ["door"])
    assert other.phone.try_post("/tickets", order).status_code == 403
    assert desk.viewer.try_post("/tickets", order).status_code == 403
