"""The figures of the engine can be measured: small days, no number asserted but what must hold."""

import pytest

from fleet_server.clock import SystemClock
from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.solvers.engines import Engine
from fleet_server.dispatch.solvers.pool import SolverPool
from tests.benchmarks.dispatch_engine import candidates_p95_ms, drawn_day, is_repeatable, p95


def test_a_drawn_day_is_the_same_for_the_same_seed_and_can_be_planned() -> None:
    problem = drawn_day(1, 5, 30)
    assert problem == drawn_day(1, 5, 30)
    assert Evaluator(problem).plan(built(problem)).is_legal


def test_candidates_are_timed() -> None:
    assert candidates_p95_ms(5, 30, 1, SystemClock(), asked=5) > 0


def test_ninety_five_of_a_hundred_are_at_or_below_p95() -> None:
    assert p95(list(range(1, 101))) == 95
    assert p95([3.0]) == 3.0


@pytest.mark.real_parts
def test_fresh_processes_give_the_same_plan_for_the_same_seed_and_iterations() -> None:
    assert is_repeatable(1, lambda: SolverPool([Engine.PYVRP]), iterations=20)
