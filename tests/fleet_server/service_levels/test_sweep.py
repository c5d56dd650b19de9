"""Warnings climb the ladder, breaches stay, stored values equal the replayed history."""

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from fleet_server.service_levels import service
from fleet_server.service_levels.clocks import replayed
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.presets import newest
from fleet_server.service_levels.queries import reading_of, steps_of
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


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["wait", "pause", "resume", "hurry", "triaged", "arrived", "resolved"]),
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
            assert replayed(steps_of(tx.session, clock.id)) == reading_of(clock)
    desk.clock.advance(1)


def _act(tx: Transaction, owner: service.Owner, action: str) -> None:
    if action in {"pause", "resume"}:
        state = "waiting_site" if action == "pause" else "triaged"
        service.entered(tx, "ticket", [owner.id], state)
    elif action == "hurry":
        service.retarget(tx, owner, HURRY)
    elif action != "wait":
        service.happened(tx, "ticket", owner.id, action)
