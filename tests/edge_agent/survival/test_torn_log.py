"""Power cuts inside COMMIT: any of the sectors that were being written may be missing.

Everything before was synced, so what counts is: the store is what it was before the transaction or
after it, whatever subset of sectors arrived and in whatever order, and it is never called damaged.
"""

import random  # noqa: TID251  # a seeded choice of sectors, the same in every run
from pathlib import Path

import pytest

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.store import STORE_FILE, Moment, Store
from tests.edge_agent.model_server import START
from tests.edge_agent.survival.day import Day
from tests.edge_agent.survival.points import contents, copy_store
from tests.edge_agent.survival.scenarios import SCENARIOS

SECTOR_BYTES = 512
HEADER_BYTES = 32
SEED = 1
TEARS_OF_A_COMMIT = 3
LOG = f"{STORE_FILE}-wal"


class Commits:
    """Copies of the folder right before and right after every COMMIT."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.pairs: list[tuple[Path, Path]] = []
        self._folder = folder
        self._kept = kept
        self._before: Path | None = None

    def __call__(self, kind: str) -> None:
        if kind not in {Moment.BEFORE_COMMIT, Moment.AFTER_COMMIT}:
            return
        after = kind == Moment.AFTER_COMMIT
        target = self._kept / f"{len(self.pairs)}-{kind}"
        copy_store(self._folder, target)
        if after and self._before is not None:
            self.pairs.append((self._before, target))
        self._before = None if after else target


@pytest.mark.parametrize(("name", "log_pages"), [("slot", 1_000), ("door", 8), ("documents", 8)])
def test_a_commit_is_there_or_not_whichever_sectors_arrived(
    name: str, log_pages: int, tmp_path: Path
) -> None:
    """`log_pages`: after so many the log is copied into the database and begun anew."""
    scenario, chance = SCENARIOS[name], random.Random(SEED)
    commits = Commits(tmp_path / "day", tmp_path / "kept")
    day = Day(scenario, tmp_path / "day", scenario.world(), witness=commits)
    day.bench.agent.cabinet.parts.store.row(f"PRAGMA wal_autocheckpoint = {log_pages}")
    day.play()
    day.bench.crash()
    seen = set()
    for number, (before, after) in enumerate(commits.pairs):
        was, is_now = contents(before), contents(after)
        for tear in range(TEARS_OF_A_COMMIT):
            torn = tmp_path / f"torn-{number}-{tear}"
            torn_folder(before, after, torn, chance)
            store = Store.open(torn, SCHEMA_STEPS, now=START)
            assert store.set_aside is None, f"seed {SEED}, commit {number}, tear {tear}"
            store.close()
            found = contents(torn)
            assert found in (was, is_now), f"seed {SEED}, commit {number}, tear {tear}"
            seen.add(found == was)
    assert seen == {True, False}


def torn_folder(before: Path, after: Path, torn: Path, chance: random.Random) -> None:
    """The log is synced before any of it goes into the database: never both are torn."""
    copied_into_database = same(before / STORE_FILE, after / STORE_FILE) is False
    copy_store(after if copied_into_database else before, torn)
    name = STORE_FILE if copied_into_database else LOG
    tear_file(before / name, after / name, torn / name, chance)


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def tear_file(before: Path, after: Path, torn: Path, chance: random.Random) -> None:
    """Write the new bytes of a random subset of the sectors that changed."""
    old, new = before.read_bytes(), after.read_bytes()
    data = bytearray(old.ljust(len(new), b"\0"))
    share = chance.choice([0.1, 0.5, 0.9, 1.0])
    for at in range(0, len(new), SECTOR_BYTES):
        if chance.random() < share:
            data[at : at + SECTOR_BYTES] = new[at : at + SECTOR_BYTES]
    # A log that begins anew has its header synced before its first frame (wal.c, sqlite3WalFrames).
    data[:HEADER_BYTES] = new[:HEADER_BYTES]
    cut = chance.randrange(len(old), len(new) + 1) if chance.random() < 0.5 else len(new)
    torn.write_bytes(bytes(data[:cut]))
