"""The load on real parts: a server with its broker, cabinets under one epoll, the command."""

import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_server.app import build
from fleet_server.rules.service import put_rules
from fleet_server.settings import Settings
from protocol.rules import BlockKind, Notice, Rule, Terms
from simulators.errors import SimulatorError
from simulators.hosts.server_host import ServerHost
from simulators.load.mix import PLANOGRAM
from simulators.load.orders import Member, Roll, read_roll
from simulators.load.processes import LoadProcesses, shared_out
from simulators.load.registration import ROLL_FILE, roll_of
from simulators.load.runner import Load, LoadOrder, LoadReport, Standing

pytestmark = pytest.mark.real_parts

CABINETS = 50
COMMAND_SECONDS_MAX = 60.0
Journal = dict[str, dict[int, tuple[str, bytes]]]
"""Epoch -> sequence -> type and SHA-256 of the body."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerHost]:
    host = ServerHost(tmp_path_factory.mktemp("load"))
    host.start()
    yield host
    host.stop()


@pytest.fixture
def settings(host: ServerHost) -> Settings:
    return Settings(data_dir=host.data_dir, database_url=host.database_url)


@pytest.fixture
def roll(settings: Settings) -> Roll:
    return roll_of(settings, CABINETS)


def order(host: ServerHost, roll: Roll, **changes: object) -> LoadOrder:
    known: dict[str, object] = {
        "roll": roll,
        "broker_url": f"mqtt://127.0.0.1:{host.broker_port}",
        "events_per_second": 400.0,
        "batch": 3,
        "seconds": 2.0,
        "spread_seconds": 1.0,
        "keep_hashes": True,
    }
    return LoadOrder(**(known | changes))  # type: ignore[arg-type]  # by name


def journal(host: ServerHost) -> Journal:
    found: Journal = {}
    path = host.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        for epoch, seq, kind, body in database.execute(
            "SELECT epoch, seq, type, body FROM journal_events"
        ):
            entry = (kind, hashlib.sha256(body.encode()).digest())
            assert found.setdefault(epoch, {}).setdefault(seq, entry) is entry, "doubled"
        assert database.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
    return found


def assert_same_both_ways(report: LoadReport, kept: Journal) -> None:
    """Every event written is a row, and every row of these epochs was written."""
    assert report.written > 0
    assert report.committed == report.written
    for cabinet, (epoch, head, _) in report.heads.items():
        rows = kept.get(epoch, {})
        assert sorted(rows) == list(range(1, head + 1)), cabinet
        assert [rows[seq][1] for seq in sorted(rows)] == report.hashes[cabinet]
        assert report.positions[cabinet] == head


def test_everything_written_is_committed_once_though_connections_are_cut(
    host: ServerHost, roll: Roll
) -> None:
    load = Load(order(host, roll))
    cut: list[str] = []

    def watch(now: Standing) -> None:
        if now.written > 0 and len(cut) < 12:
            for wire in load.wires[len(cut) : len(cut) + 6]:
                cut.append(wire.cabinet.member.cabinet)
                load.cut(wire)

    report = load.run(watch)
    assert len(cut) == 12
    assert report.lost_connections >= 12
    assert len(report.latencies) == report.written
    assert_same_both_ways(report, journal(host))


def test_a_second_run_of_the_same_cabinets_is_a_later_session(host: ServerHost, roll: Roll) -> None:
    """P-9: a session that began again at 1 would be an older one."""
    few = Roll(roll.fleet, roll.signing_keys, roll.members[:3])
    first, second = (Load(order(host, few, seconds=0.2)) for _ in range(2))
    first.run()
    last = max(wire.cabinet.session for wire in first.wires)
    assert_same_both_ways(second.run(), journal(host))
    assert min(wire.cabinet.session for wire in second.wires) >= last


def test_a_closed_loop_always_has_a_batch_ready(host: ServerHost, roll: Roll) -> None:
    report = Load(order(host, roll, events_per_second=None, batch=10, seconds=1.0)).run()
    assert report.written >= 20 * CABINETS
    assert_same_both_ways(report, journal(host))


def test_no_events_are_only_births_and_heartbeats(host: ServerHost, roll: Roll) -> None:
    before = sum(len(rows) for rows in journal(host).values())
    report = Load(order(host, roll, events_per_second=0.0, seconds=0.5)).run()
    told = {"rules.applied", "desired.applied"}
    kept = journal(host)
    epochs = {epoch for epoch, _, _ in report.heads.values()}
    assert {kind for epoch in epochs for kind, _ in kept.get(epoch, {}).values()} <= told
    assert sum(len(rows) for rows in kept.values()) == before + report.written


def test_a_recall_reaches_every_cabinet_that_is_online(
    host: ServerHost, roll: Roll, settings: Settings
) -> None:
    """P-16, P-17: one broadcast; each answers what it blocks by the one matcher."""
    load = Load(order(host, roll, events_per_second=100.0, seconds=600.0))
    version: list[int] = []

    def watch(now: Standing) -> None:
        if not version and now.written > 0:
            version.append(recalled(settings))
        held = {wire.cabinet.shelf.rules_version for wire in load.wires}
        if version and held == {version[0]}:
            load.stop.set()

    report = load.run(watch)
    blocked = {slot.name for slot in PLANOGRAM if slot.gtin == PLANOGRAM[1].gtin}
    assert all(set(wire.cabinet.shelf.blocked) == blocked for wire in load.wires)
    assert_same_both_ways(report, journal(host))
    assert report.refused_orders == 0


def recalled(settings: Settings) -> int:
    """Version of the bundle that recalls a product, put in force as the recall feature does."""
    notice = Notice("停售", "Not sold")
    rule = Rule("LOAD-1", 1, BlockKind.RECALL, Terms(gtins=[PLANOGRAM[1].gtin]), notice)
    server = build(settings)
    try:
        with server.transactions.write("system:test") as tx:
            return put_rules(tx, server.signing, "LOAD-1", 1, [rule]).version
    finally:
        server.close()


def test_processes_share_the_cabinets_and_add_up(host: ServerHost, roll: Roll) -> None:
    seen: list[Standing] = []
    report = LoadProcesses(order(host, roll), 2).run(seen.append)
    assert len(report.heads) == CABINETS
    assert seen[-1].connected == CABINETS
    assert_same_both_ways(report, journal(host))


def test_a_process_that_fails_fails_the_load(host: ServerHost, roll: Roll) -> None:
    nowhere = order(host, roll, broker_url="http://127.0.0.1:1")
    with pytest.raises(SimulatorError, match="mqtt://host:port"):
        LoadProcesses(nowhere, 2).run()


def test_shares_add_up_to_the_order(host: ServerHost, roll: Roll) -> None:
    shares = shared_out(order(host, roll), 3)
    members = [one for share in shares for one in share.roll.members]
    assert sorted(one.cabinet for one in members) == [one.cabinet for one in roll.members]
    assert sum(share.events_per_second or 0 for share in shares) == pytest.approx(400.0)
    with pytest.raises(SimulatorError):
        shared_out(order(host, roll), CABINETS + 1)


def command(host: ServerHost, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "FLEET_DATA_DIR": str(host.data_dir),
        "FLEET_DATABASE_URL": host.database_url,
    }
    url = f"mqtt://127.0.0.1:{host.broker_port}"
    return subprocess.run(  # our own command
        [sys.executable, "-m", "simulators", "load", "--broker", url, *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )


def test_the_command_says_what_became_of_it(host: ServerHost, tmp_path: Path) -> None:
    figures = tmp_path / "load.json"
    done = command(
        host, "--cabinets", "20", "--events-per-second", "100", "--batch", "2", "--duration", "1",
        "--mix", "faults", "--json", str(figures),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "written" in done.stdout
    told = json.loads(figures.read_text())
    assert told["written"] == told["committed"] > 0
    assert len(told["cabinets"]) == 20
    kept = journal(host)
    for one in told["cabinets"].values():
        assert one["committed"] == one["head"] == len(kept.get(one["epoch"], {}))


def test_the_command_refuses_what_it_cannot_do(host: ServerHost, tmp_path: Path) -> None:
    assert command(host, "--cabinets", "1", "--mix", "dances").returncode == 2
    assert command(host, "--cabinets", "1", "--events-per-second", "some").returncode == 2
    missing = command(host, "--cabinets", "1", "--credentials", str(tmp_path / "none"))
    assert missing.returncode == 2
    assert "no roll" in missing.stdout


def test_the_roll_is_a_secret_and_is_used_again(roll: Roll, settings: Settings) -> None:
    path = settings.data_dir / ROLL_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert roll_of(settings, 10).members == roll.members[:10]
    assert read_roll(path).members[:CABINETS] == roll.members


def test_a_registration_that_was_killed_goes_on(tmp_path: Path) -> None:
    """What the database knows and the roll does not is passed over."""
    alone = Settings(data_dir=tmp_path)
    before = roll_of(alone, 3).members
    (tmp_path / ROLL_FILE).unlink()
    after = roll_of(alone, 3).members
    assert not {one.cabinet for one in before} & {one.cabinet for one in after}


def test_without_a_broker_the_load_says_so(roll: Roll) -> None:
    nobody = Roll(roll.fleet, roll.signing_keys, [])
    with pytest.raises(SimulatorError, match="no cabinet"):
        Load(LoadOrder(roll=nobody, broker_url="mqtt://127.0.0.1:1", events_per_second=1.0))


def test_a_cabinet_the_broker_does_not_know_never_connects(host: ServerHost, roll: Roll) -> None:
    stranger = Roll(roll.fleet, roll.signing_keys, [Member("L999999", "wrong", "s", "east")])
    load = Load(order(host, stranger, seconds=0.1))

    def watch(_: Standing) -> None:
        load.stop.set()

    report = load.run(watch)
    assert (report.written, report.heads["L999999"][1]) == (0, 0)
