"""The load on real parts, beyond `test_load.py`: sessions, recalls, processes, the roll, Ctrl-C."""

import hashlib
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_server.app import build
from fleet_server.rules.service import put_rules
from fleet_server.settings import Settings
from protocol import mqtt_packets as mqtt
from protocol.rules import BlockKind, Notice, Rule, Terms
from simulators.errors import SimulatorError
from simulators.hosts.server_host import ServerHost
from simulators.load.mix import PLANOGRAM
from simulators.load.orders import Member, Roll, read_roll
from simulators.load.processes import LoadProcesses, shared_out
from simulators.load.registration import ROLL_FILE, roll_of
from simulators.load.runner import Load, LoadOrder, LoadReport, Standing
from simulators.load.wire import Silence, Stage

pytestmark = pytest.mark.real_parts

CABINETS = 50
STORM_CABINETS = 300
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


def test_a_second_run_of_the_same_cabinets_is_a_later_session(host: ServerHost, roll: Roll) -> None:
    """P-9: a session that began again at 1 would be an older one."""
    few = roll.part(roll.members[:3])
    first, second = (Load(order(host, few, seconds=0.2)) for _ in range(2))
    first.run()
    last = max(wire.cabinet.session for wire in first.wires)
    assert_same_both_ways(second.run(), journal(host))
    assert min(wire.cabinet.session for wire in second.wires) >= last


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


def offline(host: ServerHost) -> set[str]:
    with sqlite3.connect(host.database_url.removeprefix("sqlite:///")) as database:
        found = database.execute("SELECT cabinet_id FROM cabinet_presence WHERE NOT online")
        return {cabinet for (cabinet,) in found}


def test_a_silenced_cabinet_says_no_more_and_only_a_closed_connection_tells_of_it(
    host: ServerHost, roll: Roll
) -> None:
    few = roll.part(roll.members[:6])
    load = Load(order(host, few, events_per_second=0.0, seconds=60.0))
    silenced: dict[str, float] = {}
    closed = {one.cabinet for one in few.members[2::3]}

    def watch(now: Standing) -> None:
        if not silenced and now.backlog == 0 and now.connected == len(few.members):
            for wire, how in zip(load.wires, 2 * list(Silence), strict=True):
                silenced[wire.cabinet.member.cabinet] = wire.cabinet.spoke_at
                load.silence(wire, how)
        elif silenced and closed <= offline(host):
            load.stop.set()

    load.run(watch)
    assert offline(host) & set(silenced) == closed
    assert silenced == {w.cabinet.member.cabinet: w.cabinet.spoke_at for w in load.wires}


def test_a_storm_of_connects_is_answered_whole(host: ServerHost, settings: Settings) -> None:
    """P-11: all at once, then all cut and back within the spread; each birth has its receipt."""
    many = roll_of(settings, STORM_CABINETS)
    load = Load(order(host, many, events_per_second=0.0, seconds=120.0, connect_per_second=1e6))
    cut: list[int] = []

    def watch(_: Standing) -> None:
        answered = all(
            wire.stage is Stage.ONLINE and wire.cabinet.is_answered for wire in load.wires
        )
        if answered and not cut:
            cut.extend(wire.cabinet.session for wire in load.wires)
            for wire in load.wires:
                load.cut(wire)
        elif answered:
            load.stop.set()

    load.run(watch)
    assert len(cut) == STORM_CABINETS
    assert all(w.cabinet.session > before for w, before in zip(load.wires, cut, strict=True))
    assert all(wire.cabinet.is_answered for wire in load.wires)


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


def test_a_cabinet_the_broker_does_not_know_never_connects(host: ServerHost, roll: Roll) -> None:
    stranger = roll.part([Member("L999999", "wrong", "s", "east")])
    load = Load(order(host, stranger, seconds=0.1))

    def watch(_: Standing) -> None:
        load.stop.set()

    report = load.run(watch)
    assert (report.written, report.heads["L999999"][1]) == (0, 0)


class DeafBroker:
    """Takes one cabinet and every message; no receipt ever comes from it."""

    def __init__(self, granted: bytes = b"\x01\x01") -> None:
        """`granted`: its answer to the two subscriptions."""
        self._granted = granted
        self.asked = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.journal = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with self._listener, connection:
            assert connection.recv(65_536).startswith(mqtt.CONNECT)  # alone: it waits for CONNACK
            connection.sendall(b"\x20\x02\x00\x00")
            while data := connection.recv(65_536):
                if data.startswith(mqtt.SUBSCRIBE):
                    self.asked.set()
                    connection.sendall(b"\x90\x04" + data[2:4] + self._granted)
                if b"/journal" in data:
                    self.journal.set()


def test_a_node_that_refuses_a_subscription_is_left_for_the_next_of_the_list() -> None:
    """A NATS cluster refuses while it elects a leader; who stayed would never hear a receipt."""
    refuses, grants = DeafBroker(b"\x01\x80"), DeafBroker()
    nodes = ",".join(f"mqtt://127.0.0.1:{one.port}" for one in (refuses, grants))
    roll = Roll("fleet", [], [Member("L1", "secret", "s", "east")])
    load = Load(LoadOrder(roll, nodes, 0.0, seconds=0.0, spread_seconds=0.0))
    report = load.run()
    assert refuses.asked.is_set()
    assert grants.asked.is_set()
    assert report.lost_connections == 1


def test_what_was_never_committed_ends_in_exit_code_1_after_the_second_ctrl_c(
    tmp_path: Path,
) -> None:
    file = tmp_path / "roll"
    Roll("fleet", [], [Member("L1", "secret", "s", "east")]).write(file)
    broker = DeafBroker()
    url = f"mqtt://127.0.0.1:{broker.port}"
    options = ["--cabinets", "1", "--broker", url, "--credentials", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", "load", "--events-per-second", "50", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert broker.journal.wait(COMMAND_SECONDS_MAX)
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)  # it waits for the last receipts
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=COMMAND_SECONDS_MAX)
    assert process.returncode == 1, output
    assert "committed" in output


def test_a_roll_that_is_none_or_of_another_fleet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="no roll"):
        read_roll(tmp_path / "none")
    (tmp_path / "other").write_text("[]")
    with pytest.raises(SimulatorError, match="no roll"):
        read_roll(tmp_path / "other")
