"""P-10: one ticket for a silent site, whatever stands already, and no storm of them by bad 4G."""

from typing import Any

import pytest

from fleet_server.auth.rules import Role
from fleet_server.ingest.events import CabinetFellSilent, CabinetHeardAgain
from tests.desk import Desk, Technician

HOUR = 3600.0
DELAY = 900.0
"""`site_silent_seconds` of the strict policy."""


def fall_silent(desk: Desk, *cabinets: str) -> None:
    for one in cabinets:
        desk.announce(CabinetFellSilent(one, desk.site.id, desk.clock.now()))


def speak(desk: Desk, *cabinets: str) -> None:
    for one in cabinets:
        desk.announce(CabinetHeardAgain(one, desk.site.id))


def drop(desk: Desk, seconds: float, then: float = 60.0) -> None:
    """One silence of C1, and a while of speaking after it."""
    fall_silent(desk, "C1")
    desk.wait(seconds)
    speak(desk, "C1")
    desk.wait(then)


def silences(desk: Desk) -> list[dict[str, Any]]:
    """Episodes of all cabinets, oldest first."""
    found: list[dict[str, Any]] = desk.viewer.get("/faults")["items"]
    return found[::-1]


def who_is_in(ticket: dict[str, Any]) -> list[str]:
    return sorted(fault["cabinet_id"] for fault in ticket["faults"])


def go_there(desk: Desk) -> tuple[Technician, str]:
    """A technician accepts the site's visit and checks in."""
    one = desk.technician("li", ["connectivity"])
    fall_silent(desk, "C1")
    desk.wait(DELAY)
    one.answer("accepted")
    (visit,) = desk.visits()
    one.go(visit["id"])
    return one, visit["id"]


def resolve(desk: Desk) -> str:
    """The visit is done and the service record written, while C1 is still silent."""
    one, visit_id = go_there(desk)
    ticket_id: str = desk.ticket()["id"]
    desk.record(ticket_id, one.phone)
    one.phone.post(f"/visits/{visit_id}/transitions", {"to": "done"})
    return ticket_id


def test_what_falls_silent_while_somebody_is_at_work_joins_the_ticket(desk: Desk) -> None:
    desk.add_cabinet("C2")
    go_there(desk)
    fall_silent(desk, "C2")
    desk.wait(DELAY)
    ticket = desk.ticket()
    assert (ticket["state"], who_is_in(ticket)) == ("in_progress", ["C1", "C2"])


@pytest.mark.parametrize("cabinet", ["C1", "C2"])
def test_a_silence_before_the_ticket_is_closed_reopens_it(desk: Desk, cabinet: str) -> None:
    desk.add_cabinet("C2")
    ticket_id = resolve(desk)
    speak(desk, "C1")
    assert desk.ticket()["state"] == "verified"
    fall_silent(desk, cabinet)
    desk.wait(DELAY)
    ticket = desk.ticket()
    assert (ticket["id"], ticket["priority"]) == (ticket_id, "P1")
    assert "reopened" in [row["after"] for row in ticket["history"]]
    assert who_is_in(ticket) == ["C1", cabinet]


@pytest.mark.parametrize(("cabinet", "priority"), [("C1", "P1"), ("C2", "P2")])
def test_a_repair_that_did_not_last_is_repeated_with_raised_priority(
    desk: Desk, cabinet: str, priority: str
) -> None:
    """Of the same cabinet within 30 days; another one of the site is no repeat."""
    desk.add_cabinet("C2")
    first = resolve(desk)
    speak(desk, "C1")
    desk.wait(80 * HOUR)
    assert desk.ticket()["state"] == "closed"
    fall_silent(desk, cabinet)
    desk.wait(DELAY)
    _, second = desk.tickets()
    assert second["priority"] == priority
    assert second["repeat_of"] == (first if cabinet == "C1" else None)


def test_short_silences_open_no_ticket_and_tell_nobody_but_are_recorded_as_flapping(
    desk: Desk,
) -> None:
    one = desk.technician("li", ["connectivity"])
    for _ in range(5):
        drop(desk, 120.0)
    assert (desk.tickets(), one.offers(), desk.notices(desk.audience_of(one))) == ([], [], [])
    found = silences(desk)
    assert [fault["state"] for fault in found] == ["cleared"] * 5
    assert [fault["count"] for fault in found] == [1, 2, 3, 4, 5]
    assert ["flapping" in fault["reading"] for fault in found] == [False] * 3 + [True] * 2


def test_silences_an_hour_apart_do_not_flap(desk: Desk) -> None:
    for _ in range(5):
        drop(desk, 120.0, then=HOUR)
    assert [fault["count"] for fault in silences(desk)] == [1] * 5


def test_a_long_silence_of_a_flapping_cabinet_stands_until_it_was_heard_for_an_hour(
    desk: Desk,
) -> None:
    one = desk.technician("li", ["connectivity"])
    for _ in range(3):
        drop(desk, 120.0)
    drop(desk, 1000.0)
    one.answer("accepted")
    for _ in range(3):
        drop(desk, 1000.0, then=300.0)
    ticket = desk.ticket()
    assert (ticket["state"], len(ticket["faults"])) == ("scheduled", 4)
    assert len(desk.notices(desk.audience_of(one))) == 1
    desk.wait(HOUR - 310.0)
    assert desk.ticket()["state"] != "closed"
    desk.wait(20.0)
    assert (desk.ticket()["state"], desk.ticket()["reason"]) == ("closed", "self_cleared")


def test_a_cabinet_away_for_twenty_minutes_again_and_again_has_two_tickets_and_not_one_each_time(
    desk: Desk,
) -> None:
    """The first closes by itself, as any fault; from the second on the site counts as unsteady."""
    for _ in range(8):
        drop(desk, 1200.0)
    assert [ticket["state"] for ticket in desk.tickets()] == ["triaged", "closed"][::-1]
    assert len(silences(desk)) == 8


def test_a_steady_neighbour_does_not_close_the_ticket_of_a_flapping_cabinet(desk: Desk) -> None:
    desk.add_cabinet("C2")
    for _ in range(3):
        drop(desk, 120.0)
    fall_silent(desk, "C1", "C2")
    desk.wait(DELAY)
    speak(desk, "C1")
    speak(desk, "C2")
    assert desk.ticket()["state"] == "triaged"


def test_a_ticket_of_a_site_with_a_retired_cabinet_is_left_to_people(desk: Desk) -> None:
    """Retiring ends the episode by hand: nothing proves that the site is well."""
    fall_silent(desk, "C1")
    desk.wait(DELAY)
    retiring = {"to": "retired", "reason": "sold"}
    desk.api.as_(Role.ADMIN).post("/cabinets/C1/transitions", retiring)
    desk.wait(2 * HOUR)
    assert desk.ticket()["state"] == "triaged"
