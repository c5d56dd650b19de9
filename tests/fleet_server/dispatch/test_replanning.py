"""Better plans: what is moved, who is asked, why, and what stays where it is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fleet_server.auth.rules import Role
from fleet_server.dispatch import replanning
from fleet_server.dispatch.models import PlanWish
from fleet_server.dispatch.replanning import Replanner
from fleet_server.dispatch.solvers.engines import Engine
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.wishes import wish
from protocol.faults import Severity
from tests.desk import Desk, Technician

REGION = "east"


@pytest.fixture(scope="module")
def solvers() -> Iterator[SolverPool]:
    made = SolverPool([Engine.PYVRP], processes=1)
    yield made
    made.close()


@pytest.fixture
def replanner(desk: Desk, solvers: SolverPool, monkeypatch: pytest.MonkeyPatch) -> Replanner:
    # A tenth of the time the product takes: these regions have one visit.
    monkeypatch.setattr(replanning, "BUDGET_SECONDS", {1: 0.1, 2: 0.3, 3: 0.5})
    return Replanner(desk.server.transactions, desk.server.clock, solvers)


def wishes(desk: Desk) -> list[tuple[str, int, str]]:
    with desk.server.transactions.read() as tx:
        rows = tx.session.query(PlanWish).order_by(PlanWish.tier)
        return [(row.region, row.tier, row.cause) for row in rows]


def ask_for_plan(desk: Desk, tier: int = 2) -> None:
    with desk.server.transactions.write("system:test") as tx:
        wish(tx, REGION, tier, "person")


def plans(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.dispatcher.get("/dispatch/plans")["items"]
    return found


def door(desk: Desk, cabinet_id: str = "C1", fault: str = "f1") -> dict[str, Any]:
    """A door fault whose visit has been offered to somebody."""
    desk.raise_fault(fault, cabinet_id=cabinet_id)
    desk.wait(900)
    found: dict[str, Any] = desk.visits()[-1]
    return found


def far_away(desk: Desk) -> tuple[dict[str, Any], Technician, Technician]:
    """A visit accepted by somebody two hours away, and somebody else who is near."""
    far = desk.technician("far", ["door"], north_degrees=1.0)
    visit = door(desk)
    far.answer("accepted")
    return visit, far, desk.technician("near", ["door"], north_degrees=0.001)


def test_an_accepted_visit_goes_to_somebody_much_nearer(desk: Desk, replanner: Replanner) -> None:
    visit, far, near = far_away(desk)
    ask_for_plan(desk)
    replanner.work_off()
    (offer,) = near.offers()
    assert offer["visit_id"] == visit["id"]
    (plan,) = plans(desk)
    assert (plan["tier"], plan["verdict"], plan["accepted_moved"]) == (2, "saves_enough", 1)
    (move,) = plan["moves"]
    assert (move["giver"], move["taker"], move["reason"]) == (far.id, near.id, "saves_travel")
    assert move["reason_en"]
    assert move["reason_zh"]
    assert "Visit given to somebody else" in desk.notices(desk.audience_of(far))


def test_a_ticket_keeps_one_owner_while_its_visit_changes_hands(
    desk: Desk, replanner: Replanner
) -> None:
    visit, far, near = far_away(desk)
    ask_for_plan(desk)
    replanner.work_off()
    ticket = desk.viewer.get(f"/tickets/{visit['ticket_ids'][0]}")
    assert (ticket["owner"], ticket["state"]) == ("role:dispatcher", "triaged")
    near.answer("accepted")
    ticket = desk.viewer.get(f"/tickets/{visit['ticket_ids'][0]}")
    assert (ticket["owner"], ticket["state"]) == (desk.audience_of(near), "scheduled")
    takers = [row["taker"] for row in ticket["hand_overs"]]
    assert takers[1:] == [desk.audience_of(far), "role:dispatcher", desk.audience_of(near)]


def test_a_visit_a_dispatcher_locked_is_never_moved(desk: Desk, replanner: Replanner) -> None:
    one = desk.technician("one", ["door"], north_degrees=0.3)
    visit = door(desk)
    one.answer("accepted")
    order = {"technician_id": one.id, "lock": True, "reason": "knows the site"}
    desk.dispatcher.post(f"/visits/{visit['id']}/assignment", order)
    other = desk.technician("other", ["door"], north_degrees=0.001)
    ask_for_plan(desk)
    replanner.work_off()
    assert other.offers() == []
    shown = desk.viewer.get(f"/visits/{visit['id']}")
    assert (shown["technician_id"], shown["locked_to"]) == (one.id, one.id)


def test_a_plan_that_something_overtook_writes_nothing_and_is_tried_again(
    desk: Desk, replanner: Replanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit, _, _ = far_away(desk)
    ask_for_plan(desk)
    think = replanner._thought

    def meanwhile(*args: Any) -> Any:
        found = think(*args)
        desk.dispatcher.post(
            f"/visits/{visit['id']}/transitions", {"to": "aborted", "reason": "the site called"}
        )
        return found

    monkeypatch.setattr(replanner, "_thought", meanwhile)
    assert replanner.step()
    assert plans(desk) == []
    assert (REGION, 2) in [(region, tier) for region, tier, _ in wishes(desk)]


def test_urgent_work_asks_for_a_plan_around_it(desk: Desk) -> None:
    desk.technician("li", ["lock"])
    desk.raise_fault(code="LOCK_NOT_LATCHED", severity=Severity.C)
    assert (REGION, 1, "urgent") in wishes(desk)


def test_a_region_where_something_changed_is_planned_every_five_minutes(desk: Desk) -> None:
    desk.technician("li", ["door"])
    door(desk)
    assert (REGION, 2, "round") in wishes(desk)


def test_wishes_are_worked_off_and_leave_nothing_behind(desk: Desk, replanner: Replanner) -> None:
    desk.technician("li", ["door"])
    door(desk)
    assert replanner.work_off() >= 1
    assert wishes(desk) == []


def test_without_engines_insertion_alone_serves(desk: Desk) -> None:
    alone = Replanner(desk.server.transactions, desk.server.clock, SolverPool(()))
    visit = door(desk)
    assert visit["state"] == "planned"
    li = desk.technician("li", ["door"])
    ask_for_plan(desk)
    alone.work_off()
    assert [offer["visit_id"] for offer in li.offers()] == [visit["id"]]


def test_nobody_is_asked_before_their_shift_begins(desk: Desk, replanner: Replanner) -> None:
    li = desk.technician("li", ["door"])
    later = desk.clock.now() + timedelta(hours=80)
    desk.dispatcher.post(
        f"/technicians/{li.id}/shifts",
        {"starts_at": later.isoformat(), "ends_at": (later + timedelta(hours=8)).isoformat()},
    )
    desk.wait(73 * 3600)
    visit = door(desk)
    ask_for_plan(desk)
    replanner.work_off()
    shown = desk.viewer.get(f"/visits/{visit['id']}")
    assert (shown["state"], shown["planned_for"]) == ("planned", li.id)
    desk.wait(7 * 3600)
    assert [offer["visit_id"] for offer in li.offers()] == [visit["id"]]


def test_a_price_is_shown_and_nothing_is_changed_by_asking(desk: Desk) -> None:
    near = desk.technician("near", ["door"], north_degrees=0.001)
    far = desk.technician("far", ["door"], north_degrees=0.4)
    visit = door(desk)
    question = {"visit_id": visit["id"], "technician_id": far.id}
    price = desk.dispatcher.post("/dispatch/preview", question)
    assert price["cost_seconds"] > 0
    assert price["arrival_at"] > visit["planned_arrival_at"]
    assert len(near.offers()) == 1
    assert far.offers() == []


def test_a_dispatcher_gives_a_visit_to_somebody_else_at_a_price(desk: Desk) -> None:
    near = desk.technician("near", ["door"], north_degrees=0.001)
    far = desk.technician("far", ["door"], north_degrees=0.4)
    visit = door(desk)
    order = {"technician_id": far.id, "reason": "near is ill"}
    given = desk.dispatcher.post(f"/visits/{visit['id']}/assignment", order)
    assert given["visit"]["technician_id"] == far.id
    assert given["price"]["cost_seconds"] > 0
    assert near.offers() == []
    assert len(far.offers()) == 1
    (plan,) = plans(desk)
    assert (plan["cause"], plan["moves"][0]["reason"]) == ("person", "ordered")


def test_nobody_unqualified_is_ever_ordered(desk: Desk) -> None:
    desk.technician("one", ["door"])
    visit = door(desk)
    for other in (
        desk.technician("unskilled", ["payment"]),
        desk.technician("lapsed", ["door"], qualified=False),
    ):
        order = {"technician_id": other.id, "reason": "nobody else"}
        answer = desk.dispatcher.try_post(f"/visits/{visit['id']}/assignment", order)
        assert answer.status_code == 422
        assert "qualification" in answer.json()["reason"]


def test_a_visit_under_way_is_given_to_nobody_else(desk: Desk) -> None:
    one = desk.technician("one", ["door"])
    other = desk.technician("other", ["door"])
    visit = door(desk)
    one.answer("accepted") if one.offers() else other.answer("accepted")
    holder, free = (one, other) if desk.visits()[0]["technician_id"] == one.id else (other, one)
    holder.phone.post(f"/visits/{visit['id']}/transitions", {"to": "travelling"})
    order = {"technician_id": free.id, "reason": "closer"}
    answer = desk.dispatcher.try_post(f"/visits/{visit['id']}/assignment", order)
    assert answer.status_code == 409


def test_only_dispatchers_of_the_region_see_and_order(desk: Desk) -> None:
    desk.technician("one", ["door"])
    visit = door(desk)
    question = {"visit_id": visit["id"], "technician_id": desk.visits()[0]["technician_id"]}
    for role in (Role.VIEWER, Role.OPERATOR, Role.TECHNICIAN, Role.AUDITOR):
        by = desk.api.as_(role)
        assert by.try_post("/dispatch/preview", question).status_code == 403
        assert by.try_get("/dispatch/plans").status_code == 403


def test_a_visit_says_how_likely_it_is_late(desk: Desk) -> None:
    one = desk.technician("one", ["door"])
    visit = door(desk)
    one.answer("accepted")
    desk.sweep()
    shown = desk.viewer.get(f"/visits/{visit['id']}")
    assert shown["late_probability"] == 0
    assert shown["arrival_p80_at"] >= shown["planned_arrival_at"]
    desk.wait(71.9 * 3600)
    desk.sweep()
    assert desk.viewer.get(f"/visits/{visit['id']}")["late_probability"] > 0.3
    assert (REGION, 1, "risk") in wishes(desk)
