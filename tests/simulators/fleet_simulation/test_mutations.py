"""The checkers can fail: each break of the product, in one place, is found within a few seeds."""

import pytest

from simulators.fleet_simulation.mutations import MUTATIONS
from simulators.fleet_simulation.runner import Plan, run_seed

PLAN = Plan(steps=120)
SEEDS_MAX = 6

FOUND_BY = {
    "receipt_before_commit": {"journal"},
    "cursor_not_moved": {"journal"},
    "no_dedup": {"server", "journal", "dead letters"},
    "holes_accepted": {"journal"},
    "stale_epochs_accepted": {"server", "journal", "dead letters"},
    "gate_open": {"selling"},
    "pending_rules_ignored": {"selling"},
    "no_ticket_join": {"work"},
    "ticket_without_owner": {"work"},
    "state_without_history": {"life cycle"},
    "sale_not_booked": {"selling"},
    "orders_repeated": {"selling"},
    "telemetry_told_ahead": {"journal"},
}
"""Mutation -> the checkers that may find it, whichever looks first."""

FIRST_TRIED: dict[str, tuple[int, ...]] = {
    "holes_accepted": (4,),
    "orders_repeated": (4,),
    "pending_rules_ignored": (12,),
    "stale_epochs_accepted": (4,),
}
"""Seeds that have what a mutation needs to show: they spare the others the time."""


def test_every_mutation_is_tried() -> None:
    assert FOUND_BY.keys() == MUTATIONS.keys()


@pytest.mark.parametrize("name", sorted(FOUND_BY))
def test_a_broken_product_is_found(name: str) -> None:
    found = ""
    for seed in FIRST_TRIED.get(name, ()) + tuple(range(1, SEEDS_MAX + 1)):
        with MUTATIONS[name]():
            found = run_seed(seed, PLAN).checker
        if found:
            break
    assert found in FOUND_BY[name]
