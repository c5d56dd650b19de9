"""A muted cabinet's faults are recorded and wait; those of severity C and recalls do not."""

from datetime import timedelta

from fleet_server.auth.rules import Role
from fleet_server.ingest.events import CabinetFellSilent
from protocol.faults import Severity
from tests.desk import Desk


def mute(desk: Desk, minutes: float) -> None:
    until = (desk.clock.now() + timedelta(minutes=minutes)).isoformat()
    order = {"muted_until": until, "reason": "cleaning day"}
    answer = desk.api.as_(Role.ADMIN)._client.patch("/api/v1/cabinets/C1", json=order)
    assert answer.is_success, answer.text


def faults(desk: Desk) -> list[str]:
    return [one["state"] for one in desk.viewer.get("/faults")["items"]]


def test_a_fault_of_a_muted_cabinet_is_recorded_and_nobody_is_bothered(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    mute(desk, minutes=60)
    desk.raise_fault()
    desk.wait(3000, steps=3)
    assert (faults(desk), desk.tickets(), one.offers()) == (["active"], [], [])
    assert desk.notices("role:operator") == []


def test_what_still_stands_when_the_muting_ends_opens_its_ticket_once(desk: Desk) -> None:
    mute(desk, minutes=60)
    desk.raise_fault("f1")
    desk.raise_fault("f2", "COMPRESSOR_FAIL", Severity.M)
    desk.clear_fault("f1")
    desk.wait(3599)
    assert desk.tickets() == []
    desk.wait(10, steps=3)
    (ticket,) = desk.tickets()
    assert [fault["id"] for fault in desk.ticket()["faults"]] == ["f2"]
    assert ticket["cabinet_id"] == "C1"
    assert desk.viewer.get("/cabinets/C1")["muted_until"] is None


def test_a_fault_of_severity_c_is_never_muted(desk: Desk) -> None:
    mute(desk, minutes=60)
    desk.raise_fault(severity=Severity.C)
    assert [one["priority"] for one in desk.tickets()] == ["P1"]


def test_a_muted_fault_that_becomes_severe_opens_its_ticket(desk: Desk) -> None:
    mute(desk, minutes=60)
    desk.raise_fault()
    assert desk.tickets() == []
    desk.raise_fault(severity=Severity.C, event="fault.repeated")
    assert [one["priority"] for one in desk.tickets()] == ["P1"]


def test_a_ticket_that_stands_is_not_joined_while_the_cabinet_is_muted(desk: Desk) -> None:
    desk.raise_fault("f1")
    mute(desk, minutes=60)
    desk.raise_fault("f2")
    assert [fault["id"] for fault in desk.ticket()["faults"]] == ["f1"]


def test_a_muted_cabinet_that_falls_silent_opens_its_site_ticket_after_the_muting(
    desk: Desk,
) -> None:
    mute(desk, minutes=600)
    desk.announce(CabinetFellSilent("C1", desk.site.id, desk.clock.now()))
    desk.wait(590 * 60, steps=2)
    assert desk.tickets() == []
    desk.wait(11 * 60, steps=2)
    assert len(desk.tickets()) == 1


def test_another_cabinet_of_the_site_is_not_muted(desk: Desk) -> None:
    desk.add_cabinet("C2")
    mute(desk, minutes=60)
    desk.raise_fault(cabinet_id="C2")
    assert [one["cabinet_id"] for one in desk.tickets()] == ["C2"]


def test_an_instant_that_has_passed_ends_the_muting(desk: Desk) -> None:
    mute(desk, minutes=60)
    desk.raise_fault()
    mute(desk, minutes=-1)
    desk.sweep()
    assert len(desk.tickets()) == 1
