"""A cluster under load: a node is killed and comes back, another loses its network for a while.

Three NATS nodes, PostgreSQL, two ingest processes on shards, sixty simulated cabinets and one real
agent, which begins at the node that is killed, with the brokers it was told at enrolment. Where
the system allows it (root, iproute2) each node has a network namespace of its own and one is cut
off as by a pulled cable; elsewhere, as the log says, they run on loopback and it is stopped.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from fleet_server.app import build
from fleet_server.cabinets.service import make_claim
from fleet_server.ingest.models import Cursor
from protocol.identity import shard_of
from simulators.cluster.host import MQTT_PORT, NODES, ClusterHost, ClusterOrder
from simulators.cluster.network import NodeNetwork, network_of
from simulators.hosts.cabinet_host import CabinetHost, CabinetPorts
from simulators.hosts.ports import free_ports
from simulators.hosts.postgres_host import PostgresHost
from simulators.load.registration import roll_of
from simulators.load.runner import Load, LoadOrder, LoadReport, Standing
from simulators.load.wire import Stage, Wire
from simulators.story.proofs import Row, cabinets_rows, server_rows, wait_until_committed
from tests.registry import add_a_cabinet, add_a_site

CABINETS = 60
EVENTS_PER_SECOND = 120.0
KILLED, CUT = 1, 2
"""Nodes, from 0. Ingest processes begin on 0 and 1: one of them has to move."""
KILL_AT, BACK_AT, CUT_AT, MEND_AT, SECONDS = 2.0, 7.0, 9.0, 14.0, 15.0
"""Of the load. A node is away for longer than the streams take to begin an election (4 s)."""


@pytest.fixture
def network() -> Iterator[NodeNetwork | None]:
    found = network_of(NODES)
    if isinstance(found, str):
        print(f"nodes run on loopback, no namespaces here: {found}")
        yield None
        return
    print("nodes run in network namespaces")
    yield found
    found.stop()


@pytest.fixture
def cluster(
    postgres_host: PostgresHost, network: NodeNetwork | None, tmp_path: Path
) -> Iterator[ClusterHost]:
    cluster = ClusterHost(ClusterOrder(tmp_path, postgres_host.url, network=network))
    yield cluster
    cluster.stop()


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[CabinetHost]:
    """A real agent; plugged in and started by the test."""
    name = next(one for one in map("C{}".format, range(64)) if shard_of(one) % NODES == KILLED)
    cabinet = CabinetHost(name, tmp_path, 2, MQTT_PORT, CabinetPorts(*free_ports(2)))
    told_at_enrolment = re.sub(r"(?m)^brokers = .*$", "", cabinet.config.read_text())
    cabinet.config.write_text(told_at_enrolment)
    yield cabinet
    cabinet.unplug()


class Events:
    """What happens while the load runs, and what is seen of it twice a second."""

    def __init__(self, cluster: ClusterHost, cabinet: CabinetHost, load: Load) -> None:
        self._cluster, self._load = cluster, load
        self._engine = create_engine(cluster.settings.database_url)
        node = cluster.nodes[KILLED]
        self._due: list[tuple[float, Callable[[], None]]] = [
            (KILL_AT, self._note_who_is_there),
            (KILL_AT, node.kill),
            (KILL_AT, lambda: cabinet.locks.open_door(1)),
            (BACK_AT, lambda: cabinet.locks.close_door(1)),
            (BACK_AT, node.launch),
            (CUT_AT, lambda: cluster.cut(CUT)),
            (MEND_AT, lambda: cluster.mend(CUT)),
        ]
        self.homes: Counter[int] = Counter()
        """How many cabinets were connected to each node before anything happened."""
        self._left_behind: list[tuple[Wire, int]] = []
        self.receipts_ahead = 0

    def watch(self, standing: Standing) -> None:
        """For `Load.run`."""
        self._compare()
        while self._due and standing.written and standing.elapsed >= self._due[0][0]:
            self._due.pop(0)[1]()

    @property
    def all_moved(self) -> bool:
        """Whether each cabinet of the killed node went on to another one of its list."""
        return all(wire.node > attempts for wire, attempts in self._left_behind)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _note_who_is_there(self) -> None:
        online = [one for one in self._load.wires if one.stage is Stage.ONLINE]
        self.homes.update((one.node - 1) % NODES for one in online)
        self._left_behind = [(one, one.node) for one in online if (one.node - 1) % NODES == KILLED]

    def _compare(self) -> None:
        """Cabinets first, then the database: a receipt they have must be there already (P-4)."""
        told = {one.cabinet.epoch: one.cabinet.committed for one in self._load.wires}
        with Session(self._engine) as session:
            rows = select(Cursor.epoch, Cursor.committed).where(Cursor.lane == "journal")
            kept = {row.epoch: row.committed for row in session.execute(rows)}
        self.receipts_ahead += sum(told[epoch] > kept.get(epoch, 0) for epoch in told)


def rows_of(report: LoadReport) -> Counter[Row]:
    """Every event the simulated cabinets recorded."""
    return Counter(
        (cabinet, report.heads[cabinet][0], seq, body.hex())
        for cabinet, hashes in report.hashes.items()
        for seq, body in enumerate(hashes, 1)
    )


def join(cluster: ClusterHost, cabinet: CabinetHost) -> None:
    """Let a real agent join as at the bench, and start it."""
    server = build(cluster.settings)
    add_a_cabinet(server, add_a_site(server), cabinet.cabinet_id)
    with server.transactions.write("system:test") as tx:
        code, _ = make_claim(tx, cabinet.cabinet_id, timedelta(hours=1))
    server.close()
    cabinet.plug_in()
    cabinet.enrol(cluster.fleet.url, code)
    cabinet.agent.start()
    wait_until_committed([cabinet])
    home = cluster.nodes[KILLED].url
    if node_of(cabinet) != home:  # it came before that node had been told of it, and went on
        cabinet.agent.stop()
        cabinet.agent.start()
        wait_until_committed([cabinet])
    assert node_of(cabinet) == home


def node_of(cabinet: CabinetHost) -> str:
    """Where an agent is connected, as the system sees it."""
    found = psutil.Process(cabinet.agent.pid).net_connections("tcp4")
    (broker,) = [
        one.raddr
        for one in found
        if one.status == psutil.CONN_ESTABLISHED and one.laddr.port != cabinet.ports.local
    ]
    return f"mqtt://{broker.ip}:{broker.port}"


def play(cluster: ClusterHost, cabinet: CabinetHost) -> tuple[LoadReport, Events]:
    """Start the cluster with cabinets that joined, and let everything happen."""
    cluster.data_dir.mkdir(parents=True, exist_ok=True)
    roll = roll_of(cluster.settings, CABINETS)
    cluster.start()
    join(cluster, cabinet)
    load = Load(
        LoadOrder(
            roll,
            cluster.broker_url,
            EVENTS_PER_SECOND,
            batch=2,
            seconds=SECONDS,
            spread_seconds=1.0,
            keep_hashes=True,
        )
    )
    events = Events(cluster, cabinet, load)
    try:
        return load.run(events.watch), events
    finally:
        events.close()


@pytest.mark.real_parts
@pytest.mark.timeout(280)
def test_a_node_killed_and_a_node_cut_off_under_load_lose_nothing(
    cluster: ClusterHost, cabinet: CabinetHost
) -> None:
    report, events = play(cluster, cabinet)
    wait_until_committed([cabinet])
    recorded = rows_of(report) + cabinets_rows([cabinet])
    assert server_rows(cluster.settings.database_url) == recorded
    assert report.positions == {one: head for one, (_, head, _) in report.heads.items()}
    assert report.written >= CABINETS * 10
    assert (events.receipts_ahead, report.fell_back) == (0, 0)
    assert set(events.homes) == set(range(NODES))
    assert events.all_moved
