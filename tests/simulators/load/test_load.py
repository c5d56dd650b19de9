"""Fifty cabinets against the real broker and the real server: what they wrote is what is stored."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer, build
from fleet_server.ingest.models import JournalEvent
from fleet_server.settings import Settings
from simulators.hosts.amqtt_host import AmqttHost
from simulators.load.registration import ROLL_FILE, roll_of
from simulators.load.runner import Load, LoadOrder, LoadReport

CABINETS = 50
ROOT = Path(__file__).parents[3]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FleetServer]:
    data_dir = tmp_path / "data"
    broker = AmqttHost(tmp_path, data_dir)
    port = int(broker.url.rpartition(":")[2])
    server = build(Settings(data_dir=data_dir, broker_port=port))
    server.prepare()
    broker.start()
    server.start()
    yield server
    server.stop()
    broker.stop()


def order(server: FleetServer, **changes: object) -> LoadOrder:
    made = LoadOrder(
        roll=roll_of(server.settings, CABINETS),
        broker_url=server.settings.resolved_broker_url,
        events_per_second=400,
        seconds=4,
        spread_seconds=1.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # by name


def stored(server: FleetServer) -> dict[str, tuple[str, int, str]]:
    """What the database holds of each cabinet: epoch, newest sequence, digest of all bodies."""
    digests = defaultdict(hashlib.sha256)
    heads: dict[str, tuple[str, int]] = {}
    with server.transactions.read() as tx:
        found = select(JournalEvent).order_by(JournalEvent.cabinet_id, JournalEvent.seq)
        for row in tx.session.scalars(found):
            digests[row.cabinet_id].update(f"{row.seq}:{row.body}\n".encode())
            heads[row.cabinet_id] = (row.epoch, row.seq)
    return {one: (*heads[one], digests[one].hexdigest()) for one in heads}


def must_be_stored(server: FleetServer, report: LoadReport) -> None:
    assert report.committed == report.written > CABINETS
    assert stored(server) == report.heads


@pytest.mark.real_parts
def test_what_was_written_is_what_is_stored(server: FleetServer) -> None:
    must_be_stored(server, Load(order(server)).run())


@pytest.mark.real_parts
def test_connections_that_are_cut_cost_nothing(server: FleetServer) -> None:
    load = Load(order(server, events_per_second=None, batch=3))
    rounds = threading.Thread(target=cut_some, args=(load,))
    rounds.start()
    report = load.run()
    rounds.join()
    assert report.lost_connections >= 10
    must_be_stored(server, report)


def cut_some(load: Load) -> None:
    """Cut connections as they are: the sockets end under the tool's hands."""
    time.sleep(1.5)
    for wire in load.wires[:10]:
        if wire.connection is not None:
            wire.connection.shutdown(2)
        time.sleep(0.05)


@pytest.mark.real_parts
def test_the_command_says_what_it_did_and_keeps_the_roll_secret(
    server: FleetServer, tmp_path: Path
) -> None:
    figures = tmp_path / "figures.json"
    arguments = ["--cabinets", "20", "--events-per-second", "200", "--duration", "2"]
    broker = ["--broker", server.settings.resolved_broker_url, "--json", str(figures)]
    done = subprocess.run(
        [sys.executable, "-m", "simulators", "load", *arguments, *broker],
        cwd=ROOT,
        env={**os.environ, "FLEET_DATA_DIR": str(server.settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(figures.read_text())
    assert told["committed"] == told["written"] > 20
    roll = server.settings.data_dir / ROLL_FILE
    assert roll.stat().st_mode & 0o777 == 0o600
    assert "credential" not in done.stdout


def test_an_unknown_mix_or_rate_is_refused(tmp_path: Path) -> None:
    for wrong in (["--mix", "tea"], ["--events-per-second", "many"]):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "simulators",
                "load",
                "--cabinets",
                "1",
                "--broker",
                "mqtt://h",
                *wrong,
            ],
            cwd=ROOT,
            env={**os.environ, "FLEET_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 2, done.stdout + done.stderr
