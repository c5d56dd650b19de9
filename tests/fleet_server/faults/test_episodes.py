"""Fault episodes: from cabinets, of the server's own finding, in whatever order they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.auth.rules import Role
from fleet_server.cabinets.events import CabinetRetired, DesiredCaughtUp, DesiredDrifted
from fleet_server.faults.errors import FaultRefusedError
from fleet_server.faults.handlers import on_cabinet_retired
from fleet_server.faults.rules import counted_severity, kind_of
from fleet_server.ingest.events import (
    CabinetFellSilent,
    CabinetHeardAgain,
    CabinetLooksCloned,
    JournalGapFound,
    OutboxWasReset,
)
from protocol.faults import CATALOGUE, Severity
from tests.desk import Desk


def test_an_episode_is_kept_with_its_history(desk: Desk) -> None:
    desk.raise_fault()
    desk.clock.advance(60)
    desk.raise_fault(severity=Severity.C, event="fault.repeated")
    desk.clock.advance(60)
    desk.clear_fault()
    fault = desk.viewer.get("/faults/f1")
    assert (fault["state"], fault["severity"], fault["cleared_by"]) == ("cleared", "C", "auto")
    assert [row["what"] for row in fault["history"]] == ["raised", "repeated", "cleared"]
    assert fault["title_zh"] == CATALOGUE["DOOR_OPEN_LONG"].title_zh


def test_an_unknown_code_is_kept_as_it_came_and_counts_as_m(desk: Desk) -> None:
    desk.raise_fault(code="GRAVITY_LOST", severity=Severity.N)
    fault = desk.viewer.get("/faults/f1")
    assert (fault["code"], fault["severity"], fault["component"]) == ("GRAVITY_LOST", "M", "door1")
    assert desk.ticket()["priority"] == "P2"


@given(st.sampled_from(Severity), st.text(max_size=20))
def test_an_unknown_code_never_counts_less_than_m_nor_less_than_reported(
    reported: Severity, code: str
) -> None:
    counted = counted_severity(code, reported)
    if code not in CATALOGUE:
        assert counted.rank <= Severity.M.rank
    assert counted.rank <= reported.rank
    assert kind_of(code, "part").component


def test_an_end_that_comes_before_its_beginning_ends_the_episode_all_the_same(
    desk: Desk,
) -> None:
    desk.clear_fault()
    desk.raise_fault()
    assert desk.viewer.get("/faults/f1")["state"] == "cleared"
    assert desk.ticket()["reason"] == "self_cleared"


def test_a_second_end_changes_nothing(desk: Desk) -> None:
    desk.raise_fault()
    desk.clear_fault()
    first = desk.viewer.get("/faults/f1")["cleared_at"]
    desk.clock.advance(60)
    desk.clear_fault()
    assert desk.viewer.get("/faults/f1")["cleared_at"] == first


def test_a_cabinet_cannot_touch_anothers_episode(desk: Desk) -> None:
    desk.add_site("Harbour", "C2")
    desk.raise_fault()
    with pytest.raises(FaultRefusedError):
        desk.raise_fault(cabinet_id="C2", event="fault.repeated")
    assert desk.viewer.get("/faults/f1")["count"] == 1


def test_an_id_that_is_too_long_is_refused(desk: Desk) -> None:
    with pytest.raises(FaultRefusedError):
        desk.raise_fault("x" * 81)
    assert desk.viewer.get("/faults")["items"] == []


def test_silence_begins_and_ends_an_episode(desk: Desk) -> None:
    since = desk.clock.now()
    desk.clock.advance(42)
    desk.announce(CabinetFellSilent("C1", desk.site.id, since))
    (fault,) = desk.viewer.get("/faults", state="active")["items"]
    assert (fault["code"], fault["source"]) == ("OFFLINE", "server")
    desk.announce(CabinetHeardAgain("C1", desk.site.id))
    assert desk.viewer.get("/faults", state="active")["items"] == []


FINDINGS = [
    (JournalGapFound("C1", "", "e1", 4, 9), "JOURNAL_GAP", "P2"),
    (OutboxWasReset("C1", "", "e1", "e2"), "OUTBOX_RESET", "P2"),
    (CabinetLooksCloned("C1", "", "two boots"), "CABINET_CLONED", "P1"),
]


@pytest.mark.parametrize(("fact", "code", "priority"), FINDINGS, ids=lambda value: str(value)[:14])
def test_what_the_server_finds_out_asks_the_desk_to_look(
    desk: Desk,
    fact: JournalGapFound | OutboxWasReset | CabinetLooksCloned,
    code: str,
    priority: str,
) -> None:
    desk.announce(type(fact)(**{**vars(fact), "site_id": desk.site.id}))
    desk.announce(type(fact)(**{**vars(fact), "site_id": desk.site.id}))
    (fault,) = desk.viewer.get("/faults", code=code)["items"]
    assert fault["count"] == 2
    ticket = desk.ticket()
    assert (ticket["kind"], ticket["needs_visit"], ticket["priority"]) == (
        "inspection",
        False,
        priority,
    )
    assert desk.visits() == []


def test_drift_ends_its_own_ticket_when_the_state_is_applied(desk: Desk) -> None:
    desk.announce(DesiredDrifted("C1", 4, "not applied"))
    assert desk.ticket()["priority"] == "P3"
    desk.announce(DesiredCaughtUp("C1", 4))
    assert desk.ticket()["reason"] == "self_cleared"


def test_lists_are_filtered_and_limited_to_the_callers_sites(desk: Desk) -> None:
    other = desk.add_site("Harbour", "C2")
    desk.raise_fault()
    desk.raise_fault("f2", "TEMP_TREND", Severity.N, "C2")
    local = desk.api.as_(Role.VIEWER, site=other.id, name="local")
    assert [fault["id"] for fault in local.get("/faults")["items"]] == ["f2"]
    assert local.try_get("/faults/f1").status_code == 403
    by_severity = desk.viewer.get("/faults", severity="N")["items"]
    assert [fault["id"] for fault in by_severity] == ["f2"]
    later = desk.clock.now().isoformat()
    assert len(desk.viewer.get("/faults", to=later)["items"]) == 0
    assert desk.viewer.try_get("/faults", severity="X").status_code == 422


def test_the_catalogue_is_shown_whole(desk: Desk) -> None:
    codes = {row["code"] for row in desk.viewer.get("/fault-catalogue")["items"]}
    assert codes == set(CATALOGUE)


def test_a_cabinet_that_leaves_the_fleet_leaves_no_active_fault(desk: Desk) -> None:
    desk.raise_fault()
    with desk.server.transactions.write("system:test") as tx:
        on_cabinet_retired(tx, CabinetRetired("C1", desk.site.id))
    fault = desk.viewer.get("/faults/f1")
    assert (fault["state"], fault["cleared_by"]) == ("cleared", "remote")
    assert desk.ticket()["state"] == "new"
