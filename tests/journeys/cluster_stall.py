"""How long others wait when a node dies: `python -m tests.journeys.cluster_stall QOS`.

No test: it makes the figures of docs/brokers.md again. QOS is that of the server's subscriptions.
"""

import sys
import tempfile
from pathlib import Path

from simulators.cluster.host import NODES, ClusterHost, ClusterOrder
from simulators.cluster.network import network_of
from simulators.hosts.postgres_host import PostgresHost
from simulators.load.registration import roll_of
from simulators.load.runner import Load, LoadOrder, Standing
from simulators.load.wire import Stage, Wire

CABINETS, EVENTS_PER_SECOND, SECONDS = 60, 120.0, 18.0
KILLED = 2
"""Ingest and worker processes begin at nodes 0 and 1."""
KILL_AT, BACK_AT = 3.0, 8.0
LONG_SECONDS = 1.0
"""Looks are half a second apart, and a cabinet writes twice in two seconds."""


class Waits:
    """What cabinets on living nodes wait for a receipt, until their connection ends if it does."""

    def __init__(self, cluster: ClusterHost, load: Load) -> None:
        self._load = load
        node = cluster.nodes[KILLED]
        self._due = [(KILL_AT, node.kill), (BACK_AT, node.launch)]
        self._attempts = {wire: wire.node for wire in load.wires}
        """Connections each had made before the node died."""
        self._since: dict[Wire, tuple[int, float]] = {}
        self.longest: dict[Wire, float] = {}
        self.nobody_seconds = 0.0
        """Longest time in which nothing was committed."""
        self._all = (0, 0.0)

    def watch(self, standing: Standing) -> None:
        """For `Load.run`; told from the first event on."""
        if not standing.written:
            return
        if standing.elapsed < KILL_AT:
            self._attempts = {wire: wire.node for wire in self._load.wires}
        while self._due and standing.elapsed >= self._due[0][0]:
            self._due.pop(0)[1]()
        if KILL_AT <= standing.elapsed < SECONDS:
            self._look(standing)

    def _look(self, standing: Standing) -> None:
        now, (committed, since) = standing.elapsed, self._all
        if committed != standing.committed or not standing.backlog:
            self._all = (standing.committed, now)
        else:
            self.nobody_seconds = max(self.nobody_seconds, now - since)
        for wire, attempts in self._attempts.items():
            stood = wire.stage is Stage.ONLINE and wire.node == attempts
            if not stood or (wire.node - 1) % NODES == KILLED:
                continue
            cabinet = wire.cabinet
            position, began = self._since.get(wire, (-1, now))
            if cabinet.committed == position and cabinet.backlog:
                self.longest[wire] = max(self.longest.get(wire, 0.0), now - began)
            else:
                self._since[wire] = (cabinet.committed, now)


def measure(folder: Path, uplink_qos: int) -> Waits:
    """One run."""
    network = network_of(NODES)
    assert not isinstance(network, str), network
    postgres = PostgresHost()
    postgres.start()
    order = ClusterOrder(folder, postgres.url, uplink_qos=uplink_qos, network=network)
    cluster = ClusterHost(order)
    try:
        roll = roll_of(cluster.settings, CABINETS)
        cluster.start()
        known = LoadOrder(
            roll, cluster.broker_url, EVENTS_PER_SECOND, 2, seconds=SECONDS, spread_seconds=1.0
        )
        load = Load(known)
        waits = Waits(cluster, load)
        load.run(waits.watch)
    finally:
        cluster.stop()
        network.stop()
        postgres.stop()
    return waits


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="cluster-stall-") as made:
        found = measure(Path(made), int(sys.argv[1]))
    waited = sorted(one for one in found.longest.values() if one > LONG_SECONDS)
    print(f"cabinets that waited longer than {LONG_SECONDS} s: {len(waited)}")
    print(f"longest wait: {max(found.longest.values(), default=0.0):.1f} s")
    print(f"nothing committed for: {found.nobody_seconds:.1f} s")
