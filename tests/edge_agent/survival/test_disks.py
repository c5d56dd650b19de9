"""Disks that fill to the last byte, refuse every write, turn read-only, vanish, or come back.

Real file systems: a small tmpfs, an ext4 image whose kernel turns it read-only, and a limit that
makes each write of this process fail. Mounting needs root; without it those tests are left out and
say so.
"""

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.doors import WAITING_MAX
from edge_agent.selling.vend_book import VendOrder
from edge_agent.store import STORE_FILE, StorageError
from protocol.commands import CommandName
from protocol.events import ClearedBy, StockMoved
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.workbench import Bench, ready

Made = Callable[..., Bench]
RESERVE_BYTES = 256 * 1024
DISK_BYTES = 3 * 1024 * 1024
LOOP_ERROR = Path("/sys/fs/ext4")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, small enough to be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", folder],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting needs root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # noqa: S607


@pytest.fixture
def shop(disk: Path, make_bench: Made) -> Bench:
    bench = ready(make_bench(disk / "cabinet", storage_reserve_bytes=RESERVE_BYTES))
    bench.load("A2", lot="L2")
    bench.steps(2)
    return bench


def fill(folder: Path, leave: int = 0) -> None:
    """Write until nothing goes in any more, or until `leave` bytes are left."""
    with (folder / "filler").open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            with contextlib.suppress(OSError):
                while (room := os.statvfs(folder)).f_bavail * room.f_frsize > leave:
                    file.write(b"x" * size)


def make_room(folder: Path) -> None:
    (folder / "filler").unlink()


def sold(bench: Bench) -> list[object]:
    return [body["payment_reference"] for body in bench.bodies("sale.completed")]


def codes(bench: Bench, kind: str) -> list[object]:
    return [body["code"] for body in bench.bodies(kind) if body["code"] == "STORAGE_FULL"]


def take_out(bench: Bench) -> None:
    bench.agent.cabinet.remove(StockMoved("A2", GTIN_A, "L2", 1, "tester"))


def test_p07_selling_stops_with_room_left_and_everything_else_goes_on(
    disk: Path, shop: Bench
) -> None:
    """Removal, service, release and orders need the reserve: they have it."""
    fill(disk, leave=RESERVE_BYTES // 2)
    shop.steps(25)
    assert shop.vend("pay-1").reason == "storage"
    assert codes(shop, "fault.raised") == ["STORAGE_FULL"]
    take_out(shop)
    shop.agent.cabinet.parts.faults.service(on=True)
    shop.link.send_command(
        shop.server.command(CommandName.UNLOCK, shop.clock.wall(), args={"door": "A2"})
    )
    shop.steps(5)
    shop.close_doors()
    shop.agent.cabinet.parts.faults.service(on=False)
    shop.steps(5)
    assert [body["outcome"] for body in shop.bodies("command.finished")] == ["succeeded"]
    assert shop.units("A2") == 4
    make_room(disk)
    shop.steps(25)
    assert shop.vend("pay-2").outcome == "dispensed"
    assert codes(shop, "fault.cleared") == ["STORAGE_FULL"]


def test_p07_a_disk_filled_to_the_last_byte_in_mid_vend_forgets_no_sale(
    disk: Path, shop: Bench
) -> None:
    shop.doors.stuck = True
    assert shop.agent.cabinet.vend(VendOrder("pay-1", "A1")).outcome == "pulsed"
    fill(disk)
    shop.doors.state["A1"], shop.doors.stuck = DoorState.OPEN, False
    shop.steps(30)
    shop.close_doors()
    shop.steps(30)
    assert shop.vend("pay-2").reason == "storage"
    with pytest.raises(StorageError):
        take_out(shop)
    shop.server.rules_version = 2
    shop.link.send(shop.server.receipt())
    shop.steps(3)
    assert shop.agent.cabinet.parts.contact.rules_pending(1), "newer rules are wanted all the same"
    make_room(disk)
    shop.steps(25)
    shop.link.send_rules(shop.server.rules(2, []))
    shop.steps(5)
    take_out(shop)
    assert shop.vend("pay-3").outcome == "dispensed"
    assert sold(shop) == ["pay-1", "pay-3"]
    assert (shop.units("A1"), shop.units("A2")) == (3, 4)
    assert codes(shop, "fault.raised") == codes(shop, "fault.cleared") == ["STORAGE_FULL"]
    assert len(shop.doors.pulses) == 2
    shop.steps(10)
    assert shop.server.journal.committed == shop.agent.outbox.committed


def test_p07_what_is_written_reaches_the_server_while_the_disk_is_full(
    disk: Path, shop: Bench, make_bench: Made
) -> None:
    """A start on a full disk could note no receipt, and so sent the same batch for ever."""
    shop.link.cut()
    shop.link.reachable = False
    shop.vend("pay-1")
    shop.close_doors()
    shop.steps(3)
    fill(disk)
    die(shop)
    again = make_bench(
        disk / "cabinet",
        server=shop.server,
        clock=shop.clock,
        doors=shop.doors,
        seed=2,
        storage_reserve_bytes=RESERVE_BYTES,
    )
    again.steps(90)
    assert [event.type for event in again.server.events("sale.completed")] == ["sale.completed"]
    assert again.agent.outbox.committed == again.server.journal.committed
    assert again.vend("pay-2").reason == "storage"


@pytest.mark.parametrize("state", ["authorised", "pulsed"])
def test_an_agent_that_starts_on_a_full_disk_waits_for_room_and_settles_what_was_open(
    disk: Path, shop: Bench, make_bench: Made, state: str
) -> None:
    shop.doors.stuck = True
    vends = shop.agent.cabinet.parts.vends
    if state == "authorised":
        vends._open_door = lambda _vend: True  # type: ignore[method-assign]  # dies before it
    shop.agent.cabinet.vend(VendOrder("pay-1", "A1"))
    fill(disk)
    die(shop)
    again = make_bench(
        disk / "cabinet",
        server=shop.server,
        clock=shop.clock,
        doors=shop.doors,
        seed=2,
        storage_reserve_bytes=RESERVE_BYTES,
    )
    again.steps(40)
    assert again.vend("pay-2").reason == "storage"
    assert again.bodies("vend.failed") == []
    make_room(disk)
    again.steps(40)
    (failed,) = again.bodies("vend.failed")
    assert failed["cause"] == "power_cut"
    assert again.types().count("agent.started") == 2
    again.doors.stuck = False
    assert again.vend("pay-3").outcome == "dispensed"


def test_a_week_of_refused_writes_keeps_memory_bounded_and_then_all_is_told(
    make_bench: Made, tmp_path: Path
) -> None:
    bench = ready(make_bench(tmp_path / "cabinet"))
    with refusing_writes():
        for turn in range(250):
            state = DoorState.OPEN if turn % 2 else DoorState.CLOSED
            bench.doors.state = {"A1": state, "A2": DoorState.CLOSED}
            bench.celsius = 3.0 + turn % 9
            bench.step(2_400.0)
        parts = bench.agent.cabinet.parts
        assert bench.vend("pay-1").reason == "storage"
        assert len(parts.doors._waiting) <= WAITING_MAX
        assert len(parts.faults._pending) <= 500
        assert len(bench.agent._telemetry._waiting) <= 2_001
    bench.close_doors()
    bench.celsius = 3.0
    bench.steps(30)
    assert codes(bench, "fault.raised") == codes(bench, "fault.cleared") == ["STORAGE_FULL"]


def test_a_disk_that_the_kernel_turned_read_only_stops_sale_and_a_new_start_goes_on(
    tmp_path: Path, make_bench: Made
) -> None:
    with ext4(tmp_path) as (folder, fail):
        bench = ready(make_bench(folder / "cabinet", storage_reserve_bytes=RESERVE_BYTES))
        assert bench.vend("pay-1").outcome == "dispensed"
        bench.close_doors()
        bench.steps(3)
        fail()
        bench.steps(30)
        assert bench.vend("pay-2").reason == "storage"
        assert len(bench.doors.pulses) == 1
        bench.crash()
        still = make_bench(folder / "cabinet", server=bench.server, clock=bench.clock, seed=2)
        still.steps(70)
        assert still.vend("pay-2").reason == "storage"
        still.crash()
    with ext4(tmp_path) as (folder, _):
        again = make_bench(
            folder / "cabinet",
            server=bench.server,
            clock=bench.clock,
            doors=bench.doors,
            seed=3,
            storage_reserve_bytes=RESERVE_BYTES,
        )
        again.steps(70)
        assert again.vend("pay-3").outcome == "dispensed"
        assert sold(again) == ["pay-1", "pay-3"]
        again.crash()


def test_a_store_that_is_deleted_under_a_running_agent_sells_nothing_more(
    make_bench: Made, tmp_path: Path
) -> None:
    """What it wrote would be gone at the next start: a sale would be forgotten."""
    bench = ready(make_bench(tmp_path / "cabinet"))
    for path in (tmp_path / "cabinet").glob(f"{STORE_FILE}*"):
        path.unlink()
    bench.steps(15)
    assert bench.vend("pay-1").reason == "storage"
    assert [event.type for event in bench.server.events("fault.raised")] == ["fault.raised"]
    bench.crash()
    again = make_bench(tmp_path / "cabinet", server=bench.server, clock=bench.clock)
    again.steps(3)
    assert again.agent.cabinet.parts.faults.safety_hold
    assert again.agent.uplink.standing().journal.epoch != bench.server.journal.epoch or (
        again.agent.outbox.new_epoch
    )


def test_somebody_who_holds_the_store_stops_sale_and_not_the_agent(
    make_bench: Made, tmp_path: Path
) -> None:
    """A tool in a write transaction; the core died of it, again at each start."""
    bench = ready(make_bench(tmp_path / "cabinet"))
    bench.agent.cabinet.parts.store.row("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(tmp_path / "cabinet" / STORE_FILE, isolation_level=None)) as tool:
        tool.execute("BEGIN IMMEDIATE")
        bench.steps(30)
        assert bench.vend("pay-1").reason == "storage"
        tool.execute("ROLLBACK")
    bench.steps(25)
    assert bench.vend("pay-2").outcome == "dispensed"
    assert len(bench.doors.pulses) == 1


def test_room_inside_the_file_counts_and_is_made_of_what_the_server_has(
    make_bench: Made, tmp_path: Path
) -> None:
    """Deleting leaves a file as large as it was: by the disk alone sale would never go on."""
    bench = ready(make_bench(tmp_path / "cabinet"))
    store, watch = bench.agent.cabinet.parts.store, bench.agent.cabinet.parts.senses.storage
    with store.transaction():
        store.remember("ballast", "x" * 3_000_000)
    free = store.free_bytes()
    watch._reserve_bytes = free + 2_000_000
    bench.steps(15)
    assert bench.vend("pay-1").reason == "storage"
    with store.transaction():
        store.forget("ballast")
    watch._reserve_bytes = (store.free_bytes() + 2_000_000) // 2
    bench.steps(15)
    assert bench.vend("pay-2").outcome == "dispensed"
    watch._reserve_bytes = 2**62
    bench.steps(130)
    floor = bench.agent.uplink.standing().journal.floor
    assert floor > bench.server.journal.committed - 5, "acknowledged events make room at once"


def test_a_hold_is_released_on_site_with_little_room(disk: Path, shop: Bench) -> None:
    shop.celsius = 12.0
    shop.steps(80, seconds=30.0)
    faults = shop.agent.cabinet.parts.faults
    assert faults.safety_hold
    fill(disk, leave=RESERVE_BYTES // 2)
    shop.steps(15)
    assert not shop.agent.cabinet.parts.senses.storage.ok
    faults.release(
        "TEMP_SAFETY_HOLD", "cabinet", by="tech", ground="pin", cleared_by=ClearedBy.ONSITE
    )
    assert not faults.safety_hold


def die(bench: Bench) -> None:
    """Leave the files as SIGKILL does: log and shared memory stay, nothing is copied."""
    store = bench.agent.cabinet.parts.store
    folder = store.path.parent
    kept = {path: path.read_bytes() for path in folder.glob(f"{STORE_FILE}*")}
    bench.crash()
    room = folder.parent / "filler"
    os.truncate(room, max(0, room.stat().st_size - DISK_BYTES // 3))
    for path, data in kept.items():
        path.write_bytes(data)
    fill(folder.parent)


@contextlib.contextmanager
def refusing_writes() -> Iterator[None]:
    """Every write to a file fails (EFBIG), wherever in the file; reads do not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@contextlib.contextmanager
def ext4(folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A small ext4 with a way to have its kernel turn it read-only."""
    image, mounted = folder / "image", folder / "ext4"
    mounted.mkdir(exist_ok=True)
    if not image.exists():
        image.write_bytes(b"")
        os.truncate(image, 16 * 1024 * 1024)
        _run("mkfs.ext4", "-q", image)
    _run("mount", "-o", "loop,errors=remount-ro", image, mounted)
    try:
        device = _run("findmnt", "-no", "SOURCE", mounted).strip().removeprefix("/dev/")
        trigger = LOOP_ERROR / device / "trigger_fs_error"
        if not trigger.exists():
            pytest.skip("this kernel has no trigger_fs_error")
        yield mounted, lambda: trigger.write_text("test") and None
    finally:
        _run("umount", "--lazy", mounted)


def _run(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    if done.returncode != 0:
        pytest.skip(f"{command[0]} is not permitted here: {done.stderr.strip()[-200:]}")
    return done.stdout
