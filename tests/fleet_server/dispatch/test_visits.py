"""Visits on their way: proof of arrival, work orders, records, aborting."""

import msgspec
import pytest

from fleet_server.auth.rules import Role
from fleet_server.dispatch.rules import allowed_actions
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.rules import TicketKind
from fleet_server.tickets.service import NewTicket, open_ticket
from protocol.faults import Severity
from protocol.signatures import Envelope, Keyring, SignedKind
from protocol.work_order import WorkOrder, WorkOrderAction
from tests.desk import Desk, Technician


@pytest.fixture
def one(desk: Desk) -> Technician:
    """A technician who has accepted a visit to a lock that does not latch."""
    technician = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    technician.answer("accepted")
    return technician


def path(desk: Desk) -> str:
    return f"/visits/{desk.visits()[0]['id']}"


def step(desk: Desk, by: Technician, **order: object) -> None:
    by.phone.post(f"{path(desk)}/transitions", order)


def refused(desk: Desk, by: Technician, **order: object) -> int:
    code: int = by.phone.try_post(f"{path(desk)}/transitions", order).status_code
    return code


def test_a_check_in_by_gps_counts_within_two_hundred_metres(desk: Desk, one: Technician) -> None:
    step(desk, one, to="travelling")
    metre = 1 / 111_195
    here = {"way": "gps", "longitude": desk.site.longitude}
    far = {**here, "latitude": desk.site.latitude + 201 * metre}
    assert refused(desk, one, to="on_site", check_in=far) == 422
    assert desk.ticket()["state"] == "scheduled"
    near = {**here, "latitude": desk.site.latitude + 199 * metre}
    step(desk, one, to="on_site", check_in=near)
    (visit,) = desk.visits()
    assert (visit["state"], visit["check_in_way"]) == ("on_site", "gps")
    assert desk.ticket()["state"] == "in_progress"
    clocks = {clock["name"]: clock["met"] for clock in desk.ticket()["clocks"]}
    assert (clocks["arrival"], clocks["arrival_contract"], clocks["resolution"]) == (
        True,
        True,
        None,
    )


@pytest.mark.parametrize("wrong", ["C1", "C2", "SN-C2", ""])
def test_a_check_in_by_code_needs_the_serial_number_on_the_plate_inside(
    desk: Desk, one: Technician, wrong: str
) -> None:
    step(desk, one, to="travelling")
    shown = {"way": "cabinet_code", "code": wrong}
    assert refused(desk, one, to="on_site", check_in=shown) == 422
    step(desk, one, to="on_site", check_in={"way": "cabinet_code", "code": "SN-C1"})
    assert desk.visits()[0]["check_in_way"] == "cabinet_code"


def test_a_check_in_by_service_login_needs_the_cabinets_word(desk: Desk, one: Technician) -> None:
    step(desk, one, to="travelling")
    login = {"way": "service_login"}
    assert refused(desk, one, to="on_site", check_in=login) == 422
    desk.open_service_door()
    step(desk, one, to="on_site", check_in=login)
    assert desk.visits()[0]["check_in_way"] == "service_login"


def test_a_check_in_without_proof_is_no_check_in(desk: Desk, one: Technician) -> None:
    step(desk, one, to="travelling")
    assert refused(desk, one, to="on_site") == 422
    assert refused(desk, one, to="on_site", check_in={"way": "gps"}) == 422
    assert refused(desk, one, to="on_site", check_in={"way": "word"}) == 422
    assert desk.visits()[0]["state"] == "travelling"


def test_an_illegal_step_answers_with_the_legal_ones(desk: Desk, one: Technician) -> None:
    answer = one.phone.try_post(f"{path(desk)}/transitions", {"to": "done"})
    assert (answer.status_code, answer.json()["legal"]) == (409, ["aborted", "travelling"])
    assert refused(desk, one, to="declined") == 409
    assert refused(desk, one, to="flying") == 422
    assert desk.visits()[0]["state"] == "accepted"


def test_a_visit_is_done_only_with_the_service_record(desk: Desk, one: Technician) -> None:
    one.go(desk.visits()[0]["id"])
    answer = one.phone.try_post(f"{path(desk)}/transitions", {"to": "done"})
    assert answer.status_code == 409
    assert "measures" in answer.json()["missing"]
    assert (desk.visits()[0]["state"], desk.ticket()["state"]) == ("on_site", "in_progress")
    desk.record(desk.ticket()["id"], one.phone)
    step(desk, one, to="done")
    assert (desk.visits()[0]["state"], desk.ticket()["state"]) == ("done", "resolved")


def test_a_technician_sees_and_moves_only_their_own_visits(desk: Desk, one: Technician) -> None:
    other = desk.technician("other", ["lock"], north_degrees=0.2)
    assert len(one.phone.get("/visits")["items"]) == 1
    assert other.phone.get("/visits")["items"] == []
    assert other.phone.try_get(path(desk)).status_code == 403
    assert refused(desk, other, to="travelling") == 403
    ticket_id = desk.ticket()["id"]
    assert other.phone.try_put(f"/tickets/{ticket_id}/record", {}).status_code == 403
    viewer = desk.viewer.try_post(f"{path(desk)}/transitions", {"to": "travelling"})
    assert viewer.status_code == 403
    assert desk.visits()[0]["state"] == "accepted"


def test_a_dispatcher_moves_a_visit_for_the_technician_but_only_at_their_sites(
    desk: Desk, one: Technician
) -> None:
    local = desk.api.as_(Role.DISPATCHER, site="elsewhere", name="local")
    assert local.try_post(f"{path(desk)}/transitions", {"to": "travelling"}).status_code == 403
    desk.dispatcher.post(f"{path(desk)}/transitions", {"to": "travelling"})
    assert one.phone.get(path(desk))["state"] == "travelling"


def test_a_work_order_is_signed_for_its_technician_under_way(desk: Desk, one: Technician) -> None:
    assert one.phone.try_get(f"{path(desk)}/work-order").status_code == 409
    step(desk, one, to="travelling")
    assert desk.dispatcher.try_get(f"{path(desk)}/work-order").status_code == 403
    given = one.phone.get(f"{path(desk)}/work-order")
    envelope = msgspec.convert(given["tokens"]["C1"], Envelope)
    keyring = Keyring(desk.server.signing.public_keys)
    text = keyring.open(envelope, SignedKind.WORK_ORDER, desk.server.settings.fleet, "C1")
    order = msgspec.json.decode(text, type=WorkOrder)
    assert (order.visit, order.technician) == (desk.visits()[0]["id"], one.id)
    assert WorkOrderAction.RELEASE_HOLD in order.actions
    assert WorkOrderAction.REMOVE not in order.actions
    assert order.not_after > desk.clock.now()


def test_a_work_order_permits_the_least_that_serves() -> None:
    assert allowed_actions([]) == []
    both = allowed_actions([TicketKind.FAULT, TicketKind.REFILL_CHECK])
    assert set(both) == set(WorkOrderAction)
    assert WorkOrderAction.LOAD not in allowed_actions([TicketKind.RECALL_REMOVAL])


def test_a_visit_given_back_goes_to_another_one(desk: Desk, one: Technician) -> None:
    other = desk.technician("other", ["lock"], north_degrees=0.2)
    assert refused(desk, one, to="aborted") == 422
    step(desk, one, to="aborted", reason="van broke down")
    assert desk.ticket()["owner"] == "role:dispatcher"
    assert (one.offers(), len(other.offers())) == ([], 1)
    other.answer("accepted")
    assert desk.ticket()["owner"] == desk.audience_of(other)
    takers = [row["taker"] for row in desk.ticket()["hand_overs"]]
    assert takers == [
        "role:dispatcher",
        desk.audience_of(one),
        "role:dispatcher",
        desk.audience_of(other),
    ]


def test_missing_parts_let_the_ticket_wait_and_the_same_technician_return(
    desk: Desk, one: Technician
) -> None:
    one.go(desk.visits()[0]["id"])
    step(desk, one, to="aborted", reason="no lock in the van", leave_tickets="waiting_parts")
    ticket = desk.ticket()
    assert (ticket["state"], one.offers()) == ("waiting_parts", [])
    desk.dispatcher.post(f"/tickets/{ticket['id']}/transitions", {"to": "triaged"})
    assert len(one.offers()) == 1


def test_a_technician_lets_one_ticket_wait_and_finishes_the_other(
    desk: Desk, one: Technician
) -> None:
    desk.add_cabinet("C2")
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C, "C2")
    one.go(desk.visits()[0]["id"])
    first, second = desk.tickets()
    wait = {"to": "waiting_parts", "reason": "ordered"}
    one.phone.post(f"/tickets/{first['id']}/transitions", wait)
    desk.record(second["id"], one.phone)
    step(desk, one, to="done")
    assert [ticket["state"] for ticket in desk.tickets()] == ["waiting_parts", "resolved"]


def test_later_features_open_tickets_that_go_out_at_once(desk: Desk) -> None:
    one = desk.technician("one", ["restock"])
    new = NewTicket(
        kind=TicketKind.RECALL_REMOVAL,
        priority=Priority.P1,
        site_id=desk.site.id,
        cabinet_id="C1",
        title_zh="召回取货",
        title_en="Remove recalled goods",
        component="stock",
        skill="restock",
        origin_kind="recall",
        origin_id="r1",
    )
    with desk.server.transactions.write("system:recalls") as tx:
        ticket_id = open_ticket(tx, new).id
    one.answer("accepted")
    ticket = desk.ticket()
    assert (ticket["id"], ticket["state"]) == (ticket_id, "scheduled")
    assert {clock["name"] for clock in ticket["clocks"]} == {
        "acknowledge",
        "first_response",
        "arrival_removal",
        "resolution",
    }
    one.go(desk.visits()[0]["id"])
    arrival = next(c for c in desk.ticket()["clocks"] if c["name"] == "arrival_removal")
    assert arrival["met"] is True


def test_the_plan_follows_when_a_visit_leaves_the_route(desk: Desk, one: Technician) -> None:
    desk.add_site("Harbour", "C2")
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C, "C2")
    first, second = desk.visits()
    later = second["planned_arrival_at"]
    assert later > first["planned_arrival_at"]
    desk.dispatcher.post(f"/tickets/{first['ticket_ids'][0]}/transitions", {"to": "cancelled"})
    assert desk.visits()[1]["planned_arrival_at"] < later
    assert len(one.offers()) == 1
    with desk.server.transactions.read() as tx:
        assert tx.session.get_one(Ticket, first["ticket_ids"][0]).state == "cancelled"


def test_lists_filter_by_state_and_technician(desk: Desk, one: Technician) -> None:
    assert len(desk.visits(state="accepted", technician_id=one.id)) == 1
    assert desk.visits(state="done") == []
    assert desk.visits(priority="P3") == []
    assert len(desk.visits(ticket_id=desk.ticket()["id"])) == 1
    assert desk.visits(ticket_id="x") == []
