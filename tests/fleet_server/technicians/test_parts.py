"""Locations, parts, needs and van stock."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.auth.rules import Role
from fleet_server.technicians.parts_queries import lacking_parts
from fleet_server.technicians.rules import MovementKind, lacking, moved
from protocol.faults import Severity
from tests.desk import RECORD, Desk, Technician

CLOSER = {"code": "DOOR_CLOSER", "name_zh": "闭门器", "name_en": "door closer", "skills": ["door"]}


@pytest.fixture
def one(desk: Desk) -> Technician:
    """A technician for locks, and one known part."""
    desk.dispatcher.post("/parts", CLOSER)
    return desk.technician("one", ["lock"])


def stock(one: Technician) -> dict[str, int]:
    items = one.phone.get(f"/technicians/{one.id}/stock")["items"]
    return {item["part"]: item["quantity"] for item in items}


def move(one: Technician, kind: str, quantity: int, **more: Any) -> Any:
    order = {"kind": kind, "part": "DOOR_CLOSER", "quantity": quantity, **more}
    return one.phone.post(f"/technicians/{one.id}/stock", order)


def test_a_van_is_the_sum_of_its_movements_and_never_below_zero(
    desk: Desk, one: Technician
) -> None:
    assert move(one, "load", 3)["left"] == 3
    assert move(one, "use", 1)["left"] == 2
    assert move(one, "return", 1)["left"] == 1
    order = {"kind": "use", "part": "DOOR_CLOSER", "quantity": 2}
    answer = one.phone.try_post(f"/technicians/{one.id}/stock", order)
    assert (answer.status_code, answer.json()["there"]) == (409, 1)
    counted = move(one, "count", 5)
    assert (counted["change"], stock(one)) == (4, {"DOOR_CLOSER": 5})
    rows = desk.viewer.get(f"/technicians/{one.id}/stock/movements")["items"]
    assert sum(row["change"] for row in rows) == 5


def test_the_same_key_moves_once(one: Technician) -> None:
    order = {"kind": "load", "part": "DOOR_CLOSER", "quantity": 2}
    path = f"/technicians/{one.id}/stock"
    assert one.phone.post(path, order, key="k") == one.phone.post(path, order, key="k")
    assert stock(one) == {"DOOR_CLOSER": 2}


def test_what_is_not_there_is_said_clearly(desk: Desk, one: Technician) -> None:
    path = f"/technicians/{one.id}/stock"
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"kind": "load", "part": "NOTHING", "quantity": 1}, 404),
        ({"kind": "load", "part": "DOOR_CLOSER", "quantity": 1, "location_id": "x"}, 404),
        ({"kind": "load", "part": "DOOR_CLOSER", "quantity": 0}, 422),
        ({"kind": "lend", "part": "DOOR_CLOSER", "quantity": 1}, 422),
        ({"kind": "load", "part": "DOOR_CLOSER", "quantity": -1}, 422),
    ]
    for order, status in wrong:
        assert one.phone.try_post(path, order).status_code == status
    assert desk.dispatcher.try_post("/parts", CLOSER).status_code == 409
    assert desk.dispatcher.try_post("/parts", {**CLOSER, "code": "a b"}).status_code == 422
    assert desk.viewer.try_post("/parts", {**CLOSER, "code": "X"}).status_code == 403
    other = desk.technician("other", ["lock"])
    order = {"kind": "load", "part": "DOOR_CLOSER", "quantity": 1}
    assert other.phone.try_post(path, order).status_code == 403


def work(desk: Desk, one: Technician, quantity: int) -> None:
    """Be at the site and write what was used."""
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    one.go(desk.visits()[0]["id"])
    now = desk.clock.now().isoformat()
    parts = [{"code": "DOOR_CLOSER", "quantity": quantity}, {"name": "tape"}]
    record = {**RECORD, "parts": parts, "began_at": now, "finished_at": now}
    one.phone.put(f"/tickets/{desk.ticket()['id']}/record", record)


def done(desk: Desk, one: Technician) -> None:
    one.phone.post(f"/visits/{desk.visits()[-1]['id']}/transitions", {"to": "done"})


def test_parts_of_the_record_leave_the_van_when_the_visit_is_done(
    desk: Desk, one: Technician
) -> None:
    move(one, "load", 3)
    work(desk, one, 2)
    assert stock(one) == {"DOOR_CLOSER": 3}
    assert desk.ticket()["record"]["parts"][0]["name"] == "闭门器 / door closer"
    done(desk, one)
    assert stock(one) == {"DOOR_CLOSER": 1}
    desk.clear_fault("f1", "LOCK_NOT_LATCHED")
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    one.go(desk.visits()[-1]["id"])
    done(desk, one)  # the same record: nothing more was put in
    assert stock(one) == {"DOOR_CLOSER": 1}


def test_more_used_than_the_book_says_empties_the_van_and_tells_the_dispatcher(
    desk: Desk, one: Technician
) -> None:
    move(one, "load", 1)
    work(desk, one, 2)
    done(desk, one)
    assert desk.visits()[0]["state"] == "done"
    assert stock(one) == {}
    assert "A van held less than its book: one" in desk.notices("role:dispatcher")


def test_a_record_names_only_parts_there_are(desk: Desk, one: Technician) -> None:
    ticket_id = desk.dispatcher.post(
        "/tickets", {"kind": "inspection", "title_zh": "查", "title_en": "look", "cabinet_id": "C1"}
    )["id"]
    desk.dispatcher.post(f"/tickets/{ticket_id}/transitions", {"to": "in_progress"})
    path = f"/tickets/{ticket_id}/record"
    for parts in ([{"code": "NOTHING"}], [{"quantity": 1}]):
        assert desk.dispatcher.try_put(path, {**RECORD, "parts": parts}).status_code == 422
    assert one.offers() == []


def test_dispatch_can_ask_who_has_what_a_fault_needs(desk: Desk, one: Technician) -> None:
    other = desk.technician("other", ["lock"])
    needs = {"parts": [{"part": "DOOR_CLOSER", "quantity": 2}]}
    path = "/part-needs/DOOR_OPEN_LONG"
    assert desk.dispatcher.try_put(path, {"parts": [{"part": "NOTHING"}]}).status_code == 404
    assert desk.viewer.try_put(path, needs).status_code == 403
    shown = desk.dispatcher.put(path, needs)
    assert desk.viewer.get("/part-needs")["items"] == [{**shown, "actions": []}]
    move(one, "load", 2)
    people = [one.id, other.id]
    with desk.server.transactions.read() as tx:
        found = lacking_parts(tx.session, people, ["DOOR_OPEN_LONG", "TEMP_HIGH"])
        assert found == {one.id: {}, other.id: {"DOOR_CLOSER": 2}}
        assert lacking_parts(tx.session, people, ["TEMP_HIGH"]) == {one.id: {}, other.id: {}}
    desk.dispatcher.put(path, {"parts": []})
    assert desk.viewer.get("/part-needs")["items"] == []


def test_a_depot_has_a_place_and_is_seen_in_its_region(desk: Desk) -> None:
    depot = {"kind": "depot", "name": "East", "region": "east"}
    assert desk.dispatcher.try_post("/locations", depot).status_code == 422
    placed = {**depot, "latitude": 31.2, "longitude": 121.4}
    desk.dispatcher.post("/locations", placed)
    desk.dispatcher.post("/locations", {"kind": "van", "name": "van 7"})
    local = desk.api.as_(Role.DISPATCHER, site="elsewhere", name="local")
    assert local.try_post("/locations", placed).status_code == 403
    assert [row["name"] for row in local.get("/locations")["items"]] == ["van 7"]
    assert [row["name"] for row in desk.viewer.get("/locations", kind="depot")["items"]] == ["East"]
    van = desk.viewer.get("/locations", kind="van")["items"][0]
    one = desk.technician("one", ["lock"])
    answer = desk.dispatcher.try_patch(f"/technicians/{one.id}", {"depot_id": van["id"]})
    assert (answer.status_code, answer.json()["field"]) == (422, "depot_id")


def test_a_location_and_a_part_are_said_anew(desk: Desk, one: Technician) -> None:
    placed = {"kind": "depot", "name": "East", "latitude": 31.2, "longitude": 121.4}
    depot = desk.dispatcher.post("/locations", placed)
    path = f"/locations/{depot['id']}"
    moved_on = desk.dispatcher.put(path, {**placed, "name": "West", "longitude": 121.3})
    assert desk.dispatcher.get(path) == moved_on
    assert (moved_on["name"], moved_on["actions"]) == ("West", ["change"])
    desk.dispatcher.patch(f"/technicians/{one.id}", {"depot_id": depot["id"]})
    assert desk.dispatcher.try_put(path, {"kind": "van", "name": "v"}).status_code == 409
    assert desk.viewer.try_put(path, placed).status_code == 403
    assert desk.viewer.try_get("/locations/nowhere").status_code == 404
    part = desk.dispatcher.put("/parts/DOOR_CLOSER", {**CLOSER, "fault_codes": ["DOOR_OPEN_LONG"]})
    assert desk.viewer.get("/parts/DOOR_CLOSER")["fault_codes"] == part["fault_codes"]
    other = desk.dispatcher.try_put("/parts/DOOR_CLOSER", {**CLOSER, "code": "X"})
    assert (other.status_code, other.json()["field"]) == (422, "code")
    assert [row["code"] for row in desk.viewer.get("/parts")["items"]] == ["DOOR_CLOSER"]


counts = st.dictionaries(st.sampled_from("ABC"), st.integers(0, 5))


@given(counts, counts)
def test_nothing_is_lacking_exactly_when_the_van_holds_it_all(
    held: dict[str, int], needed: dict[str, int]
) -> None:
    missing = lacking(held, needed)
    assert all(count > 0 for count in missing.values())
    for part, count in needed.items():
        assert held.get(part, 0) + missing.get(part, 0) >= count


@given(st.integers(0, 99), st.integers(0, 99))
def test_a_count_says_what_is_there(there: int, counted: int) -> None:
    assert there + moved(MovementKind.COUNT, there, counted) == counted
    assert moved(MovementKind.LOAD, there, counted) == counted
    assert moved(MovementKind.USE, there, counted) == -counted
