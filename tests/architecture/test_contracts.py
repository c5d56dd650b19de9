"""Each import contract is alive: a planted violation of it is caught."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("protocol", "edge_agent", "fleet_server", "simulators")

# contract id -> (file, line to plant)
VIOLATIONS = {
    "packages": ("edge_agent/clock.py", "import fleet_server.errors"),
    "edge": ("edge_agent/store.py", "import edge_agent.selling"),
    "server": ("fleet_server/stock/__init__.py", "import fleet_server.recalls.service"),
    "pure": ("protocol/wire.py", "import socket"),
    "one-door-serial": ("edge_agent/agent.py", "import serial"),
    "light-edge": ("edge_agent/settings.py", "import pydantic"),
}


def lint(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a copy of the packages."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tree), "PATH": ""},
    )


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_as_it_is_keeps_every_contract(tree: Path) -> None:
    found = lint(tree)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_is_caught_by_its_contract(tree: Path, contract: str) -> None:
    name, line = VIOLATIONS[contract]
    path = tree / name
    path.write_text(path.read_text() + f"\n{line}\n")
    found = lint(tree, "--contract", contract)
    assert found.returncode == 1, found.stdout + found.stderr
    assert "BROKEN" in found.stdout


def test_a_package_without_a_place_in_the_order_is_caught(tree: Path) -> None:
    (tree / "fleet_server" / "homeless.py").write_text('"""No place."""\n')
    found = lint(tree, "--contract", "server")
    assert found.returncode == 1
    assert "homeless" in found.stdout


def test_wall_clock_and_chance_outside_their_modules_are_caught(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        '"""Planted."""\n\nimport random\nimport time\nfrom datetime import datetime, timezone\n\n'
        "print(datetime.now(timezone.utc), time.time(), random.random())\n"
    )
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--config",
            str(ROOT / "pyproject.toml"),
            "--no-cache",
            str(planted),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.count("TID251") == 3, found.stdout
