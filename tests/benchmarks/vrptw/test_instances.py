"""Reading Solomon's format: what is in it, and a clear word about what is not."""

from pathlib import Path

import pytest

from tests.benchmarks.vrptw.best_known import best_known, is_list, listed
from tests.benchmarks.vrptw.generated import RECIPES, generated, write
from tests.benchmarks.vrptw.instances import InstanceError, cost_tenths, read

SMALL = """C101

VEHICLE
NUMBER     CAPACITY
  25         200

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      40         50          0          0       1236          0
    1      45         68         10        912        967         90
    2      45         70         30        825        870         90
"""


def saved(folder: Path, text: str, name: str = "c101.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    instance = read(saved(tmp_path, SMALL))
    assert (instance.name, instance.vehicles, instance.capacity) == ("C101", 25, 200)
    first = instance.customers[1]
    assert (first.x, first.y, first.demand) == (45, 68, 10)
    assert (first.ready, first.due, first.service) == (912, 967, 90)


def test_distances_are_cut_off_after_one_decimal(tmp_path: Path) -> None:
    """floor(10 x euclid): sqrt(5^2 + 18^2) = 18.68 becomes 18.6."""
    distances = read(saved(tmp_path, SMALL)).distances
    assert distances[0][1] == 186
    assert distances[1][2] == 20
    assert cost_tenths(distances, [[1], [2]]) == 2 * 186 + 2 * distances[0][2]


@pytest.mark.parametrize("kind", RECIPES)
def test_a_generated_instance_survives_its_file(tmp_path: Path, kind: str) -> None:
    instance = generated(kind, 3, 30)
    assert read(write(instance, tmp_path)) == instance
    assert generated(kind, 3, 30) == instance
    assert generated(kind, 4, 30) != instance


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("C101\nVEHICLE\nNUMBER CAPACITY\n25 200\n", "no CUSTOMER section"),
        (SMALL.replace("VEHICLE", "TRUCKS"), "no VEHICLE section"),
        (SMALL.replace("25         200", "25"), "whole numbers"),
        (SMALL.replace("25         200", "0 200"), "above 0"),
        (SMALL.replace("25         200", ""), "no numbers"),
        (SMALL.replace("912        967", "912        nine"), "not a number"),
        (SMALL.replace("912        967         90", "912        967"), "7 numbers"),
        (SMALL.replace("912        967", "967        912"), "ends before it begins"),
        (SMALL.replace("825        870", "825        inf"), "7 numbers"),
        (SMALL.replace("    2      45", "    3      45"), "numbered 3"),
        (SMALL.replace("10        912", "999       912"), "more than a vehicle holds"),
        (SMALL.split("    1  ", maxsplit=1)[0], "no customer"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_a_reason(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(InstanceError, match=reason) as caught:
        read(saved(tmp_path, text))
    assert "c101.txt" in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c101.txt"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InstanceError, match="not a text"):
        read(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bks.csv", "instance,cost\nC101,827.3\n"),
        ("bks.csv", "instance,vehicles,cost\nC101,10,827.3\n"),
        ("bks.json", '{"C101": 827.3}'),
        ("bks.json", '{"C101": {"vehicles": 10, "cost": 827.3}}'),
        ("bks.json", '[{"name": "c101", "cost": 827.3}]'),
        ("best_known.txt", "# DIMACS\nC101 827.3\n"),
        ("bks.txt", "c101;827.3\n"),
    ],
)
def test_lists_of_best_known_values_are_found(tmp_path: Path, name: str, text: str) -> None:
    path = saved(tmp_path, SMALL)
    assert is_list(saved(tmp_path, text, name))
    assert best_known(path, read(path), listed(tmp_path)) == 827.3


@pytest.mark.parametrize("text", ["[1, 2]", "{", '{"C101": {"routes": 10}}', '{"C101": "soon"}'])
def test_a_list_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    saved(tmp_path, text, "bks.json")
    with pytest.raises(InstanceError, match=r"bks\.json"):
        listed(tmp_path)


def test_a_solution_beside_counts_by_its_routes_in_our_rounding(tmp_path: Path) -> None:
    path = saved(tmp_path, SMALL)
    saved(tmp_path, "Route #1: 2 1\nCost 59.6\n", "c101.sol")
    assert best_known(path, read(path), {"C101": 1.0}) == (206 + 20 + 186) / 10
    saved(tmp_path, "Cost 59.6\n", "c101.sol")
    assert best_known(path, read(path), {"C101": 1.0}) == 59.6


def test_without_anything_beside_there_is_no_gap(tmp_path: Path) -> None:
    path = saved(tmp_path, SMALL)
    assert best_known(path, read(path), listed(tmp_path)) is None
