"""The same trouble again, and what consumers say."""

from typing import Any

import pytest

from fleet_server.errors import NotFoundError
from fleet_server.tickets.reports import ConsumerReport, open_from_report
from protocol.faults import Severity
from tests.desk import Desk

BY_HAND = {"title_zh": "门又坏", "title_en": "door again", "cabinet_id": "C1", "component": "door"}


def report(desk: Desk, receipt: str = "R1", **more: Any) -> str:
    said = ConsumerReport("C1", "扫码后未出货", "paid, nothing came", "no juice!", receipt, **more)
    with desk.server.transactions.write("public") as tx:
        return open_from_report(tx, said).id


def newest(desk: Desk) -> Any:
    return desk.viewer.get(f"/tickets/{desk.tickets()[-1]['id']}")


@pytest.mark.parametrize("kind", ["fault", "inspection"])
def test_a_trouble_that_comes_back_by_hand_is_linked_and_more_urgent(desk: Desk, kind: str) -> None:
    first = desk.closed_ticket()
    made = desk.dispatcher.post("/tickets", {**BY_HAND, "kind": kind})
    assert (made["repeat_of"], made["priority"], made["repeats"]) == (first["id"], "P1", 1)


def test_other_work_on_the_component_repeats_nothing(desk: Desk) -> None:
    desk.closed_ticket()
    for more in ({"kind": "preventive"}, {"kind": "fault", "component": "lock"}):
        made = desk.dispatcher.post("/tickets", {**BY_HAND, **more})
        assert (made["repeat_of"], made["repeats"]) == (None, 0)


def test_after_thirty_days_it_is_a_trouble_of_its_own(desk: Desk) -> None:
    desk.closed_ticket()
    desk.clock.advance(30 * 86_400 + 1)
    made = desk.dispatcher.post("/tickets", {**BY_HAND, "kind": "fault"})
    assert (made["repeat_of"], made["priority"]) == (None, "P2")


def test_a_fault_repeats_what_a_person_had_opened_about_it(desk: Desk) -> None:
    made = desk.dispatcher.post("/tickets", {**BY_HAND, "kind": "inspection", "needs_visit": False})
    steps = f"/tickets/{made['id']}/transitions"
    for to in ("triaged", "in_progress", "resolved", "verified", "closed"):
        if to == "resolved":
            desk.record(made["id"], desk.supervisor)
        desk.supervisor.post(steps, {"to": to, "follow_up": "fine"})
    desk.raise_fault("f1", "DOOR_OPEN_LONG", Severity.M)
    again = newest(desk)
    assert (again["repeat_of"], again["priority"], again["repeats"]) == (made["id"], "P1", 1)


def test_every_return_is_counted_also_of_a_ticket_that_is_still_open(desk: Desk) -> None:
    desk.resolved_ticket()
    desk.clear_fault()
    desk.raise_fault("f2", "DOOR_OPEN_LONG", Severity.M)
    ticket = desk.ticket()
    assert (ticket["state"], ticket["repeats"], ticket["priority"]) == ("triaged", 1, "P1")


def test_a_report_becomes_a_ticket_of_the_desk(desk: Desk) -> None:
    report(desk)
    ticket = desk.ticket()
    assert (ticket["kind"], ticket["origin_kind"], ticket["origin_id"]) == (
        "consumer_report",
        "consumer",
        "R1",
    )
    assert (ticket["owner"], ticket["priority"]) == ("role:operator", "P2")


def test_a_second_report_joins_in_words_and_may_make_it_urgent(desk: Desk) -> None:
    first = report(desk)
    assert report(desk, "R2", urgent=True) == first
    assert report(desk, "R3", component="payment") != first
    ticket = desk.viewer.get(f"/tickets/{first}")
    assert [note["text"] for note in ticket["notes"]] == ["R2: no juice!"]
    assert ticket["priority"] == "P1"


def test_a_report_about_no_cabinet_is_refused(desk: Desk) -> None:
    said = ConsumerReport("C9", "无", "none", "?", "R1")
    with pytest.raises(NotFoundError), desk.server.transactions.write("public") as tx:
        open_from_report(tx, said)
    assert desk.tickets() == []
