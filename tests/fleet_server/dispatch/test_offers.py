"""Offers: who is asked, in which order, and what happens to silence."""

from datetime import datetime, timedelta

from protocol.faults import Severity
from tests.desk import Desk


def urgent(desk: Desk, fault: str = "f1") -> None:
    desk.raise_fault(fault, "LOCK_NOT_LATCHED", Severity.C)


def states(desk: Desk) -> list[str]:
    (visit,) = desk.visits()
    return [offer["state"] for offer in desk.viewer.get(f"/visits/{visit['id']}")["offers"]]


def test_silence_until_the_deadline_asks_the_next_one(desk: Desk) -> None:
    near = desk.technician("near", ["lock"])
    far = desk.technician("far", ["lock"], north_degrees=0.2)
    urgent(desk)
    assert (len(near.offers()), len(far.offers())) == (1, 0)
    desk.wait(299)
    assert len(near.offers()) == 1
    desk.wait(1)
    assert (len(near.offers()), len(far.offers())) == (0, 1)
    assert states(desk) == ["expired", "offered"]


def test_the_deadline_follows_the_priority(desk: Desk) -> None:
    one = desk.technician("one", ["lock", "door"])
    desk.add_site("Harbour", "C2")
    urgent(desk)
    desk.raise_fault("f2", cabinet_id="C2")
    desk.wait(299)
    one.answer("accepted")
    desk.wait(601)
    (offer,) = one.offers()
    begun, deadline = (datetime.fromisoformat(offer[key]) for key in ("offered_at", "deadline"))
    assert deadline - begun == timedelta(minutes=15)


def test_who_is_not_qualified_not_skilled_off_shift_or_away_is_never_asked(desk: Desk) -> None:
    desk.technician("unqualified", ["lock"], qualified=False)
    desk.technician("unskilled", ["payment"])
    away = desk.technician("away", ["lock"])
    now = desk.clock.now()
    span = {
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=9)).isoformat(),
    }
    desk.dispatcher.post(f"/technicians/{away.id}/absences", span)
    urgent(desk)
    (visit,) = desk.visits()
    assert visit["state"] == "planned"
    assert desk.viewer.get(f"/visits/{visit['id']}")["offers"] == []


def test_with_nobody_to_send_the_dispatcher_hears_it_once_and_asking_goes_on(
    desk: Desk,
) -> None:
    urgent(desk)
    desk.wait(900, steps=3)
    titles = desk.notices("role:dispatcher")
    assert titles.count("Nobody to send") == 1
    late = desk.technician("late", ["lock"])
    assert late.offers() == []
    desk.wait(300)
    assert len(late.offers()) == 1


def test_a_lapsed_qualification_closes_the_gate(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.clock.advance(timedelta(days=1).total_seconds())
    urgent(desk)
    assert len(one.offers()) == 1
    desk.clock.advance(timedelta(days=90).total_seconds())
    shift_from = desk.clock.now()
    shift = {
        "starts_at": shift_from.isoformat(),
        "ends_at": (shift_from + timedelta(hours=16)).isoformat(),
    }
    desk.dispatcher.post(f"/technicians/{one.id}/shifts", shift)
    desk.wait(1)
    desk.wait(301)
    assert one.offers() == []
    assert states(desk) == ["expired"]


def test_who_declined_is_left_in_peace_and_who_was_silent_is_asked_again(desk: Desk) -> None:
    silent = desk.technician("silent", ["lock"])
    busy = desk.technician("busy", ["lock"], north_degrees=0.2)
    urgent(desk)
    desk.wait(300)
    busy.answer("declined")
    desk.wait(300)
    assert (len(silent.offers()), busy.offers()) == (1, [])
    desk.wait(300)
    desk.wait(300)
    assert busy.offers() == []


def test_two_refusals_are_told_to_the_dispatcher(desk: Desk) -> None:
    for number in range(3):
        desk.technician(f"t{number}", ["lock"], north_degrees=0.01 * (number + 1))
    urgent(desk)
    desk.wait(300)
    assert "Refused repeatedly" not in desk.notices("role:dispatcher")
    desk.wait(300)
    assert desk.notices("role:dispatcher").count("Refused repeatedly") == 1


def test_a_supervisor_hears_when_the_arrival_is_nearly_due_and_nobody_accepted(
    desk: Desk,
) -> None:
    urgent(desk)
    desk.wait(3 * 3600)
    assert "Nobody has accepted, the arrival is nearly due" in desk.notices("role:supervisor")


def test_nobody_is_bothered_about_an_arrival_somebody_has_accepted(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    urgent(desk)
    one.answer("accepted")
    desk.wait(3 * 3600)
    assert "Nobody has accepted, the arrival is nearly due" not in desk.notices("role:supervisor")


def test_an_answer_counts_once_and_only_from_who_was_asked(desk: Desk) -> None:
    near = desk.technician("near", ["lock"])
    far = desk.technician("far", ["lock"], north_degrees=0.2)
    urgent(desk)
    (offer,) = near.offers()
    path = f"/offers/{offer['id']}/answer"
    assert far.phone.try_post(path, {"answer": "accepted"}).status_code == 403
    near.phone.post(path, {"answer": "accepted"})
    again = near.phone.try_post(path, {"answer": "declined"})
    assert (again.status_code, again.json()["type"][-14:]) == (409, "offer-answered")
    assert states(desk) == ["accepted"]


def test_two_taps_accept_or_decline_through_the_visit_too(desk: Desk) -> None:
    near = desk.technician("near", ["lock"])
    far = desk.technician("far", ["lock"], north_degrees=0.2)
    urgent(desk)
    (visit,) = near.phone.get("/visits")["items"]
    assert visit["actions"] == ["accepted", "declined"]
    near.phone.post(f"/visits/{visit['id']}/transitions", {"to": "declined"})
    far.phone.post(f"/visits/{visit['id']}/transitions", {"to": "accepted"})
    assert near.phone.get("/visits")["items"] == []
    assert states(desk) == ["declined", "accepted"]


def test_tickets_of_one_site_become_one_visit(desk: Desk) -> None:
    one = desk.technician("one", ["lock", "door"])
    desk.add_cabinet("C2")
    urgent(desk)
    one.answer("accepted")
    desk.raise_fault("f2", "DOOR_FORCED", Severity.C, "C2")
    (visit,) = desk.visits()
    assert len(visit["ticket_ids"]) == 2
    assert {ticket["state"] for ticket in desk.tickets()} == {"scheduled"}
    assert {ticket["owner"] for ticket in desk.tickets()} == {desk.audience_of(one)}
    assert "One more ticket in your visit" in desk.notices(desk.audience_of(one))


def test_work_the_technician_cannot_do_gets_a_visit_of_its_own(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    other = desk.technician("other", ["door"])
    urgent(desk)
    one.answer("accepted")
    desk.raise_fault("f2", "DOOR_FORCED", Severity.C)
    assert len(desk.visits()) == 2
    assert len(other.offers()) == 1


def test_an_urgent_ticket_does_not_wait_for_a_calm_visit(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_OPEN_FAIL")
    desk.wait(900)
    one.answer("accepted")
    desk.add_cabinet("C2")
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C, "C2")
    assert [visit["priority"] for visit in desk.visits()] == ["P2", "P1"]


def test_the_nearer_route_is_asked_and_the_plan_shows_both(desk: Desk) -> None:
    near = desk.technician("near", ["lock"])
    desk.technician("far", ["lock"], north_degrees=0.2)
    urgent(desk)
    plan = desk.dispatcher.get("/dispatch/plan")
    routes = {row["name"]: [visit["state"] for visit in row["visits"]] for row in plan["routes"]}
    assert routes == {"near": ["offered"], "far": []}
    near.answer("declined")
    assert desk.viewer.try_get("/dispatch/plan").status_code == 403


def test_a_replan_asks_at_once_for_what_nobody_could_take(desk: Desk) -> None:
    urgent(desk)
    late = desk.technician("late", ["lock"])
    plan = desk.dispatcher.get("/dispatch/plan")
    assert [row["technician_id"] for row in plan["unassigned"][0]["candidates"]] == [late.id]
    assert desk.dispatcher.post("/dispatch/replan") == {"asked": 1, "offered": 1}
    assert len(late.offers()) == 1
    assert late.phone.try_post("/dispatch/replan").status_code == 403


def test_a_region_keeps_a_technician_at_home(desk: Desk) -> None:
    local = desk.technician("local", ["lock"], region="west")
    urgent(desk)
    assert local.offers() == []
    assert local.phone.get("/visits")["items"] == []
