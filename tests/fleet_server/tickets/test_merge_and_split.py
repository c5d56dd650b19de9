"""Merging and splitting: one accountable owner, no work lost, no time won."""

from datetime import timedelta
from typing import Any

import pytest

from fleet_server.auth.rules import Role
from fleet_server.service_levels.clocks import replayed
from fleet_server.service_levels.queries import clocks_of, reading_of, scales, steps_of
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.rules import TicketKind
from fleet_server.tickets.service import NewTicket, open_ticket
from protocol.faults import Severity
from tests.desk import Desk

SPLIT = {"title_zh": "另一件", "title_en": "another matter"}
DESK_WORK = {
    "kind": "inspection",
    "title_zh": "查看",
    "title_en": "look",
    "cabinet_id": "C1",
    "needs_visit": False,
}


def merge(desk: Desk, ticket_id: str, into: str) -> Any:
    order = {"into": into, "reason": "one trouble"}
    return desk.dispatcher.post(f"/tickets/{ticket_id}/merge", order)


def shown(desk: Desk, ticket_id: str) -> Any:
    return desk.viewer.get(f"/tickets/{ticket_id}")


def two_tickets(desk: Desk) -> tuple[str, str]:
    """A lock that does not latch (C), two hours after a door that stands open (M)."""
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    desk.wait(7200)
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    door, lock = desk.tickets()
    return door["id"], lock["id"]


def dues(ticket: Any) -> dict[str, str]:
    """When its running clocks are due."""
    running = [clock for clock in ticket["clocks"] if clock["stopped_at"] is None]
    return {clock["name"]: clock["due_at"] for clock in running}


def clocks_are_folds(desk: Desk, ticket_id: str) -> None:
    with desk.server.transactions.read() as tx:
        for clock in clocks_of(tx.session, "ticket", [ticket_id])[ticket_id]:
            assert replayed(steps_of(tx.session, clock.id), scales(tx.session)) == reading_of(clock)


def test_the_survivor_takes_over_faults_notes_urgency_and_the_earlier_due(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    desk.dispatcher.post(f"/tickets/{door}/notes", {"text": "key at the desk"})
    before = dues(shown(desk, door))
    merged = merge(desk, door, lock)
    assert merged["id"] == lock
    assert {fault["id"] for fault in merged["faults"]} == {"f1", "f2"}
    assert [(note["text"], note["written_on"]) for note in merged["notes"]] == [
        ("key at the desk", door)
    ]
    assert [one["id"] for one in merged["merged"]] == [door]
    ended = shown(desk, door)
    assert (ended["state"], ended["merged_into"], ended["faults"]) == ("cancelled", lock, [])
    assert all(clock["stopped_at"] is not None for clock in ended["clocks"])
    after = dues(merged)
    assert after["resolution"] == min(after["resolution"], before["resolution"])
    clocks_are_folds(desk, lock)


def test_the_less_urgent_survivor_becomes_as_urgent_and_due_no_later(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    grave = dues(shown(desk, lock))
    merged = merge(desk, lock, door)
    assert (merged["priority"], merged["severity"]) == ("P1", "C")
    for name, due_at in dues(merged).items():
        assert due_at <= grave.get(name, due_at)
    clocks_are_folds(desk, door)


def test_a_breach_of_the_merged_ticket_stays_visible(desk: Desk) -> None:
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    desk.wait(4 * 3600 + 1)
    desk.raise_fault("f2", "DOOR_FORCED", Severity.C)
    lock, door = desk.tickets()
    merged = merge(desk, lock["id"], door["id"])
    assert "arrival_contract" in merged["merged"][0]["breached"]
    desk.wait(2)
    survivor = shown(desk, door["id"])
    late = {clock["name"] for clock in survivor["clocks"] if clock["breached_at"] is not None}
    assert late == set(merged["merged"][0]["breached"])


def test_the_cabinets_word_about_a_handed_on_fault_counts_for_the_survivor(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    merge(desk, lock, door)
    desk.clear_fault("f1", "DOOR_OPEN_LONG")
    assert shown(desk, door)["state"] == "triaged"  # of the two one still stands


def test_whoever_is_on_the_way_for_the_merged_ticket_comes_for_both(desk: Desk) -> None:
    one = desk.technician("one", ["lock", "door"])
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    (visit,) = desk.visits()
    one.phone.post(f"/visits/{visit['id']}/transitions", {"to": "travelling"})
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    lock, door = desk.tickets()
    merge(desk, lock["id"], door["id"])
    (visit,) = desk.visits()
    assert (visit["state"], visit["ticket_ids"]) == ("travelling", [door["id"]])
    assert visit["skills"] == ["door", "lock"]
    survivor = shown(desk, door["id"])
    assert (survivor["state"], survivor["owner"]) == ("scheduled", desk.audience_of(one))
    assert [row["taker"] for row in survivor["hand_overs"]][-1] == desk.audience_of(one)


def test_the_work_order_of_the_survivor_opens_the_cabinets_of_both(desk: Desk) -> None:
    one = desk.technician("one", ["lock", "door"])
    desk.add_cabinet("C2")
    by_hand = {"kind": "inspection", "title_zh": "查", "title_en": "look", "cabinet_id": "C2"}
    desk.dispatcher.post("/tickets", {**by_hand, "skill": "door"})
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    look, lock = desk.tickets()
    merged = merge(desk, look["id"], lock["id"])
    assert (merged["further_cabinets"], merged["further_skills"]) == (["C2"], ["door"])
    one.answer("accepted")
    (visit,) = [row for row in desk.visits() if row["state"] == "accepted"]
    assert visit["skills"] == ["door", "lock"]
    one.phone.post(f"/visits/{visit['id']}/transitions", {"to": "travelling"})
    assert set(one.phone.get(f"/visits/{visit['id']}/work-order")["tokens"]) == {"C1", "C2"}


def test_an_appointment_of_the_merged_ticket_holds_for_both(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    start = desk.clock.now() + timedelta(hours=2)
    when = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}
    agreed = desk.dispatcher.post(f"/tickets/{door}/appointment", when)
    merged = merge(desk, door, lock)
    assert merged["appointment_to"] == agreed["appointment_to"]
    assert dues(merged)["arrival"] == agreed["appointment_to"]
    clocks_are_folds(desk, lock)


def test_who_cannot_do_both_is_not_sent_for_both(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    two = desk.technician("two", ["door", "lock"], north_degrees=0.3)
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    lock, door = desk.tickets()
    merge(desk, lock["id"], door["id"])
    assert [(row["state"], row["ticket_ids"]) for row in desk.visits()] == [
        ("aborted", []),
        ("offered", [door["id"]]),
    ]
    assert (one.offers(), len(two.offers())) == ([], 1)
    assert shown(desk, door["id"])["owner"] == "role:dispatcher"


def test_a_visit_whose_technician_cannot_do_what_came_to_it_goes_to_another(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    two = desk.technician("two", ["door", "lock"], north_degrees=0.3)
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    one.answer("accepted")
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    lock, door = desk.tickets()
    merge(desk, door["id"], lock["id"])
    assert [(row["state"], row["ticket_ids"]) for row in desk.visits()] == [
        ("aborted", [lock["id"]]),
        ("offered", [lock["id"]]),
    ]
    assert (one.offers(), len(two.offers())) == ([], 1)
    assert desk.visits()[-1]["skills"] == ["door", "lock"]


def test_only_work_that_fits_is_merged(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    desk.add_site("Harbour", "C2")
    elsewhere = desk.dispatcher.post("/tickets", {**DESK_WORK, "cabinet_id": "C2"})["id"]
    at_desk = desk.dispatcher.post("/tickets", DESK_WORK)["id"]
    with desk.server.transactions.write("system:test") as tx:
        kind = TicketKind.RECALL_REMOVAL
        new = NewTicket(kind, Priority.P1, desk.site.id, "召回", "recall", "C1", skill="restock")
        removal = open_ticket(tx, new).id
    wrong: list[tuple[str, str, int]] = [
        (door, door, 422),
        (door, elsewhere, 422),
        (door, "nothing", 404),
        (door, at_desk, 409),
        (door, removal, 409),
        (removal, door, 409),
    ]
    for ticket_id, into, status in wrong:
        answer = desk.dispatcher.try_post(f"/tickets/{ticket_id}/merge", {"into": into})
        assert answer.status_code == status, (answer.text, into)
    merge(desk, at_desk, door)
    merge(desk, door, lock)
    answer = desk.dispatcher.try_post(f"/tickets/{lock}/merge", {"into": door})
    assert answer.status_code == 409  # that one is over
    answer = desk.dispatcher.try_post(f"/tickets/{door}/merge", {"into": lock})
    assert (answer.status_code, answer.json()["legal"]) == (409, ["add_note"])


def test_the_same_key_merges_once(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    order = {"into": lock, "reason": "one trouble"}
    first = desk.dispatcher.post(f"/tickets/{door}/merge", order, key="k")
    assert desk.dispatcher.post(f"/tickets/{door}/merge", order, key="k") == first


def test_chosen_faults_go_to_a_ticket_of_their_own_that_is_due_no_later(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    merge(desk, door, lock)
    desk.wait(600)
    before = dues(shown(desk, lock))
    order = {**SPLIT, "fault_ids": ["f1"], "reason": "two troubles"}
    made = desk.dispatcher.post(f"/tickets/{lock}/split", order, key="k")
    assert desk.dispatcher.post(f"/tickets/{lock}/split", order, key="k") == made
    assert (made["split_from"], made["skill"], made["component"]) == (lock, "door", "door")
    assert [fault["id"] for fault in made["faults"]] == ["f1"]
    assert (made["owner"], len(made["hand_overs"])) == ("role:dispatcher", 1)
    for name, due_at in dues(made).items():
        assert due_at <= before.get(name, due_at)
    left = shown(desk, lock)
    assert [fault["id"] for fault in left["faults"]] == ["f2"]
    assert [one["id"] for one in left["split"]] == [made["id"]]
    clocks_are_folds(desk, made["id"])
    desk.clear_fault("f1", "DOOR_OPEN_LONG")
    assert shown(desk, made["id"])["state"] == "closed"
    assert shown(desk, lock)["state"] == "triaged"


@pytest.mark.parametrize("faults", [[], ["f1"], ["f9"], ["f1", "f9"]])
def test_a_split_takes_some_of_the_tickets_own_faults(desk: Desk, faults: list[str]) -> None:
    desk.raise_fault("f1")
    path = f"/tickets/{desk.ticket()['id']}/split"
    answer = desk.dispatcher.try_post(path, {**SPLIT, "fault_ids": faults})
    assert answer.status_code == 422
    assert [fault["id"] for fault in desk.ticket()["faults"]] == ["f1"]


def test_only_who_has_a_say_at_the_site_merges_and_splits(desk: Desk) -> None:
    door, lock = two_tickets(desk)
    local = desk.api.as_(Role.DISPATCHER, site="elsewhere", name="local")
    for who in (desk.viewer, local):
        assert who.try_post(f"/tickets/{door}/merge", {"into": lock}).status_code == 403
        order = {**SPLIT, "fault_ids": ["f1"]}
        assert who.try_post(f"/tickets/{door}/split", order).status_code == 403
