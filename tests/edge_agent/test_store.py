"""The one file: transactions, steps of the schema, damage, a full disk."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DoorReading
from edge_agent.selling.doors import WAITING_MAX
from edge_agent.selling.faults import LOST_STORE_PART
from edge_agent.selling.inspection import FAILURES_MAX
from edge_agent.selling.vend_book import VendOrder
from edge_agent.store import STORE_FILE, StorageError, Store, TransactionError
from tests.edge_agent.model_server import START
from tests.edge_agent.workbench import Bench, ready

STEP = "CREATE TABLE thing (name TEXT) STRICT;"


def opened(directory: Path, *steps: str) -> Store:
    return Store.open(directory, steps or (STEP,), now=START)


def test_all_of_a_transaction_is_written_or_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with store.transaction():
        store.write("INSERT INTO thing VALUES ('kept')")

    def fail_halfway() -> None:
        with store.transaction():
            store.write("INSERT INTO thing VALUES ('gone')")
            store.write("INSERT INTO nothing VALUES ('gone')")

    with pytest.raises(sqlite3.OperationalError):
        fail_halfway()
    assert store.rows("SELECT name FROM thing") == [("kept",)]
    store.close()


def test_a_transaction_inside_a_transaction_is_a_defect(tmp_path: Path) -> None:
    store = opened(tmp_path)
    with pytest.raises(TransactionError), store.transaction(), store.transaction():
        pass
    with pytest.raises(TransactionError):
        store.write("INSERT INTO thing VALUES ('x')")
    store.close()


def test_a_commit_survives_power_cuts(tmp_path: Path) -> None:
    store = opened(tmp_path)
    assert store.row("PRAGMA synchronous") == (2,)
    assert store.row("PRAGMA journal_mode") == ("wal",)
    store.close()


def test_new_schema_steps_are_added_to_an_old_store(tmp_path: Path) -> None:
    store = opened(tmp_path, STEP)
    with store.transaction():
        store.write("INSERT INTO thing VALUES ('old')")
    store.close()
    newer = opened(tmp_path, STEP, "CREATE TABLE other (name TEXT) STRICT;")
    assert newer.rows("SELECT name FROM thing") == [("old",)]
    assert newer.rows("SELECT name FROM other") == []
    newer.close()
    with pytest.raises(StorageError, match="schema"):
        opened(tmp_path, STEP)


@pytest.mark.parametrize("damage", [b"rubbish" * 999, b""], ids=["rubbish", "missing"])
def test_a_damaged_or_missing_store_is_noticed_until_it_was_admitted(
    tmp_path: Path, damage: bytes
) -> None:
    first = opened(tmp_path)
    assert not first.lost
    first.close()
    (tmp_path / STORE_FILE).write_bytes(damage)
    if not damage:
        (tmp_path / STORE_FILE).unlink()
    for _ in range(2):
        store = opened(tmp_path)
        assert store.lost
        store.close()
    store = opened(tmp_path)
    with store.transaction():
        store.admit_loss()
    assert not store.lost
    store.close()


def test_a_lost_store_latches_the_hold_again_and_sells_nothing(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    bench = ready(make_bench())
    bench.crash()
    for path in (tmp_path / "cabinet").glob("agent.sqlite*"):
        path.unlink()
    again = make_bench()
    again.server.rules_version = 1
    again.steps(3)
    assert again.agent.cabinet.parts.faults.safety_hold
    (latched,) = again.bodies("hold.latched")
    assert (latched["part"], latched["reading"]) == (LOST_STORE_PART, "store_lost")
    assert again.vend("pay-1").reason == "rules_pending"
    ready(again)
    assert again.vend("pay-2").reason == "temperature"
    again.crash()
    third = make_bench()
    third.steps(3)
    assert third.agent.cabinet.parts.faults.safety_hold


def fill(bench: Bench) -> None:
    """Let the file not grow any more, as a full disk does."""
    store = bench.agent.cabinet.parts.store
    pages = store.row("PRAGMA page_count")
    assert pages is not None
    store.row(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(StorageError), store.transaction():
        store.write(
            "INSERT INTO value SELECT 'x' || value, hex(zeroblob(9999)) FROM "
            "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 50)"
            " SELECT value FROM n)"
        )


def test_p07_with_a_full_disk_the_cabinet_stops_selling_and_goes_on_when_there_is_room(
    bench: Bench,
) -> None:
    fill(bench)
    answer = bench.vend("pay-1")
    assert (answer.outcome, answer.reason) == ("refused", "storage")
    assert bench.doors.pulses == []
    bench.steps(25)
    assert bench.vend("pay-1").reason == "storage"
    bench.agent.cabinet.parts.store.row("PRAGMA max_page_count = 1000000")
    bench.steps(25)
    assert bench.vend("pay-2").outcome == "dispensed"
    for kind in ("fault.raised", "fault.cleared"):
        assert [body["code"] for body in bench.bodies(kind)] == ["STORAGE_FULL"]


def test_p07_a_door_seen_open_while_the_disk_was_full_is_a_sale_when_there_is_room(
    bench: Bench,
) -> None:
    bench.doors.stuck = True
    bench.vend("pay-1")
    store = bench.agent.cabinet.parts.store
    store.row("PRAGMA query_only = ON")  # as a disk that the kernel made read-only
    bench.doors.state["A1"] = DoorState.OPEN
    bench.steps(2)
    bench.close_doors()
    bench.steps(30)
    assert bench.bodies("sale.completed") == []
    store.row("PRAGMA query_only = OFF")
    bench.steps(25)
    assert [body["payment_reference"] for body in bench.bodies("sale.completed")] == ["pay-1"]
    assert bench.bodies("vend.failed") == []
    assert bench.units() == 4


def test_p07_a_vend_that_the_full_disk_stopped_before_the_pulse_is_no_failure_of_the_slot(
    make_bench: Callable[..., Bench],
) -> None:
    full_after = [0]

    def fill_up() -> None:
        full_after[0] -= 1
        if full_after[0] == 0:
            bench.agent.cabinet.parts.store.row("PRAGMA query_only = ON")

    bench = ready(make_bench(after_commit=fill_up))
    store = bench.agent.cabinet.parts.store
    for number in range(FAILURES_MAX):
        full_after[0] = 1  # the authorisation is written, the pulse is not
        answer = bench.agent.cabinet.vend(VendOrder(f"pay-{number}", "A1"))
        assert (answer.outcome, answer.reason) == ("failed", "storage")
        bench.steps(25)
        assert bench.agent.cabinet.vend(VendOrder(f"pay-{number}", "A1")).outcome == "authorised"
        store.row("PRAGMA query_only = OFF")
        bench.steps(25)
        assert bench.vend(f"pay-{number}") == answer
    assert bench.doors.pulses == []
    assert [body["cause"] for body in bench.bodies("vend.failed")] == ["storage"] * FAILURES_MAX
    assert bench.vend("pay-9").outcome == "dispensed"


def test_p07_a_pulse_that_failed_while_the_disk_was_full_is_told_with_its_cause(
    bench: Bench,
) -> None:
    bench.doors.refusing = True
    store = bench.agent.cabinet.parts.store
    bench.agent.cabinet.vend(VendOrder("pay-1", "A1"))
    store.row("PRAGMA query_only = ON")
    bench.steps(30)
    store.row("PRAGMA query_only = OFF")
    bench.steps(25)
    assert [body["cause"] for body in bench.bodies("vend.failed")] == ["NoAnswer"]


def test_p07_doors_that_moved_while_the_disk_was_full_are_told_as_they_were_seen(
    bench: Bench,
) -> None:
    store = bench.agent.cabinet.parts.store
    store.row("PRAGMA query_only = ON")
    at = []
    for state in (DoorState.OPEN, DoorState.CLOSED) * 2:
        bench.doors.state["A1"] = state
        bench.step()
        at.append(bench.clock.wall())
        bench.steps(6)
    assert "door.opened" not in bench.types()
    store.row("PRAGMA query_only = OFF")
    bench.steps(25)
    events = [event for event in bench.agent.outbox.events(0, 1_000) if "door." in event.type]
    assert [event.type for event in events] == ["door.opened", "door.closed"] * 2
    assert [event.at for event in events] == at
    assert [body["open_seconds"] for body in bench.bodies("door.closed")] == [7.0, 7.0]


def test_p07_edges_of_doors_in_memory_are_bounded_and_the_newest_are_told(bench: Bench) -> None:
    store = bench.agent.cabinet.parts.store
    store.row("PRAGMA query_only = ON")
    for _ in range(WAITING_MAX // 2 + 3):
        for state in (DoorState.OPEN, DoorState.CLOSED):
            reading = DoorReading("locks", "A1", state, bench.clock.elapsed())
            with contextlib.suppress(StorageError):
                bench.agent.cabinet.observe(reading)
    store.row("PRAGMA query_only = OFF")
    bench.steps(15)
    moved = [kind for kind in bench.types() if kind.startswith("door.")]
    assert moved == ["door.opened", "door.closed"] * 3


def test_p07_selling_stops_while_the_fault_can_still_be_written(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench(storage_reserve_bytes=2**62))
    bench.steps(11)
    assert bench.vend("pay-1").reason == "storage"
    assert "STORAGE_FULL" in {body["code"] for body in bench.bodies("fault.raised")}


def test_a_disk_that_cannot_be_used_at_all_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StorageError):
        opened(tmp_path / "file")
