"""`make soak`: a thousand SIGKILLs over agents, broker, ingest, workers, API and database.

`python -m tests.soak --kills 1000 --seed N [--broker amqtt|mosquitto|nats]`. The kills are shared
out over the three brokers, each with PostgreSQL, three real agents on troubled links (messages
repeated and delayed, links cut), sixty simulated cabinets and shoppers. In the end both journals
are compared event by event. Ends with 1 when anything is wrong; the seed is printed.
"""

import argparse
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulators.errors import SimulatorError
from simulators.hosts.amqtt_host import AmqttHost
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from tests.benchmarks.figures import Goal, report
from tests.soak.killing import Killer
from tests.soak.verdict import Verdict, judge
from tests.soak.world import BrokerKind, World

BROKERS: dict[str, BrokerKind] = {"amqtt": AmqttHost, "mosquitto": MosquittoHost, "nats": NatsHost}
SECONDS_MAX = 560.0
"""Of the killing on one broker: three of them and their rest stay below 30 minutes."""
GOALS = {
    "kills": Goal(">=", 1_000),
    **{
        name: Goal("<=", 0)
        for name in ("lost", "doubled", "receipts_ahead", "sold_twice", "taken_not_sold")
    },
}


def soak(broker: str, kills: int, seed: int, progress: Progress) -> tuple[Verdict, Killer, int]:
    """One broker: kill until enough are dead or the time is up, rest, judge."""
    world = World(BROKERS[broker], seed)
    killer = Killer(world)
    task = progress.add_task(broker, total=kills)
    try:
        world.start()
        ends = time.monotonic() + SECONDS_MAX  # noqa: TID251  # a bound
        while killer.kills.total() < kills and time.monotonic() < ends:  # noqa: TID251  # same
            killer.strike()
            progress.update(task, completed=killer.kills.total())
        world.rest()
        return judge(world), killer, sum(link.copies for link in world.links)
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
                verdict, killer, copies = soak(name, share, order.seed, progress)
            except SimulatorError as error:
                console.print(f"[red]{name}: {error}[/]", highlight=False)
                return 1
            console.print(f"{name}: {dict(killer.kills)}, cuts {killer.cuts}, copies {copies}")
            console.print(f"{name}: {vars(verdict)}")
            wrong += verdict.wrong
            figures["kills"] += killer.kills.total()
            figures[f"kills_{name}"] = killer.kills.total()
            for key, value in vars(verdict).items():
                figures[key] = figures.get(key, 0) + value
    report(console, "soak", figures, GOALS, f"seed {order.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
