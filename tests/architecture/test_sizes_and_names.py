"""Caps and names that a reader relies on, checked on every file."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("protocol", "edge_agent", "fleet_server", "simulators")
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"}
# Migrations are data: as long as the schema.
UNCAPPED = "migrations/versions"

TOP_LEVEL = {
    *PACKAGES,
    "tests",
    "deploy",
    "docs",
    ".ci",
    ".gitignore",
    "pyproject.toml",
    "Makefile",
    "README.md",
    "CHANGELOG.md",
    "constraints.txt",
}

FEATURE_FILES = {
    "__init__",
    "models",
    "states",
    "rules",
    "service",
    "queries",
    "api",
    "schemas",
    "events",
    "handlers",
    "errors",
}


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def sources() -> list[Path]:
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in (*PACKAGES, "tests")
    ]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_every_top_level_entry_has_a_place() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert entries <= TOP_LEVEL, f"no place for {sorted(entries - TOP_LEVEL)}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_within_their_caps(path: Path) -> None:
    if UNCAPPED in str(path):
        return
    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX
    for function in functions(path):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= FUNCTION_LINES_MAX, f"{function.name} has {lines} lines"


def test_no_module_is_called_by_an_empty_name() -> None:
    found = [
        path.relative_to(ROOT)
        for path in sources()
        if EMPTY_NAMES & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ]
    assert found == []


@pytest.mark.parametrize(
    "feature", ["faults", "tickets", "technicians", "stock", "sales", "recalls", "catalog"]
)
def test_a_feature_holds_only_the_files_everyone_knows_or_says_why(feature: str) -> None:
    for path in (ROOT / "fleet_server" / feature).glob("*.py"):
        if path.stem not in FEATURE_FILES:
            document = ast.get_docstring(ast.parse(path.read_text())) or ""
            assert "Split from" in document or "split from" in document, (
                f"{path.name}: say in the head what it was split from and why"
            )


def test_every_package_file_opens_with_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in sources()
        if path.name != "__init__.py" or path.relative_to(ROOT).parts[0] in PACKAGES
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert [path for path in silent if path.parts[0] != "tests"] == []


def test_nothing_names_a_registry_host_or_a_path_of_a_machine() -> None:
    words = (
        "python" + "hosted",
        "pypi" + ".org",
        "registry" + ".npm",
        "/work" + "/main",
        "/root" + "/",
    )
    for path in tracked():
        if path.suffix in {".py", ".md", ".txt", ".toml", ".json", ".html"} or path.name in {
            "Makefile",
            "run",
        }:
            text = path.read_text()
            assert not [word for word in words if word in text], path
