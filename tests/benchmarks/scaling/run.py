"""`make bench-scaling`: costs for docs/scaling.md, on Mosquitto and on NATS with PostgreSQL.

A cabinet that only beats: the difference of two runs with few and with many, so that what a process
costs by being there falls out. An event: the cost at one even rate; a difference of two rates says
nothing of ingest, which puts more messages into a transaction the more there are. All parts share
the cores of one machine with the load: CPU seconds are counted, not the clock.
"""

from collections.abc import Callable

from rich.console import Console

from protocol.intervals import PRESENCE, Uplink
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from simulators.load.orders import Roll
from simulators.load.runner import Load, LoadOrder, Standing
from tests.benchmarks.figures import Goal, report
from tests.benchmarks.ingest.run import Rolls
from tests.benchmarks.ingest.stack import MEGABYTE, BrokerKind, Stack, stack
from tests.benchmarks.scaling.costs import (
    MICROSECONDS,
    Look,
    log_position,
    look,
    rows,
    table_bytes,
)

BROKERS: dict[str, BrokerKind] = {"mosquitto": MosquittoHost, "nats": NatsHost}
FEW, MANY = 1_000, 4_000
"""Cabinets of the two runs without events."""
IDLE_SECONDS = 60.0
"""Four heartbeats of each (P-10)."""
HEARTBEAT_SECONDS = PRESENCE[Uplink.WIRED].heartbeat_seconds
CABINETS = 500
RATE = 5_000.0
"""Events a second; below what the machine takes in."""
SETTLE_SECONDS = 8.0
"""Births, bundles and first loads of goods are over by then."""
EVENT_SECONDS = 25.0
PARTS = ("broker", "ingest", "database")
GOALS: dict[str, Goal] = {}
"""None: these are costs to reckon with, the numbers of the design are other benchmarks'."""


def run(console: Console) -> None:
    """Measure both brokers and report."""
    for name, broker in BROKERS.items():
        figures: dict[str, float] = {}
        with console.status(f"{name}: server") as status:
            figures |= _of_cabinets(broker, status.update)
            figures |= _of_events(broker, status.update)
        report(console, f"scaling-{name}", figures, GOALS, f"{name} + PostgreSQL, one machine")


def _of_cabinets(broker: BrokerKind, tell: Callable[[str], None]) -> dict[str, float]:
    """What one more cabinet costs that only beats."""
    with stack(broker, FEW + MANY) as made:
        tell(f"{FEW} cabinets that only beat")
        few = _idle(made, 0, FEW)
        tell(f"{MANY} cabinets that only beat")
        many = _idle(made, FEW, FEW + MANY)
    more, beats = MANY - FEW, (MANY - FEW) * IDLE_SECONDS / HEARTBEAT_SECONDS
    figures = {
        f"{part}_rss_kb_per_cabinet": (many[1].rss_bytes[part] - few[1].rss_bytes[part])
        / more
        / 1_024
        for part in ("broker", "ingest")
    }
    for part in PARTS:
        took = many[1].cpu_since(many[0], part) - few[1].cpu_since(few[0], part)
        figures[f"{part}_us_per_heartbeat"] = took * MICROSECONDS / beats
    figures["ingest_rss_mb_empty"] = few[0].rss_bytes["ingest"] / MEGABYTE
    return figures


def _idle(made: Stack, first: int, last: int) -> tuple[Look, Look]:
    """Looks at the beginning and the end of a time in which these cabinets only beat."""
    members = made.roll.members[first:last]
    seconds = HEARTBEAT_SECONDS + IDLE_SECONDS
    order = LoadOrder(
        made.roll.part(members), made.broker.url, 0.0, seconds=seconds + 1, spread_seconds=5.0
    )
    (_, begun), (_, ended) = _watched(made, order, (HEARTBEAT_SECONDS, seconds))
    return begun, ended


def _watched(
    made: Stack, order: LoadOrder, due_seconds: tuple[float, float]
) -> list[tuple[int, Look]]:
    """Events committed and what each part took, at two moments of a load that goes on."""
    looks: list[tuple[int, Look]] = []

    def watch(standing: Standing) -> None:
        if len(looks) < len(due_seconds) and standing.elapsed >= due_seconds[len(looks)]:
            looks.append((standing.committed, look(made)))

    Load(order).run(watch)
    return looks


def _of_events(broker: BrokerKind, tell: Callable[[str], None]) -> dict[str, float]:
    """What one more event costs, alone and in tens, and what it leaves in the database."""
    figures: dict[str, float] = {}
    with stack(broker, 2 * CABINETS) as made:
        dsn = made.connection_string
        log_began, empty = log_position(dsn), sum(table_bytes(dsn).values())
        rolls = Rolls(made.roll)
        for batch in (10, 1):
            tell(f"{RATE:.0f} events/s in batches of {batch}")
            count, took = _costs(made, rolls.next(CABINETS), batch)
            for part in PARTS:
                figures[f"{part}_us_per_event_batch_{batch}"] = took[part] * MICROSECONDS / count
                figures[f"{part}_cores_at_{RATE:.0f}_batch_{batch}"] = took[part] / EVENT_SECONDS
        events = rows(dsn, "journal_events")
        sizes = table_bytes(dsn)
        figures["log_bytes_per_event"] = (log_position(dsn) - log_began) / events
        figures["database_bytes_per_event"] = (sum(sizes.values()) - empty) / events
        figures["journal_bytes_per_event"] = sizes["journal_events"] / events
        sales = rows(dsn, "sales")
        figures["sale_bytes_each"] = (sizes["sales"] + sizes["sale_lines"]) / max(1, sales)
    return figures


def _costs(made: Stack, roll: Roll, batch: int) -> tuple[int, dict[str, float]]:
    """Events committed, and CPU seconds of each part, while a load runs evenly."""
    order = LoadOrder(
        roll,
        made.broker.url,
        RATE,
        batch=batch,
        seconds=SETTLE_SECONDS + EVENT_SECONDS + 1,
        spread_seconds=5.0,
    )
    due = (SETTLE_SECONDS, SETTLE_SECONDS + EVENT_SECONDS)
    (before, begun), (after, ended) = _watched(made, order, due)
    return after - before, {part: ended.cpu_since(begun, part) for part in PARTS}
