"""`make soak`: a thousand SIGKILLs over agents, broker, ingest, workers, API and database.

`python -m tests.soak --kills 1000 --seed N [--broker amqtt|mosquitto|nats]`. The kills are shared
out over the three brokers, each with PostgreSQL, three real agents on troubled links (messages
repeated and delayed, links cut), sixty simulated cabinets and shoppers. On the way the server is
put back to an older copy of its database (`restoring.py`). In the end both journals are compared
event by event. Ends with 1 when anything is wrong; the seed is printed.
"""

import argparse
import sys
import time
from collections import deque
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulators.errors import SimulatorError
from simulators.hosts.amqtt_host import AmqttHost
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from tests.benchmarks.figures import Goal, report
from tests.soak.killing import Killer
from tests.soak.restoring import Restored, Restoring
from tests.soak.verdict import Verdict, judge
from tests.soak.world import BrokerKind, World

BROKERS: dict[str, BrokerKind] = {"amqtt": AmqttHost, "mosquitto": MosquittoHost, "nats": NatsHost}
SECONDS_MAX = 540.0
"""Of the killing on one broker: three of them, their rest and proofs stay below 30 minutes."""
GOALS = {
    "kills": Goal(">=", 1_000),
    **{
        name: Goal("<=", 0)
        for name in ("lost", "doubled", "receipts_ahead", "sold_twice", "taken_not_sold")
    },
    "restored": Goal(">=", len(BROKERS)),
    **{name: Goal("<=", 0) for name in ("unrecorded", "versions_back", "disobeyed")},
}
KEEP_AT, GO_ON_AT, RESTORE_AT = 0.3, 0.45, 0.6
"""Shares of the kills, or of the time: when the database is copied, when things change that the
copy does not know, when the copy is put back."""


Outcome = tuple[Verdict, Restored, Killer, int]
"""What was proven, what the restore came to, who was killed, messages repeated by the links."""


def soak(broker: str, kills: int, seed: int, progress: Progress) -> Outcome:
    """One broker: kill until enough are dead or the time is up, rest, judge."""
    world = World(BROKERS[broker], seed)
    killer = Killer(world)
    restoring = Restoring(world.stage, world.cabinets)
    task = progress.add_task(broker, total=kills)
    acts = deque(
        [
            (KEEP_AT, restoring.keep),
            (GO_ON_AT, restoring.go_on),
            (RESTORE_AT, partial(world.restore, restoring)),
        ]
    )
    try:
        world.start()
        begins = time.monotonic()  # noqa: TID251  # a bound
        share = 0.0
        while share < 1:
            killer.strike()
            seconds = time.monotonic() - begins  # noqa: TID251  # same
            share = max(killer.kills.total() / kills, seconds / SECONDS_MAX)
            while acts and acts[0][0] <= share:
                acts.popleft()[1]()
            progress.update(task, completed=killer.kills.total())
        world.rest()
        restoring.prove()
        copies = sum(link.copies for link in world.links)
        return judge(world, restoring), restoring.found, killer, copies
    finally:
        for problem in world.problems[:5]:
            progress.console.print(problem, markup=False)
        world.close()


def main() -> int:
    """Play it and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))  # noqa: TID251  # printed
    parser.add_argument("--broker", choices=sorted(BROKERS), action="append")
    order = parser.parse_args()
    console = Console()
    console.print(f"seed {order.seed}")
    names = order.broker or list(BROKERS)
    share = -(-order.kills // len(names))
    figures: dict[str, float] = {"kills": 0}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    wrong = 0
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for name in names:
            try:
                verdict, restored, killer, copies = soak(name, share, order.seed, progress)
            except SimulatorError as error:
                console.print(f"[red]{name}: {error}[/]", highlight=False)
                return 1
            console.print(f"{name}: {dict(killer.kills)}, cuts {killer.cuts}, copies {copies}")
            console.print(f"{name}: {vars(verdict)}")
            console.print(f"{name}, put back to an older database: {vars(restored)}")
            wrong += verdict.wrong + restored.wrong
            figures["kills"] += killer.kills.total()
            figures[f"kills_{name}"] = killer.kills.total()
            figures[f"restored_{name}"] = restored.restored
            for key, value in {**vars(verdict), **vars(restored)}.items():
                figures[key] = figures.get(key, 0) + value
    report(console, "soak", figures, GOALS, f"seed {order.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
