"""`make bench-ingest`: events a second, durable, exactly once, rules and tickets on.

Mosquitto, PostgreSQL (fsync on), one ingest and one worker process and the load share the cores
of one machine. Cabinets keep to stop-and-wait (P-2): a batch leaves when the receipt of the last
came, so the figure is what the server takes in, nothing is queued in front of it. The mix is
`vending`: a third of the events are sales with their lines and stock, 0.5 % raise or clear a fault
that opens or closes a ticket. Every part ends with every event committed, or fails.

Medians of RUNS runs, each with cabinets of its own. `FULL=1` adds the ten minutes of memory.
"""

import os
import statistics
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import psycopg
from rich.console import Console

from fleet_server.broker.service import broker_secret
from protocol.identity import SERVER_USER
from protocol.topics import server_subscriptions
from simulators.hosts.amqtt_host import AmqttHost
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from simulators.load.orders import Roll
from simulators.load.runner import LoadReport
from tests.benchmarks.figures import Goal, report
from tests.benchmarks.ingest import peers, raw_copy
from tests.benchmarks.ingest.node_red import NodeRedPeer
from tests.benchmarks.ingest.stack import Stack, stack

RUNS = 3
CABINETS = 1_500
SECONDS = 10.0
WARM_UP_SECONDS = 5.0
PROBES = 20
"""Cabinets that only raise and clear faults while the others are at half their speed."""
PROBE_EVENTS_PER_SECOND = 20.0
MEMORY_SECONDS = 600.0
PEER_CABINETS = 100
PEER_MESSAGES_EACH = 200
OTHERS_CABINETS = 150
"""For SQLite and amqtt, and for NATS: small sites."""

GOALS = {
    "events_per_s": Goal(">=", 10_000),
    "events_per_s_single": Goal(">=", 5_000),
    "ratio_to_copy": Goal(">=", 0.15),
    "fault_to_ticket_p99_ms": Goal("<=", 250),
}


class Rolls:
    """Hands out cabinets that have not spoken yet: a second epoch would be a lost store (P-5)."""

    def __init__(self, roll: Roll) -> None:
        self._roll = roll
        self._used = 0

    def next(self, count: int) -> Roll:
        """The next `count` cabinets."""
        members = self._roll.members[self._used : self._used + count]
        assert len(members) == count, "too few cabinets joined"
        self._used += count
        return self._roll.part(members)


def run(console: Console) -> None:
    """Measure and report."""
    figures: dict[str, float] = {}
    total = 3 * RUNS * CABINETS + CABINETS + RUNS * PROBES + PEER_CABINETS
    with console.status("PostgreSQL, Mosquitto, server") as status:
        with stack(MosquittoHost, total) as made:
            rolls = Rolls(made.roll)
            tell: Callable[[str], None] = status.update
            figures |= _speed(made, rolls, tell)
            console.log(figures)  # what takes a quarter of an hour says what it has so far
            figures |= _fault_to_ticket(made, rolls, figures["events_per_s"] / 2, tell)
            console.log(figures)
            figures["rss_growth_mb_10min"] = _memory(made, rolls, figures, tell)
            tell("raw COPY of the same rows")
            copied = raw_copy.events_per_second(made.connection_string, 2_000_000)
            figures["copy_events_per_s"] = copied
            figures["ratio_to_copy"] = figures["events_per_s"] / copied
            made.fleet.stop()
            figures |= _peers(made, rolls, tell)
        figures |= _others(tell)
    for peer in ("naive", "bare_loop", "node_red"):
        if f"{peer}_per_s" in figures:
            ours = figures["events_per_s_single"]
            figures[f"ratio_to_{peer}"] = ours / figures[f"{peer}_per_s"]
    note = f"{CABINETS} cabinets, mix vending, Mosquitto + PostgreSQL on the same cores"
    report(console, "ingest", figures, GOALS, note)


def _speed(made: Stack, rolls: Rolls, tell: Callable[[str], None]) -> dict[str, float]:
    tens, singles = [], []
    for number in range(RUNS):
        for batch, found in ((10, tens), (1, singles)):
            tell(f"batches of {batch}, run {number + 1} of {RUNS}")
            found.append(
                _whole(
                    made.play(
                        roll=rolls.next(CABINETS),
                        events_per_second=None,
                        batch=batch,
                        seconds=SECONDS,
                        warm_up_seconds=WARM_UP_SECONDS,
                    )
                ).events_per_second
            )
    return {
        "events_per_s": statistics.median(tens),
        "events_per_s_single": statistics.median(singles),
    }


def _fault_to_ticket(
    made: Stack, rolls: Rolls, rate: float, tell: Callable[[str], None]
) -> dict[str, float]:
    """From an event written to its receipt, which follows the commit of its ticket (P-4)."""
    found = []
    for number in range(RUNS):
        tell(f"faults at half load, run {number + 1} of {RUNS}")
        found.append(_probed(made, rolls, rate))
    return {
        "fault_to_ticket_p50_ms": statistics.median(one.latency_p50_ms for one in found),
        "fault_to_ticket_p99_ms": statistics.median(one.latency_p99_ms for one in found),
        "fault_to_ticket_p99_ms_worst_run": max(one.latency_p99_ms for one in found),
    }


def _probed(made: Stack, rolls: Rolls, rate: float) -> LoadReport:
    probes: list[LoadReport] = []
    probe = {
        "roll": rolls.next(PROBES),
        "events_per_second": PROBE_EVENTS_PER_SECOND,
        "batch": 1,
        "mix": "faults",
        "seconds": 2 * SECONDS,
        "warm_up_seconds": 2 * WARM_UP_SECONDS,
    }
    beside = threading.Thread(target=lambda: probes.append(_whole(made.play(**probe))))
    beside.start()
    _whole(
        made.play(
            roll=rolls.next(CABINETS),
            events_per_second=rate,
            batch=10,
            seconds=2 * SECONDS + WARM_UP_SECONDS,
            warm_up_seconds=WARM_UP_SECONDS,
        )
    )
    beside.join()
    return probes[0]


def _memory(
    made: Stack, rolls: Rolls, figures: dict[str, float], tell: Callable[[str], None]
) -> float:
    """Growth of the ingest process at half load, after a warm-up of a tenth of the time."""
    seconds = MEMORY_SECONDS if os.environ.get("FULL") else MEMORY_SECONDS / 5
    tell(f"memory over {seconds:.0f} s at half load")
    before: list[float] = []
    timer = threading.Timer(seconds / 10, lambda: before.append(made.ingest_megabytes()))
    timer.start()
    _whole(
        made.play(
            roll=rolls.next(CABINETS),
            events_per_second=figures["events_per_s"] / 2,
            batch=10,
            seconds=seconds,
        )
    )
    timer.join()
    return made.ingest_megabytes() - before[0]


def _peers(made: Stack, rolls: Rolls, tell: Callable[[str], None]) -> dict[str, float]:
    roll = rolls.next(PEER_CABINETS)
    packets = peers.messages_of(roll, PEER_MESSAGES_EACH)
    address = _address(made.broker.url)
    host, port = _address(made.broker.server_url)
    (topic_filter,) = server_subscriptions(roll.fleet, range(64))
    secret = broker_secret(made.folder / "server")
    dsn = made.connection_string
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(peers.TABLE)
    figures = {}
    for kind, name in (("naive", "naive"), ("bare", "bare_loop")):
        arguments = [host, str(port), SERVER_USER, secret, topic_filter, dsn]
        found = []
        for number in range(RUNS):
            tell(f"peer {name}, run {number + 1} of {RUNS}")
            with peers.running(kind, arguments, made.folder / f"{kind}.log"):
                found.append(peers.rows_per_second(dsn, address, roll, packets))
        figures[f"{name}_per_s"] = statistics.median(found)
    tell("peer node_red")
    node_red = NodeRedPeer(
        made.folder / "node-red", (host, port), SERVER_USER, secret, topic_filter, dsn
    )
    try:
        node_red.start()
        found = [peers.rows_per_second(dsn, address, roll, packets) for _ in range(RUNS)]
        figures["node_red_per_s"] = statistics.median(found)
    finally:
        node_red.stop()
    return figures


def _others(tell: Callable[[str], None]) -> dict[str, float]:
    """The small site (SQLite, amqtt) and NATS: reported, without a goal."""
    figures = {}
    for name, broker, on_postgres in (
        ("sqlite_amqtt", AmqttHost, False),
        ("postgres_nats", NatsHost, True),
    ):
        with stack(broker, 2 * OTHERS_CABINETS, on_postgres=on_postgres) as made:
            rolls = Rolls(made.roll)
            for batch, ending in ((10, ""), (1, "_single")):
                tell(f"{name}, batches of {batch}")
                played = made.play(
                    roll=rolls.next(OTHERS_CABINETS),
                    events_per_second=None,
                    batch=batch,
                    seconds=SECONDS,
                    warm_up_seconds=WARM_UP_SECONDS,
                )
                figures[f"events_per_s_{name}{ending}"] = _whole(played).events_per_second
    return figures


def _whole(played: LoadReport) -> LoadReport:
    assert played.committed == played.written, f"{played.written - played.committed} not committed"
    return played


def _address(url: str) -> tuple[str, int]:
    found = urlsplit(url)
    return found.hostname or "127.0.0.1", found.port or 1883
