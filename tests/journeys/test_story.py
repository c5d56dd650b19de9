"""The demo proves its steps, and a broken product makes it fail with the reason.

Each broken version is the tree with one line changed; the story then runs as `make demo` runs it.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("protocol", "edge_agent", "fleet_server", "simulators")
STORY_SECONDS_MAX = 280


@dataclass(frozen=True)
class Breakage:
    """One line of the product, what it becomes, and what the demo then has to say."""

    file: str
    line: str
    broken: str
    reasons: tuple[str, ...]
    """Any of these: which step notices first is a matter of milliseconds."""


BREAKAGES = {
    "the gate allows everything": Breakage(
        "edge_agent/selling/gate.py",
        "    for check in _ORDER:",
        "    for check in ():",
        ("the gate refuses for the temperature",),
    ),
    "the receipt is dropped": Breakage(
        "fleet_server/ingest/batcher.py",
        "        self._link.publish_all(self._receipts(messages))",
        "        self._link.publish_all(self._receipts(messages)[:0])",
        # Without a receipt no rules are wanted and held, and the journal stands still (P-2).
        ("the shoppers get their goods", "applies desired state"),
    ),
    "the commit is skipped": Breakage(
        "fleet_server/transactions.py",
        "            session.commit()",
        "            session.rollback()",
        ("answered 401",),
    ),
}


def play(tree: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the story with the packages of `tree`."""
    return subprocess.run(
        [sys.executable, "-m", "simulators", "story", "--folder", str(folder), "--no-bound"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=STORY_SECONDS_MAX,
        check=False,
    )


@pytest.mark.real_parts
def test_the_story_is_proven_step_by_step(tmp_path: Path) -> None:
    done = play(ROOT, tmp_path)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "lost 0, doubled 0" in done.stdout


@pytest.mark.real_parts
@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_product_fails_the_story_with_the_reason(name: str, tmp_path: Path) -> None:
    breakage, tree = BREAKAGES[name], tmp_path / "tree"
    for package in PACKAGES:
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tree / package, ignore=skipped)
    path = tree / breakage.file
    text = path.read_text()
    assert text.count(breakage.line) == 1, "the line this breakage changes has moved"
    path.write_text(text.replace(breakage.line, breakage.broken))
    done = play(tree, tmp_path / "run")
    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-2000:]
    assert any(reason in done.stdout for reason in breakage.reasons), done.stdout[-4000:]
