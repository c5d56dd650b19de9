"""The walk from a door left open to a closed ticket, at the desk and at the phones."""

from tests.desk import Desk


def test_a_door_fault_walks_to_a_closed_ticket_with_every_clock_met(desk: Desk) -> None:
    near = desk.technician("near", ["door"])
    far = desk.technician("far", ["door"], north_degrees=0.2)
    desk.raise_fault()
    assert desk.ticket()["state"] == "new"
    desk.wait(720)
    assert desk.ticket()["state"] == "triaged"
    assert near.offers() == []
    desk.wait(180)
    desk.wait(1)
    near.answer("declined")
    far.answer("accepted")
    assert desk.ticket()["state"] == "scheduled"
    (visit,) = desk.visits()
    desk.wait(1200)
    far.go(visit["id"])
    assert desk.ticket()["state"] == "in_progress"
    desk.clear_fault()
    desk.record(desk.ticket()["id"], far.phone)
    far.phone.post(f"/visits/{visit['id']}/transitions", {"to": "done"})
    ticket = desk.ticket()
    assert ticket["state"] == "verified"
    follow_up = {"to": "closed", "follow_up": "site is content"}
    desk.supervisor.post(f"/tickets/{ticket['id']}/transitions", follow_up)
    ticket = desk.ticket()
    moves = [row["after"] for row in ticket["history"] if row["what"] in {"opened", "moved"}]
    assert moves == [
        "new",
        "triaged",
        "scheduled",
        "in_progress",
        "resolved",
        "verified",
        "closed",
    ]
    assert {clock["name"]: clock["met"] for clock in ticket["clocks"]} == {
        "acknowledge": True,
        "first_response": True,
        "arrival": True,
        "resolution": True,
    }
    offers = far.phone.get(f"/visits/{visit['id']}")["offers"]
    assert [offer["state"] for offer in offers] == ["declined", "accepted"]
    assert [row["taker"] for row in ticket["hand_overs"]] == [
        "role:dispatcher",
        desk.audience_of(far),
    ]
