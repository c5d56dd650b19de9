"""Random bytes anywhere in database or log: the store is right, or set aside; never a crash loop.

What is right to the last row may be used. Anything else is kept aside: the cabinet begins a new
epoch, latches the hold of perishable goods and sells nothing until the server spoke. The one
exception stands in `store_damage.py`: damage to the last two transactions of the log looks like a
torn write, and the store is then what it was before them.
"""

import random  # noqa: TID251  # a seeded choice of bytes, the same in every run
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.selling.vend_book import VendOrder
from edge_agent.store import KEPT_ASIDE_MAX, STORE_FILE, Store
from edge_agent.store_damage import SEAL, register, sealed_tables
from tests.edge_agent.model_server import START
from tests.edge_agent.survival.day import Day, Scenario
from tests.edge_agent.survival.points import contents, copy_store
from tests.edge_agent.survival.scenarios import SCENARIOS
from tests.edge_agent.survival.world import World

LENGTHS = (1, 1, 4, 16, 64, 512, 1_024, 4_096)
SEEDS = 120
LOG = f"{STORE_FILE}-wal"


@dataclass(frozen=True)
class Case:
    """A store in the middle of its life, and every state it had before its last commits."""

    scenario: Scenario
    folder: Path
    world: bytes
    rows: list[str]
    before: list[list[str]]


@pytest.fixture(scope="module", params=["log", "database"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """All in the log, or all in the database."""
    folder = tmp_path_factory.mktemp("damage")
    scenario = SCENARIOS["documents"]
    states: list[Path] = []

    def keep(kind: str) -> None:
        if kind == "after_commit":
            states.append(folder / f"state-{len(states)}")
            copy_store(folder / "day", states[-1])

    world = scenario.world()
    day = Day(scenario, folder / "day", world, witness=keep)
    for action in scenario.actions:
        action(day)
    if request.param == "database":
        day.bench.agent.cabinet.parts.store.row("PRAGMA wal_checkpoint(TRUNCATE)")
    copy_store(folder / "day", folder / "whole")
    frozen = world.freeze()
    day.bench.crash()
    rows = contents(folder / "whole")
    shutil.rmtree(folder / "whole" / "read")
    return Case(scenario, folder / "whole", frozen, rows, [contents(old) for old in states[-3:-1]])


def damaged(case: Case, folder: Path, seed: int) -> Path:
    """Copy with a run of random bytes somewhere."""
    chance = random.Random(seed)
    shutil.copytree(case.folder, folder)
    found = [path for path in folder.glob(f"{STORE_FILE}*") if path.stat().st_size]
    path = max(found, key=lambda file: file.stat().st_size)
    data = bytearray(path.read_bytes())
    at = chance.randrange(len(data))
    length = min(len(data) - at, chance.choice(LENGTHS))
    data[at : at + length] = chance.randbytes(length)
    path.write_bytes(bytes(data))
    return folder


def test_a_damaged_store_is_right_or_set_aside(case: Case, tmp_path: Path) -> None:
    aside = 0
    for seed in range(SEEDS):
        folder = damaged(case, tmp_path / str(seed), seed)
        store = Store.open(folder, SCHEMA_STEPS, now=START)
        lost = store.lost
        store.close()
        if store.set_aside is None:
            found = contents(folder)
            assert found == case.rows or found in case.before, f"seed {seed}"
        else:
            assert lost, f"seed {seed}"
            aside += 1
    assert aside > SEEDS / 2


@pytest.mark.parametrize("seed", [0, 7, 33, 74, 127, 393, 475, 702])
def test_an_agent_on_a_damaged_store_starts_latches_the_hold_and_sells_nothing(
    case: Case, tmp_path: Path, seed: int
) -> None:
    """Seeds that once altered a lot unseen, or ended the agent at each start."""
    folder = damaged(case, tmp_path / "store", seed)
    day = Day(case.scenario, folder, World.thaw(case.world), seed=seed)
    epoch = day.bench.agent.uplink.standing().journal.epoch
    aside = day.bench.agent.cabinet.parts.store.set_aside
    day.step(count=5)
    if aside is not None:
        assert day.bench.agent.cabinet.parts.faults.safety_hold
        assert epoch not in {known for known, _ in World.thaw(case.world).server.journal.entries}
        answer = day.bench.agent.cabinet.vend(VendOrder("pay-x", "A1"))
        assert answer.reason in {"rules_pending", "temperature"}
        assert day.bench.doors.pulses == World.thaw(case.world).doors.pulses
    day.restart()
    assert day.bench.agent.cabinet.parts.store.set_aside is None
    day.bench.crash()


def test_every_column_of_every_table_is_sealed(tmp_path: Path) -> None:
    store = Store.open(tmp_path, SCHEMA_STEPS, now=START)
    store.close()
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as connection:
        register(connection)
        sealed = sealed_tables(connection)
        tables = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%STRICT%'"
        ).fetchall()
    assert set(sealed) == {name for name, _ in tables}
    for name, sql in tables:
        inside = sql.split("row_seal(")[1].split(")")[0]
        assert [column.strip() for column in inside.split(",")] == sealed[name], name
        assert f"{SEAL} INTEGER AS" in sql


def test_a_power_cut_while_a_store_is_set_aside_loses_no_file_and_is_noticed(
    case: Case, tmp_path: Path
) -> None:
    """The database goes first: its log alone is never read into another one."""
    folder = tmp_path / "store"
    shutil.copytree(case.folder, folder)
    (folder / LOG).write_bytes(b"rest of a log")
    (folder / STORE_FILE).replace(folder / f"{STORE_FILE}.damaged-1")
    store = Store.open(folder, SCHEMA_STEPS, now=START)
    assert store.lost
    assert store.set_aside is not None
    store.close()
    assert b"rest of a log" in [path.read_bytes() for path in folder.glob("*-wal")]


def test_a_store_without_its_birth_mark_that_is_damaged_counts_as_lost(tmp_path: Path) -> None:
    Store.open(tmp_path, SCHEMA_STEPS, now=START).close()
    (tmp_path / "agent.born").unlink()
    (tmp_path / STORE_FILE).write_bytes(b"rubbish" * 999)
    store = Store.open(tmp_path, SCHEMA_STEPS, now=START)
    assert store.lost
    store.close()


def test_damaged_stores_do_not_fill_the_disk(tmp_path: Path) -> None:
    for _ in range(KEPT_ASIDE_MAX + 3):
        Store.open(tmp_path, SCHEMA_STEPS, now=START).close()
        (tmp_path / STORE_FILE).write_bytes(b"rubbish" * 999)
    Store.open(tmp_path, SCHEMA_STEPS, now=START).close()
    assert len(list(tmp_path.glob("*damaged*"))) == KEPT_ASIDE_MAX
