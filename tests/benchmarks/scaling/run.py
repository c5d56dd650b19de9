"""`make bench-scaling`: slopes for docs/scaling.md, on Mosquitto and on NATS with PostgreSQL.

A slope is the difference of two runs that differ in one thing (cabinets, or events a second),
so that what a process costs by being there falls out. All parts share the cores of one machine
with the load: CPU seconds are counted, not the clock.
"""

from collections.abc import Callable

from rich.console import Console

from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from simulators.load.orders import Roll
from simulators.load.runner import Load, LoadOrder, Standing
from tests.benchmarks.figures import Goal, report
from tests.benchmarks.ingest.run import Rolls
from tests.benchmarks.ingest.stack import BrokerKind, Stack, stack
from tests.benchmarks.scaling.costs import (
    MICROSECONDS,
    Look,
    log_position,
    look,
    megabytes,
    rows,
    table_bytes,
)

BROKERS: dict[str, BrokerKind] = {"mosquitto": MosquittoHost, "nats": NatsHost}
FEW, MANY = 1_000, 4_000
"""Cabinets of the two runs without events."""
IDLE_SECONDS = 60.0
"""Four heartbeats of each (P-10)."""
HEARTBEAT_SECONDS = 15.0
CABINETS = 500
SLOW, FAST = 1_000.0, 5_000.0
"""Events a second of the two runs with events; the second is below what the machine takes in."""
SETTLE_SECONDS = 8.0
"""Births, bundles and first loads of goods are over by then."""
EVENT_SECONDS = 25.0
PARTS = ("broker", "ingest", "database")
GOALS: dict[str, Goal] = {}
"""None: these are slopes to reckon with, the numbers of the design are other benchmarks'."""


def run(console: Console) -> None:
    """Measure both brokers and report."""
    for name, broker in BROKERS.items():
        figures: dict[str, float] = {}
        with console.status(f"{name}: server") as status:
            figures |= _of_cabinets(broker, lambda text: status.update(f"{name}: {text}"))  # noqa: B023  # used at once
            figures |= _of_events(broker, lambda text: status.update(f"{name}: {text}"))  # noqa: B023  # same
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
    figures["ingest_rss_mb_empty"] = megabytes(few[0].rss_bytes["ingest"])
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
    with stack(broker, 4 * CABINETS) as made:
        dsn = made.database_url.replace("+psycopg", "")
        log_began, empty = log_position(dsn), sum(table_bytes(dsn).values())
        rolls = Rolls(made.roll)
        for batch in (10, 1):
            tell(f"{SLOW:.0f} events/s in batches of {batch}")
            less, slow = _at(made, rolls.next(CABINETS), SLOW, batch)
            tell(f"{FAST:.0f} events/s in batches of {batch}")
            more, fast = _at(made, rolls.next(CABINETS), FAST, batch)
            for part in PARTS:
                spent = (fast[part] - slow[part]) * MICROSECONDS / (more - less)
                figures[f"{part}_us_per_event_batch_{batch}"] = spent
                share = fast[part] / EVENT_SECONDS
                figures[f"{part}_cores_at_{FAST:.0f}_batch_{batch}"] = share
        events = rows(dsn, "journal_events")
        sizes = table_bytes(dsn)
        figures["log_bytes_per_event"] = (log_position(dsn) - log_began) / events
        figures["database_bytes_per_event"] = (sum(sizes.values()) - empty) / events
        figures["journal_bytes_per_event"] = sizes["journal_events"] / events
        sales = rows(dsn, "sales")
        figures["sale_bytes_each"] = (sizes["sales"] + sizes["sale_lines"]) / max(1, sales)
    return figures


def _at(made: Stack, roll: Roll, rate: float, batch: int) -> tuple[int, dict[str, float]]:
    """Events committed, and CPU seconds of each part, while a load runs evenly."""
    order = LoadOrder(
        roll,
        made.broker.url,
        rate,
        batch=batch,
        seconds=SETTLE_SECONDS + EVENT_SECONDS + 1,
        spread_seconds=5.0,
    )
    due = (SETTLE_SECONDS, SETTLE_SECONDS + EVENT_SECONDS)
    (before, begun), (after, ended) = _watched(made, order, due)
    return after - before, {part: ended.cpu_since(begun, part) for part in PARTS}
