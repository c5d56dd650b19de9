"""Tickets by hand: rights, records, proof, clear refusals."""

from fleet_server.audit.service import verify
from fleet_server.auth.rules import Role
from fleet_server.ingest.events import JournalGapFound
from protocol.faults import Severity
from tests.desk import RECORD, Desk

ORDER = {"kind": "inspection", "title_zh": "检查", "title_en": "Look", "cabinet_id": "C1"}


def test_a_dispatcher_opens_a_ticket_and_the_same_key_opens_no_second(desk: Desk) -> None:
    first = desk.dispatcher.post("/tickets", ORDER, key="k1")
    again = desk.dispatcher.post("/tickets", ORDER, key="k1")
    assert first["id"] == again["id"]
    assert len(desk.tickets()) == 1


def test_the_wrong_role_changes_nothing(desk: Desk) -> None:
    assert desk.viewer.try_post("/tickets", ORDER).status_code == 403
    ticket = desk.dispatcher.post("/tickets", {**ORDER, "needs_visit": False})
    path = f"/tickets/{ticket['id']}"
    refused = desk.viewer.try_post(f"{path}/transitions", {"to": "cancelled"})
    assert refused.status_code == 403
    assert desk.viewer.try_put(f"{path}/record", RECORD).status_code == 403
    assert desk.ticket()["state"] == "new"
    assert desk.viewer.get(path)["actions"] == []


def test_a_dispatcher_of_another_site_neither_sees_nor_moves_it(desk: Desk) -> None:
    other = desk.add_site("Harbour", "C2")
    local = desk.api.as_(Role.DISPATCHER, site=other.id, name="local")
    ticket = desk.dispatcher.post("/tickets", ORDER)
    assert local.get("/tickets")["items"] == []
    assert local.try_get(f"/tickets/{ticket['id']}").status_code == 403
    step = {"to": "cancelled"}
    assert local.try_post(f"/tickets/{ticket['id']}/transitions", step).status_code == 403
    assert local.try_post("/tickets", ORDER).status_code == 403


def test_an_illegal_step_answers_with_the_legal_ones_and_changes_nothing(desk: Desk) -> None:
    ticket = desk.dispatcher.post("/tickets", {**ORDER, "needs_visit": False})
    answer = desk.dispatcher.try_post(f"/tickets/{ticket['id']}/transitions", {"to": "verified"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["legal"] == ["cancelled", "triaged"]
    assert desk.ticket()["state"] == "new"
    unknown = desk.dispatcher.try_post(f"/tickets/{ticket['id']}/transitions", {"to": "fine"})
    assert unknown.status_code == 422


def test_bad_orders_are_refused_by_field(desk: Desk) -> None:
    for wrong in (
        {**ORDER, "kind": "recall_removal"},
        {**ORDER, "colour": "red"},
        {**ORDER, "cabinet_id": None},
        {**ORDER, "site_id": "elsewhere"},
    ):
        assert desk.dispatcher.try_post("/tickets", wrong).status_code == 422
    assert desk.dispatcher.try_post("/tickets", {**ORDER, "cabinet_id": "C9"}).status_code == 404
    assert desk.tickets() == []


def desk_ticket(desk: Desk) -> str:
    desk.announce(JournalGapFound("C1", desk.site.id, "e1", 4, 9))
    ticket_id: str = desk.ticket()["id"]
    for state in ("triaged", "in_progress"):
        desk.supervisor.post(f"/tickets/{ticket_id}/transitions", {"to": state})
    return ticket_id


def test_a_ticket_is_resolved_only_with_the_whole_service_record(desk: Desk) -> None:
    path = f"/tickets/{desk_ticket(desk)}"
    refused = desk.supervisor.try_post(f"{path}/transitions", {"to": "resolved"})
    assert refused.status_code == 409
    assert "cause_code" in refused.json()["missing"]
    partial = desk.supervisor.put(f"{path}/record", {"cause_code": "software"})
    assert "measures" in partial["missing"]
    still = desk.supervisor.try_post(f"{path}/transitions", {"to": "resolved"})
    assert still.json()["missing"] == partial["missing"]
    assert desk.ticket()["state"] == "in_progress"


def test_the_servers_own_finding_is_ended_by_who_verifies(desk: Desk) -> None:
    ticket_id = desk_ticket(desk)
    desk.record(ticket_id, desk.supervisor)
    desk.supervisor.post(f"/tickets/{ticket_id}/transitions", {"to": "resolved"})
    assert desk.ticket()["state"] == "resolved"
    refused = desk.dispatcher.try_post(f"/tickets/{ticket_id}/transitions", {"to": "verified"})
    assert refused.status_code == 403
    word = {"to": "verified", "confirmed_by": "operator on duty"}
    desk.supervisor.post(f"/tickets/{ticket_id}/transitions", word)
    assert desk.ticket()["state"] == "verified"
    assert desk.viewer.get("/faults", state="active")["items"] == []


def test_nobody_verifies_while_the_cabinet_still_has_the_fault(desk: Desk) -> None:
    ticket_id = desk.resolved_ticket()
    refused = desk.supervisor.try_post(f"/tickets/{ticket_id}/transitions", {"to": "verified"})
    assert refused.status_code == 409
    assert refused.json()["fault_ids"] == ["f1"]
    desk.clear_fault()
    assert desk.ticket()["state"] == "verified"


def test_a_kind_without_fault_is_verified_by_word(desk: Desk) -> None:
    ticket = desk.dispatcher.post("/tickets", {**ORDER, "needs_visit": False})
    path = f"/tickets/{ticket['id']}/transitions"
    for state in ("triaged", "in_progress"):
        desk.dispatcher.post(path, {"to": state})
    desk.record(ticket["id"], desk.dispatcher)
    desk.dispatcher.post(path, {"to": "resolved"})
    assert desk.ticket()["state"] == "resolved"
    desk.supervisor.post(path, {"to": "verified", "confirmed_by": "site"})
    assert desk.ticket()["state"] == "verified"


def test_a_verified_ticket_closes_after_quiet_and_not_before(desk: Desk) -> None:
    desk.resolved_ticket()
    desk.clear_fault()
    desk.wait(72 * 3600 - 1)
    assert desk.ticket()["state"] == "verified"
    desk.wait(1)
    assert (desk.ticket()["state"], desk.ticket()["reason"]) == ("closed", "quiet")


def test_a_record_of_a_verified_ticket_stands(desk: Desk) -> None:
    ticket_id = desk.resolved_ticket()
    desk.clear_fault()
    assert desk.supervisor.try_put(f"/tickets/{ticket_id}/record", RECORD).status_code == 403
    assert desk.ticket()["record"]["missing"] == []


def test_work_that_ends_before_it_begins_is_refused(desk: Desk) -> None:
    ticket_id = desk_ticket(desk)
    times = {"began_at": "2026-03-02T09:00:00Z", "finished_at": "2026-03-02T08:00:00Z"}
    refused = desk.supervisor.try_put(f"/tickets/{ticket_id}/record", {**RECORD, **times})
    assert refused.status_code == 422
    assert desk.ticket()["record"] is None


def test_waiting_for_the_site_pauses_the_clocks_and_takes_the_visit_back(desk: Desk) -> None:
    one = desk.technician("li", ["lock"])
    desk.raise_fault(code="LOCK_NOT_LATCHED", severity=Severity.C)
    (ticket,) = desk.tickets()
    path = f"/tickets/{ticket['id']}/transitions"
    desk.dispatcher.post(path, {"to": "waiting_site", "reason": "closed until Friday"})
    assert one.offers() == []
    assert [visit["state"] for visit in desk.visits()] == ["aborted"]
    paused = {c["name"] for c in desk.ticket()["clocks"] if c["paused_since"] is not None}
    assert paused == {"arrival", "arrival_contract", "resolution"}
    desk.wait(3600)
    desk.dispatcher.post(path, {"to": "triaged"})
    assert len(one.offers()) == 1
    contract = next(c for c in desk.ticket()["clocks"] if c["name"] == "arrival_contract")
    assert contract["paused_seconds"] == 3600


def test_a_cancelled_ticket_stops_its_clocks_and_its_visit(desk: Desk) -> None:
    one = desk.technician("li", ["lock"])
    desk.raise_fault(code="LOCK_NOT_LATCHED", severity=Severity.C)
    one.answer("accepted")
    path = f"/tickets/{desk.ticket()['id']}/transitions"
    desk.dispatcher.post(path, {"to": "cancelled", "reason": "duplicate"})
    assert all(clock["stopped_at"] for clock in desk.ticket()["clocks"])
    assert [visit["state"] for visit in desk.visits()] == ["aborted"]
    assert desk.ticket()["actions"] == []


def test_lists_filter_by_state_site_severity_and_time(desk: Desk) -> None:
    desk.raise_fault()
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    assert [row["severity"] for row in desk.tickets(severity="C")] == ["C"]
    assert [row["severity"] for row in desk.tickets(state="new")] == ["M"]
    assert desk.tickets(site_id="elsewhere") == []
    assert len(desk.tickets(open="true")) == 2
    assert desk.tickets(to=desk.clock.now().isoformat()) == []


def test_every_change_is_in_the_audit_log(desk: Desk) -> None:
    desk.resolved_ticket()
    with desk.server.transactions.read() as tx:
        assert verify(tx) is None
