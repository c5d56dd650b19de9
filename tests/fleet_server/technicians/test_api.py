"""Routes of technicians: shapes, rights, repeats."""

from datetime import timedelta

from fleet_server.auth.rules import Role
from tests.desk import SHIFTS, Desk

ORDER = {"name": "Li", "skills": ["door"], "home_latitude": 31.0, "home_longitude": 121.0}


def test_only_a_dispatcher_adds_technicians(desk: Desk) -> None:
    refused = desk.viewer.try_post("/technicians", ORDER)
    assert refused.status_code == 403
    assert desk.viewer.get("/technicians")["items"] == []


def test_the_same_key_makes_one_technician(desk: Desk) -> None:
    first = desk.dispatcher.post("/technicians", ORDER, key="k1")
    again = desk.dispatcher.post("/technicians", ORDER, key="k1")
    assert first == again
    assert len(desk.viewer.get("/technicians")["items"]) == 1


def test_a_person_is_one_technician_only(desk: Desk) -> None:
    user_id = desk.viewer.get("/session")["user_id"]
    desk.dispatcher.post("/technicians", {**ORDER, "user_id": user_id})
    assert (
        desk.dispatcher.try_post("/technicians", {**ORDER, "user_id": user_id}).status_code == 409
    )
    assert desk.dispatcher.try_post("/technicians", {**ORDER, "user_id": "x"}).status_code == 404


def test_a_shift_that_ends_before_it_begins_is_refused(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    now = desk.clock.now()
    shift = {"starts_at": now.isoformat(), "ends_at": (now - timedelta(1)).isoformat()}
    refused = desk.dispatcher.try_post(f"/technicians/{one.id}/shifts", shift)
    assert refused.status_code == 422
    assert len(desk.viewer.get(f"/technicians/{one.id}/shifts")["items"]) == SHIFTS


def test_the_same_shift_twice_is_a_conflict(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    shift = desk.viewer.get(f"/technicians/{one.id}/shifts")["items"][0]
    same = {"starts_at": shift["starts_at"], "ends_at": shift["ends_at"]}
    assert desk.dispatcher.try_post(f"/technicians/{one.id}/shifts", same).status_code == 409


def test_technicians_note_their_own_absence_and_nobody_elses(desk: Desk) -> None:
    one, other = desk.technician("li", ["door"]), desk.technician("wu", ["door"])
    now = desk.clock.now()
    away = {
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=4)).isoformat(),
        "reason": "ill",
    }
    one.phone.post(f"/technicians/{one.id}/absences", away)
    refused = one.phone.try_post(f"/technicians/{other.id}/absences", away)
    assert refused.status_code == 403
    shown = desk.viewer.get(f"/technicians/{one.id}/absences")["items"]
    assert [absence["reason"] for absence in shown] == ["ill"]


def test_a_qualification_stands_with_its_expiry(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    (held,) = desk.viewer.get(f"/technicians/{one.id}/qualifications")["items"]
    assert held["name"] == "on-post exam"
    assert held["skill"] is None


def test_a_dispatcher_of_a_site_manages_no_technicians_of_everywhere(desk: Desk) -> None:
    local = desk.api.as_(Role.DISPATCHER, site=desk.site.id, name="local")
    assert local.try_post("/technicians", ORDER).status_code == 403
    one = desk.technician("li", ["door"])
    assert local.get(f"/technicians/{one.id}")["actions"] == []


def test_an_unknown_field_or_technician_is_said_clearly(desk: Desk) -> None:
    assert desk.dispatcher.try_post("/technicians", {**ORDER, "age": 4}).status_code == 422
    assert desk.viewer.try_get("/technicians/nobody").status_code == 404
