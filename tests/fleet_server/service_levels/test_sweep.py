"""Warnings climb the ladder, breaches stay, stored values equal the replayed history."""

from datetime import timedelta

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from fleet_server.auth.rules import Role
from fleet_server.service_levels import service
from fleet_server.service_levels.clocks import replayed
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.presets import newest
from fleet_server.service_levels.queries import reading_of, scales, steps_of
from fleet_server.service_levels.rules import Priority, Subject
from fleet_server.transactions import Transaction
from tests.desk import Desk

POLICY = newest("strict")
CALM = Subject("ticket", "inspection", Priority.P2)
HURRY = Subject("ticket", "inspection", Priority.P1)


def start(desk: Desk, owner_id: str = "t1") -> service.Owner:
    owner = service.Owner("ticket", owner_id, "role:dispatcher")
    with desk.server.transactions.write("system:test") as tx:
        service.start(tx, owner, CALM, "opened", POLICY)
    return owner


def clocks(tx: Transaction, owner_id: str = "t1") -> dict[str, ServiceClock]:
    found = tx.session.scalars(select(ServiceClock).where(ServiceClock.owner_id == owner_id))
    return {clock.name: clock for clock in found}


def test_warnings_go_up_the_ladder_and_the_breach_to_all(desk: Desk) -> None:
    start(desk)
    desk.wait(450)
    assert desk.notices("role:dispatcher") == ["50% of the time is gone: acknowledge"]
    desk.wait(225)
    desk.wait(135)
    assert desk.notices("role:supervisor") == ["90% of the time is gone: acknowledge"]
    desk.wait(90)
    assert "Overdue: acknowledge" not in desk.notices("role:supervisor")
    desk.wait(1)
    assert "Overdue: acknowledge" in desk.notices("role:supervisor")
    desk.wait(60, steps=3)
    assert desk.notices("role:supervisor").count("Overdue: acknowledge") == 1


def test_a_breach_climbs_until_somebody_answers_for_it(desk: Desk) -> None:
    start(desk)
    desk.wait(901)
    desk.wait(900)
    assert desk.notices("role:supervisor").count("Overdue: acknowledge") == 2
    desk.wait(900)
    assert desk.notices("on_call") == ["Overdue: acknowledge"]
    supervisor = desk.api.as_(Role.SUPERVISOR)
    (clock,) = supervisor.get("/service-clocks", breached="true", acknowledged="false")["items"]
    assert clock["actions"] == ["acknowledge"]
    answered = supervisor.post(f"/service-clocks/{clock['id']}/acknowledgement", {})
    assert answered["breached_at"] == clock["due_at"]
    assert answered["actions"] == []
    desk.wait(86_400)
    assert desk.notices("on_call") == ["Overdue: acknowledge"]


def test_who_acknowledges_the_notice_answers_for_the_breach(desk: Desk) -> None:
    start(desk)
    desk.wait(901)
    supervisor = desk.api.as_(Role.SUPERVISOR)
    (notice,) = supervisor.get("/notices", must_acknowledge="true")["items"]
    assert notice["kind"] == "clock.breached"
    supervisor.post(f"/notices/{notice['id']}/acknowledge")
    (clock,) = supervisor.get("/service-clocks", breached="true")["items"]
    assert clock["acknowledged_at"] is not None
    desk.wait(86_400)
    assert desk.notices("on_call") == []


def test_who_acknowledges_a_warning_answers_for_no_breach(desk: Desk) -> None:
    start(desk)
    desk.wait(810)
    supervisor = desk.api.as_(Role.SUPERVISOR)
    (notice,) = supervisor.get("/notices")["items"]
    assert notice["must_acknowledge"] is False
    desk.wait(91)
    supervisor.post(f"/notices/{notice['id']}/acknowledge")
    (clock,) = supervisor.get("/service-clocks", breached="true")["items"]
    assert clock["acknowledged_at"] is None


def test_nobody_who_has_no_part_in_it_answers_for_a_breach(desk: Desk) -> None:
    start(desk)
    desk.wait(901)
    viewer = desk.api.as_(Role.VIEWER)
    (clock,) = viewer.get("/service-clocks", breached="true")["items"]
    assert clock["actions"] == []
    path = f"/service-clocks/{clock['id']}/acknowledgement"
    assert viewer.try_post(path, {}).status_code == 403
    unknown = desk.api.as_(Role.SUPERVISOR).try_post("/service-clocks/none/acknowledgement", {})
    assert unknown.status_code == 404


def test_a_clock_that_is_not_breached_needs_no_answer(desk: Desk) -> None:
    start(desk)
    supervisor = desk.api.as_(Role.SUPERVISOR)
    clock = supervisor.get("/service-clocks", running="true")["items"][0]
    path = f"/service-clocks/{clock['id']}/acknowledgement"
    assert supervisor.try_post(path, {}).status_code == 422


def test_work_that_is_done_late_ends_the_climbing_and_keeps_the_breach(desk: Desk) -> None:
    start(desk)
    desk.wait(901)
    with desk.server.transactions.write("system:test") as tx:
        service.happened(tx, "ticket", "t1", "triaged")
    desk.wait(86_400)
    assert desk.notices("on_call") == []
    with desk.server.transactions.read() as tx:
        assert clocks(tx)["acknowledge"].met is False


def test_after_a_standstill_only_the_breach_is_told(desk: Desk) -> None:
    start(desk)
    desk.wait(2000)
    assert desk.notices("role:supervisor") == ["Overdue: acknowledge"]


def test_a_breach_is_never_erased(desk: Desk) -> None:
    owner = start(desk)
    desk.wait(901)
    with desk.server.transactions.write("system:test") as tx:
        service.entered(tx, "ticket", ["t1"], "waiting_site")
        service.retarget(tx, owner, HURRY)
        service.happened(tx, "ticket", "t1", "triaged")
    with desk.server.transactions.read() as tx:
        clock = clocks(tx)["acknowledge"]
        assert clock.met is False
        assert clock.breached_at == clock.due_at


def test_a_clock_paused_by_a_state_runs_on_after_it(desk: Desk) -> None:
    start(desk)
    with desk.server.transactions.write("system:test") as tx:
        service.entered(tx, "ticket", ["t1"], "waiting_site")
    desk.wait(90 * 3600)
    with desk.server.transactions.write("system:test") as tx:
        assert clocks(tx)["arrival"].breached_at is None
        service.entered(tx, "ticket", ["t1"], "triaged")
        service.happened(tx, "ticket", "t1", "arrived")
    with desk.server.transactions.read() as tx:
        arrival = clocks(tx)["arrival"]
        assert (arrival.met, arrival.paused_seconds) == (True, 90 * 3600)


ACTS = ["wait", "pause", "resume", "hurry", "promise", "triaged", "arrived", "resolved"]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(ACTS),
        st.sampled_from([1, 449, 901, 40_000, 100_000]),
    ),
    max_size=8,
)


@given(ACTIONS)
@examples(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_stored_values_equal_the_replayed_history(
    desk: Desk, actions: list[tuple[str, int]]
) -> None:
    owner_id = f"o{desk.clock.now().timestamp()}"[:36]
    owner = start(desk, owner_id)
    for action, seconds in actions:
        desk.wait(seconds)
        with desk.server.transactions.write("system:test") as tx:
            _act(tx, owner, action)
    with desk.server.transactions.read() as tx:
        for clock in clocks(tx, owner_id).values():
            again = replayed(steps_of(tx.session, clock.id), scales(tx.session))
            assert again == reading_of(clock)
    desk.clock.advance(1)


def _act(tx: Transaction, owner: service.Owner, action: str) -> None:
    if action in {"pause", "resume"}:
        state = "waiting_site" if action == "pause" else "triaged"
        service.entered(tx, "ticket", [owner.id], state)
    elif action == "hurry":
        service.retarget(tx, owner, HURRY)
    elif action == "promise":
        service.promise(tx, owner, CALM, "arrived", tx.now + timedelta(hours=30))
    elif action != "wait":
        service.happened(tx, "ticket", owner.id, action)
