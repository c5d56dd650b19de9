"""Changing technicians, letting them go, warning of lapses: nothing is left without an owner."""

from datetime import timedelta
from typing import Any

import pytest

from fleet_server.auth.rules import Role
from fleet_server.technicians.rules import SKILLS
from protocol.faults import CATALOGUE, Severity
from tests.desk import Desk, Technician

ORDER = {"name": "Li", "skills": ["door"], "home_latitude": 31.0, "home_longitude": 121.0}


def urgent(desk: Desk) -> None:
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)


def change(desk: Desk, one: Technician, **wanted: Any) -> Any:
    return desk.dispatcher.patch(f"/technicians/{one.id}", wanted)


def refused(desk: Desk, one: Technician, **wanted: Any) -> Any:
    answer = desk.dispatcher.try_patch(f"/technicians/{one.id}", wanted)
    assert answer.status_code == 409
    return answer.json()


def test_every_skill_of_the_catalogue_is_known() -> None:
    assert {kind.skill for kind in CATALOGUE.values()} <= SKILLS.keys()


def test_an_unknown_skill_is_refused_and_the_known_ones_are_named(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    path = f"/technicians/{one.id}"
    lapses = {"name": "exam", "expires_at": "2027-01-01T00:00:00Z"}
    ticket = {"kind": "inspection", "title_zh": "查", "title_en": "look", "cabinet_id": "C1"}
    for answer in (
        desk.dispatcher.try_post("/technicians", {**ORDER, "skills": ["door", "magic"]}),
        desk.dispatcher.try_patch(path, {"skills": ["magic"]}),
        desk.dispatcher.try_post(f"{path}/qualifications", {**lapses, "skill": "magic"}),
        desk.dispatcher.try_post("/tickets", {**ticket, "skill": "magic"}),
    ):
        assert answer.status_code == 422
        assert "refrigeration" in answer.json()["detail"]
    shown = desk.viewer.get("/skills")["items"]
    assert [skill["name"] for skill in shown] == sorted(SKILLS)
    assert desk.tickets() == []


def test_what_is_given_changes_and_the_rest_stays(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    depot = desk.dispatcher.post(
        "/locations", {"kind": "depot", "name": "East", "latitude": 31.2, "longitude": 121.4}
    )
    shown = change(desk, one, phone="139", depot_id=depot["id"], region="east")
    assert (shown["phone"], shown["depot_id"], shown["region"]) == ("139", depot["id"], "east")
    assert (shown["name"], shown["skills"], shown["active"]) == ("li", ["door"], True)
    assert change(desk, one, depot_id=None, region=None)["depot_id"] is None


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": None}, 422),
        ({"skills": []}, 422),
        ({"active": None}, 422),
        ({"age": 4}, 422),
        ({"depot_id": "nowhere"}, 404),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(
    desk: Desk, wrong: dict[str, object], status: int
) -> None:
    one = desk.technician("li", ["door"])
    assert desk.dispatcher.try_patch(f"/technicians/{one.id}", wrong).status_code == status
    assert desk.viewer.get(f"/technicians/{one.id}")["name"] == "li"


def test_a_day_begins_at_the_depot_where_there_is_one(desk: Desk) -> None:
    near = desk.technician("near", ["lock"], north_degrees=0.01)
    far = desk.technician("far", ["lock"], north_degrees=0.3)
    place = {"latitude": desk.site.latitude, "longitude": desk.site.longitude}
    depot = desk.dispatcher.post("/locations", {"kind": "depot", "name": "here", **place})
    change(desk, far, depot_id=depot["id"])
    urgent(desk)
    assert (len(far.offers()), near.offers()) == (1, [])


def test_who_has_open_visits_leaves_only_when_those_go_to_others(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    other = desk.technician("other", ["lock"], north_degrees=0.2)
    urgent(desk)
    one.answer("accepted")
    (visit,) = desk.visits()
    assert refused(desk, one, active=False)["visit_ids"] == [visit["id"]]
    assert desk.viewer.get(f"/technicians/{one.id}")["active"]
    shown = change(desk, one, active=False, release_visits=True)
    assert not shown["active"]
    assert "activate" in shown["actions"]
    assert [row["state"] for row in desk.visits()] == ["aborted", "offered"]
    assert len(other.offers()) == 1
    assert desk.ticket()["owner"] == "role:dispatcher"


@pytest.mark.parametrize("state", ["offered", "on_site", "resolved"])
def test_who_leaves_in_the_middle_leaves_nothing_without_an_owner(desk: Desk, state: str) -> None:
    one = desk.technician("one", ["lock"])
    urgent(desk)
    if state != "offered":
        one.answer("accepted")
        one.go(desk.visits()[0]["id"])
    if state == "resolved":
        desk.record(desk.ticket()["id"], one.phone)
        visit_id = desk.visits()[0]["id"]
        one.phone.post(f"/visits/{visit_id}/transitions", {"to": "done"})
        assert desk.ticket()["owner"] == desk.audience_of(one)
    change(desk, one, active=False, release_visits=True)
    ticket = desk.ticket()
    assert ticket["owner"] == "role:dispatcher"
    open_visits = [row for row in desk.visits() if row["state"] not in {"done", "aborted"}]
    assert all(row["technician_id"] is None for row in open_visits)
    assert len(open_visits) == (state != "resolved")
    takers = [row["taker"] for row in ticket["hand_overs"]]
    assert takers[-1] == "role:dispatcher"
    change(desk, one, active=True)
    desk.wait(301)
    assert len(one.offers()) == (state != "resolved")


def test_a_skill_taken_away_takes_its_visits_along(desk: Desk) -> None:
    one = desk.technician("one", ["lock", "door"])
    urgent(desk)
    one.answer("accepted")
    change(desk, one, skills=["door", "lock"])
    assert [row["state"] for row in desk.visits()] == ["accepted"]
    change(desk, one, skills=["door"])
    assert [row["state"] for row in desk.visits()] == ["aborted", "planned"]


def test_a_closed_account_owns_nothing_any_more(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    admin = desk.api.as_(Role.ADMIN)
    urgent(desk)
    one.answer("accepted")
    user = one.phone.get("/session")["user_id"]
    assert admin.try_delete(f"/users/{user}").status_code == 204
    assert desk.ticket()["owner"] == "role:dispatcher"
    assert not desk.viewer.get(f"/technicians/{one.id}")["active"]
    assert [row["state"] for row in desk.visits()] == ["aborted", "planned"]


def test_a_level_is_a_gate_too(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    order = {"kind": "inspection", "title_zh": "查", "title_en": "look", "cabinet_id": "C1"}
    desk.dispatcher.post("/tickets", {**order, "skill": "lock", "level": 2})
    assert one.offers() == []
    expires = (desk.clock.now() + timedelta(days=90)).isoformat()
    exam = {"name": "locks, skilled", "skill": "lock", "level": 2, "expires_at": expires}
    desk.dispatcher.post(f"/technicians/{one.id}/qualifications", exam)
    desk.wait(301)
    assert len(one.offers()) == 1


def test_a_lapse_is_announced_thirty_and_seven_days_before(desk: Desk) -> None:
    desk.technician("li", ["door"])  # its examination counts for 90 days
    title = "A qualification lapses soon: li"

    def told() -> int:
        return desk.notices("role:dispatcher").count(title)

    desk.wait(59 * 86_400)
    assert told() == 0
    for days, times in ((1, 1), (22, 1), (1, 2), (6, 2)):
        desk.wait(days * 86_400, steps=2)
        assert told() == times


def test_a_qualification_renewed_in_time_is_not_announced(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    expires = (desk.clock.now() + timedelta(days=500)).isoformat()
    exam = {"name": "again", "expires_at": expires}
    desk.dispatcher.post(f"/technicians/{one.id}/qualifications", exam)
    desk.wait(85 * 86_400)
    assert "A qualification lapses soon: li" not in desk.notices("role:dispatcher")


def test_what_was_accepted_before_a_lapse_goes_to_others_after_it(desk: Desk) -> None:
    one = desk.technician("one", ["lock"], qualified=False)
    soon = (desk.clock.now() + timedelta(hours=1)).isoformat()
    path = f"/technicians/{one.id}/qualifications"
    desk.dispatcher.post(path, {"name": "exam", "expires_at": soon})
    other = desk.technician("other", ["lock"], north_degrees=0.2)
    urgent(desk)
    one.answer("accepted")
    desk.wait(3599)
    assert [row["state"] for row in desk.visits()] == ["accepted"]
    desk.wait(1)
    assert [row["state"] for row in desk.visits()] == ["aborted", "offered"]
    assert len(other.offers()) == 1
