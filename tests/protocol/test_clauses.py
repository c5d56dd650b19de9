"""Each clause of protocol v1 has tests of its number; `docs/protocol.md` says in which files."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLAUSES = [f"P-{number}" for number in range(22)]
TEST_NAME = re.compile(r"test_p(\d\d)_")
ROW = re.compile(r"^\| (P-\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
DOCUMENT = (ROOT / "docs/protocol.md").read_text()


def clause_tests() -> dict[str, dict[str, set[str]]]:
    """Clause -> file -> names of its tests."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "name", "")
            numbered = TEST_NAME.match(name) if isinstance(node, ast.FunctionDef) else None
            if numbered:
                clause = f"P-{int(numbered[1])}"
                found[clause][str(path.relative_to(ROOT))].add(name)
    return found


TESTS = clause_tests()
ROWS = {clause: (modules, tests) for clause, modules, tests in ROW.findall(DOCUMENT)}


def test_no_test_carries_a_number_no_clause_has() -> None:
    assert set(TESTS) <= set(CLAUSES)


@pytest.mark.parametrize("clause", CLAUSES)
def test_a_clause_has_a_test_of_its_number(clause: str) -> None:
    assert TESTS[clause]


def test_the_document_has_one_row_for_each_clause_in_order() -> None:
    assert [clause for clause, _, _ in ROW.findall(DOCUMENT)] == CLAUSES


@pytest.mark.parametrize("clause", CLAUSES)
def test_the_modules_of_a_clause_exist(clause: str) -> None:
    modules = QUOTED.findall(ROWS[clause][0])
    assert modules
    for module in modules:
        assert (ROOT / module).exists(), module


@pytest.mark.parametrize("clause", CLAUSES)
def test_each_file_the_document_names_holds_a_test_of_the_clause(clause: str) -> None:
    named = set(QUOTED.findall(ROWS[clause][1]))
    assert named
    assert named <= set(TESTS[clause])
