"""Shifts and absences: the impossible is refused with its reason, and visits follow."""

from datetime import timedelta
from typing import Any

import pytest

from fleet_server.auth.rules import Role
from fleet_server.dispatch.models import Visit
from protocol.faults import Severity
from tests.desk import Desk, Technician


def span(desk: Desk, first_hour: float, last_hour: float) -> dict[str, Any]:
    now = desk.clock.now()
    return {
        "starts_at": (now + timedelta(hours=first_hour)).isoformat(),
        "ends_at": (now + timedelta(hours=last_hour)).isoformat(),
    }


def path(one: Technician) -> str:
    return f"/technicians/{one.id}"


FREE = 72
"""Hours from now on that no shift of a test's technician covers."""


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (FREE + 4, FREE + 4, "after it starts"),
        (FREE, FREE + 16.1, "at most 16 h"),
        (-9, -1, "wholly in the past"),
        (11, 13, "overlaps the shift"),
    ],
)
def test_a_shift_nobody_can_work_is_refused_with_the_reason(
    desk: Desk, first: float, last: float, reason: str
) -> None:
    one = desk.technician("li", ["door"])
    before = desk.viewer.get(f"{path(one)}/shifts")
    answer = desk.dispatcher.try_post(f"{path(one)}/shifts", span(desk, first, last))
    assert answer.status_code == 422
    assert reason in answer.json()["reason"]
    assert desk.viewer.get(f"{path(one)}/shifts") == before


def test_breaks_lie_inside_their_shift_and_apart(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    shift = span(desk, FREE, FREE + 8)
    noon, overlapping = span(desk, FREE + 4, FREE + 5), span(desk, FREE + 4.5, FREE + 6)
    for breaks in ([noon, overlapping], [span(desk, FREE + 7, FREE + 9)]):
        answer = desk.dispatcher.try_post(f"{path(one)}/shifts", {**shift, "breaks": breaks})
        assert (answer.status_code, answer.json()["field"]) == (422, "breaks")
    made = desk.dispatcher.post(f"{path(one)}/shifts", {**shift, "breaks": [noon]})
    assert len(made["breaks"]) == 1
    assert made["actions"] == ["remove"]


def test_nobody_is_asked_in_a_break(desk: Desk) -> None:
    one = desk.technician("li", ["lock"])
    desk.clock.advance(FREE * 3600)
    shift = {**span(desk, 0, 8), "breaks": [span(desk, 0, 0.5)]}
    desk.dispatcher.post(f"{path(one)}/shifts", shift)
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    assert one.offers() == []
    desk.wait(1801)
    assert len(one.offers()) == 1


def test_only_a_shift_that_has_not_begun_is_taken_back(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    newest, *_, oldest = desk.viewer.get(f"{path(one)}/shifts")["items"]
    desk.clock.advance(1)
    assert desk.dispatcher.try_delete(f"{path(one)}/shifts/{oldest['id']}").status_code == 409
    assert one.phone.try_delete(f"{path(one)}/shifts/{newest['id']}").status_code == 403
    assert desk.dispatcher.try_delete(f"{path(one)}/shifts/{newest['id']}").status_code == 204
    assert desk.dispatcher.try_delete(f"{path(one)}/shifts/{newest['id']}").status_code == 404
    other = desk.technician("wu", ["door"])
    assert desk.dispatcher.try_delete(f"{path(other)}/shifts/{oldest['id']}").status_code == 404


def test_an_absence_names_the_visits_it_takes_and_others_are_asked(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    other = desk.technician("other", ["lock"], north_degrees=0.2)
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    (visit,) = desk.visits()
    noted = one.phone.post(f"{path(one)}/absences", {**span(desk, 0, 4), "reason": "ill"})
    assert noted["visit_ids"] == [visit["id"]]
    assert noted["actions"] == ["remove"]
    assert (one.offers(), len(other.offers())) == ([], 1)
    assert desk.ticket()["owner"] == "role:dispatcher"
    assert "Visits go to others: one" in desk.notices("role:dispatcher")
    repeated = desk.dispatcher.get(f"{path(one)}/absences")["items"]
    assert repeated[0]["visit_ids"] == [visit["id"]]


def test_an_absence_withdraws_an_offer_and_leaves_alone_who_is_on_site(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    harbour = desk.add_site("Harbour", "C2")
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    (first,) = desk.visits()
    one.go(first["id"])
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C, "C2")
    assert len(one.offers()) == 1
    noted = one.phone.post(f"{path(one)}/absences", span(desk, 0, 8))
    shown = {visit["site_id"]: visit for visit in desk.visits()}
    assert set(noted["visit_ids"]) == {visit["id"] for visit in shown.values()}
    assert shown[first["site_id"]]["state"] == "on_site"
    assert (shown[harbour.id]["state"], shown[harbour.id]["technician_id"]) == ("planned", None)


def test_an_absence_under_way_ends_and_one_to_come_goes(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    running = one.phone.post(f"{path(one)}/absences", span(desk, 0, 8))
    later = one.phone.post(f"{path(one)}/absences", span(desk, 24, 32))
    desk.clock.advance(3600)
    for absence in (running, later):
        assert one.phone.try_delete(f"{path(one)}/absences/{absence['id']}").status_code == 204
    (left,) = desk.viewer.get(f"{path(one)}/absences")["items"]
    assert left["ends_at"] == desk.clock.now().isoformat().replace("+00:00", "Z")
    assert one.phone.try_delete(f"{path(one)}/absences/{running['id']}").status_code == 409
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    assert len(one.offers()) == 1


def test_a_shift_taken_back_gives_its_visits_to_others(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    shifts = desk.viewer.get(f"{path(one)}/shifts")["items"]
    with desk.server.transactions.write("system:test") as tx:
        # As the plan would be had the visit waited for the last shift.
        visit = tx.session.get_one(Visit, desk.visits()[0]["id"])
        visit.planned_arrival_at = tx.now + timedelta(hours=65)
    desk.dispatcher.try_delete(f"{path(one)}/shifts/{shifts[0]['id']}")
    assert [visit["state"] for visit in desk.visits()] == ["aborted", "offered"]


def test_a_dispatcher_of_elsewhere_plans_nobody_here(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    local = desk.api.as_(Role.DISPATCHER, site="elsewhere", name="local")
    assert local.try_post(f"{path(one)}/shifts", span(desk, FREE, FREE + 8)).status_code == 403
    assert local.try_patch(path(one), {"active": False}).status_code == 403
    assert local.try_post("/technicians/nobody/shifts", span(desk, 1, 2)).status_code == 404
