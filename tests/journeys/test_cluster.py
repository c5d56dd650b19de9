"""A cluster under load: a node is killed and comes back, another loses its network for a while.

Three NATS nodes, PostgreSQL, two ingest processes on shards, cabinets spread over the nodes. Where
the system allows it (root, iproute2) each node has a network namespace of its own and one is cut
off as by a pulled cable; elsewhere, as the log says, they run on loopback and it is stopped.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from fleet_server.ingest.models import Cursor, JournalEvent
from simulators.cluster.host import NODES, ClusterHost, ClusterOrder
from simulators.cluster.network import NodeNetwork, network_of
from simulators.hosts.postgres_host import PostgresHost
from simulators.load.registration import roll_of
from simulators.load.runner import Load, LoadOrder, LoadReport, Standing
from simulators.load.wire import Stage

CABINETS = 60
EVENTS_PER_SECOND = 120.0
KILLED, CUT = 1, 2
"""Nodes, from 0. Ingest processes begin on 0 and 1: one of them has to move."""
KILL_AT, BACK_AT, CUT_AT, MEND_AT, SECONDS = 3.0, 8.0, 11.0, 16.0, 18.0
"""Of the load. A node is away for longer than the streams take to begin an election (4 s)."""


@pytest.fixture
def postgres() -> Iterator[PostgresHost]:
    postgres = PostgresHost()
    postgres.start()
    yield postgres
    postgres.stop()


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
    postgres: PostgresHost, network: NodeNetwork | None, tmp_path: Path
) -> Iterator[ClusterHost]:
    cluster = ClusterHost(ClusterOrder(tmp_path, postgres.url, network=network))
    yield cluster
    cluster.stop()


class Events:
    """What happens while the load runs, and what is seen of it twice a second."""

    def __init__(self, cluster: ClusterHost, load: Load) -> None:
        self._cluster, self._load = cluster, load
        self._engine = create_engine(cluster.settings.database_url)
        node = cluster.nodes[KILLED]
        self._due: list[tuple[float, Callable[[], None]]] = [
            (KILL_AT, node.kill),
            (BACK_AT, node.launch),
            (CUT_AT, lambda: cluster.cut(CUT)),
            (MEND_AT, lambda: cluster.mend(CUT)),
        ]
        self.homes: list[Counter[int]] = []
        """How many cabinets were connected to each node, before each thing happened."""
        self.receipts_ahead = 0

    def watch(self, standing: Standing) -> None:
        """For `Load.run`."""
        self._compare()
        while self._due and standing.written and standing.elapsed >= self._due[0][0]:
            self.homes.append(self._connected())
            self._due.pop(0)[1]()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _connected(self) -> Counter[int]:
        online = [one for one in self._load.wires if one.stage is Stage.ONLINE]
        return Counter((one.node - 1) % NODES for one in online)

    def _compare(self) -> None:
        """Cabinets first, then the database: a receipt they have must be there already (P-4)."""
        told = {one.cabinet.epoch: one.cabinet.committed for one in self._load.wires}
        with Session(self._engine) as session:
            rows = select(Cursor.epoch, Cursor.committed).where(Cursor.lane == "journal")
            kept = {row.epoch: row.committed for row in session.execute(rows)}
        self.receipts_ahead += sum(told[epoch] > kept.get(epoch, 0) for epoch in told)


def journal_of(database_url: str) -> dict[str, tuple[str, int, str]]:
    """Cabinet -> epoch, count of rows, digest: the form of `LoadReport.heads`."""
    digests, counts, epochs = defaultdict(hashlib.sha256), Counter[str](), {}
    engine = create_engine(database_url)
    with Session(engine) as session:
        rows = select(
            JournalEvent.cabinet_id, JournalEvent.epoch, JournalEvent.seq, JournalEvent.body
        ).order_by(JournalEvent.cabinet_id, JournalEvent.seq)
        for cabinet, epoch, seq, body in session.execute(rows):
            digests[cabinet].update(f"{seq}:{body}\n".encode())
            counts[cabinet] += 1
            epochs[cabinet] = epoch
    engine.dispose()
    return {one: (epochs[one], counts[one], digests[one].hexdigest()) for one in digests}


def play(cluster: ClusterHost) -> tuple[LoadReport, Events]:
    """Start the cluster with cabinets that joined, and let everything happen."""
    cluster.data_dir.mkdir(parents=True, exist_ok=True)
    roll = roll_of(cluster.settings, CABINETS)
    cluster.start()
    order = LoadOrder(
        roll,
        cluster.broker_url,
        EVENTS_PER_SECOND,
        batch=2,
        seconds=SECONDS,
        spread_seconds=1.0,
    )
    load = Load(order)
    events = Events(cluster, load)
    try:
        return load.run(events.watch), events
    finally:
        events.close()


@pytest.mark.real_parts
@pytest.mark.timeout(280)
def test_a_node_killed_and_a_node_cut_off_under_load_lose_nothing(cluster: ClusterHost) -> None:
    report, events = play(cluster)
    assert journal_of(cluster.settings.database_url) == report.heads
    assert report.positions == {one: head for one, (_, head, _) in report.heads.items()}
    assert report.written >= CABINETS * 10
    assert (events.receipts_ahead, report.fell_back) == (0, 0)
    before, while_away, *_, after = events.homes
    assert set(before) == set(range(NODES))
    assert while_away[KILLED] == 0
    assert after.total() == CABINETS  # each went on to another node of its list
