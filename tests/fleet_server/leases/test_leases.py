"""Leases: one holder at a time, an even share for everyone who lives, nothing held by the dead."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from fleet_server.leases.models import Lease
from fleet_server.leases.rules import Share, share
from fleet_server.leases.service import LEASE, give_back, hold, hold_share, make_leases

NAMES = [f"shard/{number:02d}" for number in range(64)]
PROCESSES = ["a", "b", "c", "d"]

holdings = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*PROCESSES, "dead"]))


@given(st.sets(st.sampled_from(PROCESSES), min_size=1), holdings)
def test_nobody_takes_what_the_living_hold_nor_more_than_a_fair_share(
    living: set[str], held: dict[str, str]
) -> None:
    me = min(living)
    decided = share(me, living, NAMES, held)
    mine = {name for name, holder in held.items() if holder == me}
    fair = -(-len(NAMES) // len(living))
    assert decided.keeps | decided.gives_back == mine
    assert len(decided.keeps | decided.takes) <= fair
    assert all(held.get(name) not in living for name in decided.takes)


@given(st.sets(st.sampled_from(PROCESSES), min_size=1), holdings)
def test_a_few_rounds_spread_all_leases_evenly(living: set[str], held: dict[str, str]) -> None:
    for _ in range(3):
        for me in sorted(living):
            decided = share(me, living, NAMES, held)
            held = {name: who for name, who in held.items() if name not in decided.gives_back}
            held |= dict.fromkeys(decided.takes, me)
    counts = [sum(who == me for who in held.values()) for me in living]
    assert sum(counts) == len(NAMES)
    assert max(counts) - min(counts) <= len(living)


def look(server: FleetServer, process: str) -> Share:
    with server.transactions.write("system:test") as tx:
        return hold_share(tx, NAMES, process)


def owned(server: FleetServer, process: str) -> set[str]:
    decided = look(server, process)
    return set(decided.keeps | decided.takes)


def test_one_process_holds_everything_two_share_and_the_survivor_takes_over(
    server: FleetServer, clock: ManualClock
) -> None:
    assert len(owned(server, "a")) == 64
    assert owned(server, "b") == set()  # nothing is free yet
    first = owned(server, "a")
    second = owned(server, "b")
    assert (len(first), len(second)) == (32, 32)
    assert not first & second
    clock.advance(LEASE.total_seconds() / 2)
    owned(server, "a")
    clock.advance(LEASE.total_seconds() / 2 + 1)  # b stands still past its time
    assert len(owned(server, "a")) == 64


def test_who_stops_leaves_its_share_at_once(server: FleetServer) -> None:
    for process in ("a", "b", "a", "b"):
        owned(server, process)
    with server.transactions.write("system:test") as tx:
        give_back(tx, "b")
    assert len(owned(server, "a")) == 64


def test_the_timers_have_one_leader_until_its_time_is_over(
    server: FleetServer, clock: ManualClock
) -> None:
    def leads(process: str) -> bool:
        with server.transactions.write("system:test") as tx:
            return hold(tx, "timers", process)

    assert [leads("a"), leads("b"), leads("a")] == [True, False, True]
    clock.advance((LEASE + timedelta(seconds=1)).total_seconds())
    assert [leads("b"), leads("a")] == [True, False]


def test_rows_are_made_once_and_take_nothing_from_a_holder(server: FleetServer) -> None:
    held = owned(server, "a")
    with server.transactions.write("system:test") as tx:
        make_leases(tx, [*NAMES, "timers"])
    assert owned(server, "a") == held
    with server.transactions.read() as tx:
        assert tx.session.get_one(Lease, "timers").holder == ""
