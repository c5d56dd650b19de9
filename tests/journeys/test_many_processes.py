"""The server as many processes: every one restarted or killed in traffic, nothing lost or doubled.

Two ingest processes share the shards, one of two workers leads; each dies at least once, and the
other takes over what it had.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.seed import Chance
from fleet_server.broker.service import broker_secret
from simulators.hosts.fleet_host import FleetHost, FleetOrder
from simulators.hosts.ports import free_ports
from simulators.hosts.postgres_host import PostgresHost
from simulators.hosts.process import HostedProcess
from simulators.story.proofs import journals_equal, wait_until_committed
from simulators.story.stage import SANDWICH, WATER, Load, Stage
from simulators.story.step_1_sell import all_sales
from tests.journeys.test_thirty_kills import Traffic


@pytest.fixture
def stage(postgres_host: PostgresHost, tmp_path: Path) -> Iterator[Stage]:
    port = free_ports(1)[0]
    order = FleetOrder(
        folder=tmp_path,
        database_url=postgres_host.url,
        broker_url=f"mqtt://127.0.0.1:{port}",
        cabinet_port=port,
        ingests=2,
        workers=2,
    )
    fleet = FleetHost(order)
    broker_secret(fleet.data_dir)
    broker = HostedProcess(
        [sys.executable, "-m", "fleet_server", "broker"],
        tmp_path / "broker.log",
        {**os.environ, **fleet.environment, "FLEET_BROKER_PORT": str(port)},
    )
    stage = Stage(tmp_path, fleet, Chance.from_seed(1))
    stage.open()
    broker.start()
    yield stage
    stage.close()
    broker.stop()


@pytest.mark.real_parts
@pytest.mark.timeout(280)
def test_a_rolling_restart_and_a_kill_of_each_process_lose_nothing(stage: Stage) -> None:
    fleet = stage.server
    assert isinstance(fleet, FleetHost)
    site = stage.add_site("Tower", 31.23, 121.47)
    cabinets = [stage.add_cabinet(name, site) for name in ("C1", "C2", "C3")]
    for cabinet in cabinets:
        stage.plan(cabinet, {"A1": SANDWICH, "A2": WATER})
        loads = [("A1", SANDWICH, "L1"), ("A2", WATER, "W1")]
        stage.load(cabinet, [Load(*load, 200, "2099-01-01") for load in loads])
    traffic = Traffic(cabinets)
    with traffic:
        for one in fleet.processes:
            fleet.restart(one)
            time.sleep(1)
        for one in fleet.processes:
            one.kill()
            time.sleep(0.5)
            one.start()
            time.sleep(1)
        fleet.wait_ready()
    wait_until_committed(cabinets)
    proof = journals_equal(cabinets, fleet.database_url)
    assert (proof.lost, proof.doubled) == (0, 0)
    taken = {one.payment_reference for shopper in traffic.shoppers for one in shopper.taken}
    paid = [sale["payment_reference"] for sale in all_sales(stage)]
    assert len(paid) == len(set(paid))
    assert taken <= set(paid)
    assert len(taken) > len(fleet.processes)
