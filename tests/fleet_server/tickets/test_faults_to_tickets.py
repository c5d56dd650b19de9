"""Which fault opens, joins, escalates or closes which ticket."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from fleet_server.faults.rules import FaultSource, kind_of
from fleet_server.ingest.events import CabinetFellSilent, CabinetHeardAgain, EventUnreadable
from fleet_server.tickets.models import TicketFault
from fleet_server.tickets.rules import TicketKind, plan_for
from protocol.events import ClearedBy
from protocol.faults import CATALOGUE, Severity, TicketPolicy
from tests.desk import Desk


@pytest.mark.parametrize("code", CATALOGUE)
def test_each_code_of_the_catalogue_opens_what_the_design_says(code: str) -> None:
    kind = CATALOGUE[code]
    source = FaultSource.SERVER if kind.detected_by == "server" else FaultSource.CABINET
    plan = plan_for(kind, kind.severity, source)
    if kind.ticket in {TicketPolicy.RECALL_REMOVAL, TicketPolicy.SITE}:
        assert plan is None
    elif kind.severity in {Severity.C, Severity.M}:
        assert plan is not None
    elif kind.severity is Severity.I:
        assert plan is None
    if plan is not None:
        assert plan.waits is (plan.kind is TicketKind.FAULT and kind.severity is Severity.M)
        assert plan.needs_visit is (plan.kind is not TicketKind.INSPECTION)


def test_an_unknown_code_opens_an_m_ticket_with_a_visit() -> None:
    plan = plan_for(kind_of("NEW", "x"), Severity.M, FaultSource.CABINET)
    assert plan is not None
    assert (plan.kind, plan.waits) == (TicketKind.FAULT, True)


def test_an_m_fault_that_clears_by_itself_closes_its_ticket_and_nobody_is_asked(
    desk: Desk,
) -> None:
    one = desk.technician("li", ["door"])
    desk.raise_fault()
    desk.wait(800)
    desk.clear_fault()
    desk.wait(200)
    ticket = desk.ticket()
    assert (ticket["state"], ticket["reason"]) == ("closed", "self_cleared")
    assert one.phone.get("/offers")["items"] == []
    assert all(clock["met"] for clock in ticket["clocks"])


def test_a_scheduled_visit_is_called_off_when_the_fault_clears_by_itself(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    desk.raise_fault()
    desk.wait(900)
    one.answer("accepted")
    desk.clear_fault()
    assert desk.ticket()["reason"] == "self_cleared"
    (visit,) = desk.visits()
    assert visit["state"] == "aborted"
    assert desk.notices(desk.audience_of(one))[-1] == "Visit called off"


def test_a_fault_cleared_by_hand_leaves_the_ticket_to_its_record(desk: Desk) -> None:
    desk.raise_fault()
    desk.clear_fault(by=ClearedBy.ONSITE)
    assert desk.ticket()["state"] == "new"


def test_a_c_fault_is_offered_at_once_and_never_closes_by_itself(desk: Desk) -> None:
    one = desk.technician("li", ["lock"])
    desk.raise_fault(code="LOCK_NOT_LATCHED", severity=Severity.C)
    assert len(one.offers()) == 1
    ticket = desk.ticket()
    assert (ticket["priority"], ticket["state"]) == ("P1", "triaged")
    assert {clock["name"] for clock in ticket["clocks"]} == {
        "first_response",
        "acknowledge",
        "arrival",
        "arrival_contract",
        "resolution",
    }
    desk.clear_fault()
    assert desk.ticket()["state"] == "triaged"


def test_n_and_i_faults_open_no_ticket(desk: Desk) -> None:
    desk.raise_fault("f1", "TEMP_TREND", Severity.N)
    desk.raise_fault("f2", "DOOR_EXCESS", Severity.I)
    desk.raise_fault("f3", "RECALL_LOCK", Severity.C)
    assert desk.tickets() == []


def test_an_n_fault_is_shown_with_the_next_visit_of_its_site(desk: Desk) -> None:
    one = desk.technician("li", ["door"])
    desk.raise_fault("n1", "TEMP_TREND", Severity.N)
    desk.raise_fault("f1", "DOOR_FORCED", Severity.C)
    (offer,) = one.offers()
    visit = one.phone.get(f"/visits/{offer['visit_id']}")
    assert [fault["id"] for fault in visit["faults"]] == ["n1", "f1"]


def test_a_second_fault_of_the_component_joins_and_one_of_another_does_not(desk: Desk) -> None:
    desk.raise_fault("f1", "TEMP_HIGH")
    desk.raise_fault("f2", "COMPRESSOR_FAIL")
    desk.raise_fault("f3", "LOCK_OPEN_FAIL")
    linked = {}
    for ticket in desk.tickets():
        shown = desk.viewer.get(f"/tickets/{ticket['id']}")
        linked[ticket["component"]] = [fault["id"] for fault in shown["faults"]]
    assert linked == {"refrigeration": ["f1", "f2"], "lock": ["f3"]}


def test_a_graver_fault_that_joins_makes_the_ticket_urgent_at_once(desk: Desk) -> None:
    one = desk.technician("li", ["refrigeration"])
    desk.raise_fault("f1", "TEMP_HIGH")
    assert one.offers() == []
    desk.raise_fault("f2", "TEMP_SAFETY_HOLD", Severity.C)
    ticket = desk.ticket()
    assert (ticket["priority"], ticket["severity"], ticket["state"]) == ("P1", "C", "triaged")
    assert len(one.offers()) == 1
    targets = {clock["name"]: clock["target_seconds"] for clock in ticket["clocks"]}
    assert targets["arrival"] == 24 * 3600
    assert targets["arrival_contract"] == 4 * 3600


def test_a_severity_that_rises_escalates_the_ticket(desk: Desk) -> None:
    desk.raise_fault()
    desk.raise_fault(severity=Severity.C, event="fault.repeated")
    assert desk.ticket()["priority"] == "P1"


def test_an_n_fault_that_becomes_m_opens_its_ticket(desk: Desk) -> None:
    desk.raise_fault(code="TEMP_TREND", severity=Severity.N)
    desk.raise_fault(code="TEMP_TREND", severity=Severity.M, event="fault.repeated")
    assert desk.ticket()["kind"] == "fault"


def test_empty_and_expired_slots_make_one_refill_check_of_the_cabinet(desk: Desk) -> None:
    desk.raise_fault("f1", "SLOT_EMPTY", Severity.M)
    desk.raise_fault("f2", "EXPIRY_LOCK", Severity.C)
    desk.raise_fault("f3", "SLOT_LOW", Severity.N)
    ticket = desk.ticket()
    assert (ticket["kind"], ticket["priority"]) == ("refill_check", "P2")
    assert [fault["id"] for fault in ticket["faults"]] == ["f1", "f2"]


def test_silent_cabinets_of_one_site_make_one_ticket_after_the_delay(desk: Desk) -> None:
    for number in (2, 3):
        desk.add_cabinet(f"C{number}")
    now = desk.clock.now()
    for number in (1, 2):
        desk.announce(CabinetFellSilent(f"C{number}", desk.site.id, now))
    desk.wait(890)
    assert desk.tickets() == []
    desk.wait(10)
    desk.announce(CabinetFellSilent("C3", desk.site.id, desk.clock.now()))
    desk.wait(900)
    ticket = desk.ticket()
    assert (ticket["cabinet_id"], ticket["component"]) == (None, "connectivity")
    assert {fault["cabinet_id"] for fault in ticket["faults"]} == {"C1", "C2", "C3"}
    for number in (1, 2):
        desk.announce(CabinetHeardAgain(f"C{number}", desk.site.id))
    assert desk.ticket()["state"] == "triaged"
    desk.announce(CabinetHeardAgain("C3", desk.site.id))
    assert desk.ticket()["reason"] == "self_cleared"


def test_a_short_silence_makes_no_ticket(desk: Desk) -> None:
    desk.announce(CabinetFellSilent("C1", desk.site.id, desk.clock.now()))
    desk.wait(600)
    desk.announce(CabinetHeardAgain("C1", desk.site.id))
    desk.wait(900)
    assert desk.tickets() == []


def test_unreadable_events_of_a_cabinet_make_one_ticket_for_the_operator(desk: Desk) -> None:
    for number in (1, 2):
        desk.announce(EventUnreadable("C1", desk.site.id, f"d{number}", "sale.completed", "bad"))
    ticket = desk.ticket()
    assert (ticket["kind"], ticket["origin_id"], ticket["owner"]) == (
        "inspection",
        "d1",
        "role:operator",
    )


def test_a_fault_that_comes_back_before_verification_reopens_with_raised_priority(
    desk: Desk,
) -> None:
    ticket_id = desk.resolved_ticket()
    desk.raise_fault("f2")
    ticket = desk.viewer.get(f"/tickets/{ticket_id}")
    assert ticket["priority"] == "P1"
    assert "reopened" in [row["after"] for row in ticket["history"]]
    arrivals = [clock for clock in ticket["clocks"] if clock["name"] == "arrival"]
    assert [clock["met"] for clock in arrivals] == [True, None]


def test_a_repeat_within_thirty_days_is_a_new_ticket_with_link_and_raised_priority(
    desk: Desk,
) -> None:
    first = desk.closed_ticket()
    due = {clock["name"]: clock["due_at"] for clock in first["clocks"]}
    desk.clock.advance(timedelta(days=29).total_seconds())
    desk.raise_fault("f2")
    second = desk.tickets()[-1]
    assert (second["repeat_of"], second["priority"]) == (first["id"], "P1")
    again = desk.viewer.get(f"/tickets/{first['id']}")
    assert {clock["name"]: clock["due_at"] for clock in again["clocks"]} == due


def test_what_comes_back_after_thirty_days_or_after_clearing_by_itself_is_no_repeat(
    desk: Desk,
) -> None:
    desk.closed_ticket()
    desk.clock.advance(timedelta(days=31).total_seconds())
    desk.raise_fault("f2")
    desk.clear_fault("f2")
    desk.raise_fault("f3")
    assert [ticket["repeat_of"] for ticket in desk.tickets()] == [None, None, None]
    assert desk.tickets()[-1]["priority"] == "P2"


def test_a_fault_is_never_linked_twice(desk: Desk) -> None:
    desk.raise_fault()
    desk.raise_fault(event="fault.repeated")
    with desk.server.transactions.read() as tx:
        assert len(tx.session.scalars(select(TicketFault)).all()) == 1


def test_an_episode_that_begins_again_under_its_old_id_reopens_its_ticket_once(desk: Desk) -> None:
    """A cabinet whose store was put back to an older copy reports the same episode again."""
    ticket_id = desk.resolved_ticket()
    desk.clear_fault()
    assert desk.viewer.get(f"/tickets/{ticket_id}")["state"] == "verified"
    desk.raise_fault()
    desk.raise_fault()
    ticket = desk.viewer.get(f"/tickets/{ticket_id}")
    assert [fault["id"] for fault in ticket["faults"]] == ["f1"]
    moves = [row["after"] for row in ticket["history"] if row["what"] == "moved"]
    assert moves.count("reopened") == 1
