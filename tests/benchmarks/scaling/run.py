"""`make bench-scaling`: slopes for docs/scaling.md, on Mosquitto and on NATS with PostgreSQL.

A slope is the difference of two runs that differ in one thing (cabinets, or events a second),
so that what a process costs by being there falls out. All parts share the cores of one machine
with the load: CPU seconds are counted, not the clock.
"""

from collections.abc import Callable

from rich.console import Console

from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from simulators.load.runner import Load, LoadOrder, LoadReport
from tests.benchmarks.figures import Goal, report
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
SLOW, FAST = 500.0, 2_500.0
"""Events a second of the two runs with events; far from what the machine takes in."""
EVENT_SECONDS = 30.0
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
    looks: list[Look] = []
    roll = made.roll.part(made.roll.members[first:last])
    seconds = IDLE_SECONDS + HEARTBEAT_SECONDS
    order = LoadOrder(roll, made.broker.url, 0.0, seconds=seconds, spread_seconds=5.0)

    def watch(elapsed: float) -> None:
        due = (HEARTBEAT_SECONDS, seconds - 0.5)
        if len(looks) < len(due) and elapsed >= due[len(looks)]:
            looks.append(look(made))

    Load(order).run(lambda standing: watch(standing.elapsed))
    return looks[0], looks[1]


def _of_events(broker: BrokerKind, tell: Callable[[str], None]) -> dict[str, float]:
    """What one more event costs, alone and in tens, and what it leaves in the database."""
    figures: dict[str, float] = {}
    with stack(broker, 4 * CABINETS) as made:
        dsn = made.database_url.replace("+psycopg", "")
        used, log_began, empty = 0, log_position(dsn), sum(table_bytes(dsn).values())
        for batch in (10, 1):
            took: list[tuple[dict[str, float], LoadReport]] = []
            for rate in (SLOW, FAST):
                tell(f"{rate:.0f} events/s in batches of {batch}")
                took.append(_at(made, used, rate, batch))
                used += CABINETS
            (slow, less), (fast, more) = took
            events = more.written - less.written
            for part in PARTS:
                spent = (fast[part] - slow[part]) * MICROSECONDS / events
                figures[f"{part}_us_per_event_batch_{batch}"] = spent
        events = rows(dsn, "journal_events")
        sizes = table_bytes(dsn)
        figures["log_bytes_per_event"] = (log_position(dsn) - log_began) / events
        figures["database_bytes_per_event"] = (sum(sizes.values()) - empty) / events
        figures["journal_bytes_per_event"] = sizes["journal_events"] / events
        sales = rows(dsn, "sales")
        figures["sale_bytes_each"] = (sizes["sales"] + sizes["sale_lines"]) / max(1, sales)
    return figures


def _at(made: Stack, first: int, rate: float, batch: int) -> tuple[dict[str, float], LoadReport]:
    before = look(made)
    done = made.play(
        roll=made.roll.part(made.roll.members[first : first + CABINETS]),
        events_per_second=rate,
        batch=batch,
        seconds=EVENT_SECONDS,
    )
    after = look(made)
    assert done.committed == done.written, "events are missing"
    return {part: after.cpu_since(before, part) for part in PARTS}, done
