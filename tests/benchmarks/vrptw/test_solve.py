"""A folder of instances is solved, checked by our evaluator, and compared with what is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.vrptw.checking import checked
from tests.benchmarks.vrptw.generated import generated, write
from tests.benchmarks.vrptw.instances import Instance, InstanceError, cost_tenths
from tests.benchmarks.vrptw.partition import partitioned
from tests.benchmarks.vrptw.search import FLAVOURS, searched
from tests.benchmarks.vrptw.solve import Solved, mean_gap_percent, solve_folder


@pytest.fixture(scope="module")
def instance() -> Instance:
    return generated("R1", 1, 20)


def test_a_route_each_is_feasible_and_its_cost_is_there_and_back(instance: Instance) -> None:
    alone = [[one.number] for one in instance.customers[1:]]
    seen = checked(instance, alone)
    assert seen.is_feasible
    assert seen.vehicles == 20
    assert seen.cost == 2 * sum(instance.distances[0]) / 10


def test_our_evaluator_sees_what_is_wrong_with_routes(instance: Instance) -> None:
    alone = [[one.number] for one in instance.customers[1:]]
    assert checked(instance, alone[:-1]).broken == ("left out 20",)
    assert checked(instance, [*alone, [1]]).broken == ("twice",)
    together = checked(
        replace(instance, capacity=50), [[one.number for one in instance.customers[1:]]]
    )
    assert "parts" in together.broken
    assert any(one.startswith("late at") for one in together.broken)


def test_two_halves_of_solutions_are_joined() -> None:
    """The partition takes the better half of each of two known solutions."""
    pool = {
        frozenset({1, 2}): (10, [1, 2]),
        frozenset({3, 4}): (50, [3, 4]),
        frozenset({1, 3}): (40, [1, 3]),
        frozenset({2, 4}): (40, [2, 4]),
        frozenset({3}): (5, [3]),
        frozenset({4}): (6, [4]),
    }
    joined = partitioned(pool, [[1, 2], [3, 4]], 5.0)
    assert sorted(joined) == [[1, 2], [3], [4]]


def test_a_search_from_given_routes_is_never_worse(instance: Instance) -> None:
    alone = [[one.number] for one in instance.customers[1:]]
    found = searched(instance, 0.2, 1, FLAVOURS[0], alone)
    assert checked(instance, found.routes).is_feasible
    assert found.cost == cost_tenths(instance.distances, found.routes)
    assert found.cost <= cost_tenths(instance.distances, alone)
    assert {frozenset(route) for route in found.routes} <= found.seen.keys()


@pytest.mark.real_parts
def test_a_folder_is_solved_and_its_gaps_are_against_what_lies_beside(tmp_path: Path) -> None:
    for kind in ("R1", "C2"):
        write(generated(kind, 1, 15), tmp_path)
    (tmp_path / "best_known.txt").write_text("R1-1 100\n", encoding="utf-8")
    one, other = solve_folder(tmp_path, 1.5, 1)
    assert [one.name, other.name] == ["C2-1", "R1-1"]
    assert one.is_feasible
    assert other.is_feasible
    assert one.gap_percent is None
    assert other.gap_percent == pytest.approx(other.cost - 100)
    assert mean_gap_percent([one, other]) == other.gap_percent
    assert other.distance == other.cost


def test_a_folder_without_an_instance_and_one_with_a_bad_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InstanceError, match="no instance"):
        list(solve_folder(tmp_path, 1.0, 1))
    (tmp_path / "bad.txt").write_text("R101\n", encoding="utf-8")
    with pytest.raises(InstanceError, match="VEHICLE"):
        list(solve_folder(tmp_path, 1.0, 1))


def test_an_infeasible_answer_has_no_part_in_the_mean() -> None:
    wrong = Solved("R1", 90.0, 1, False, ("late at 3",), 100.0, 1.0, [])  # noqa: FBT003  # a row
    assert mean_gap_percent([wrong]) is None
