"""The command `cabinet-sim cluster`: starts it all, prints where, keeps it running until Ctrl-C.

A process that ends is started again two seconds later, as `Restart=always` of the units does: kill
one and watch.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console
from rich.table import Table

from edge_agent.seed import Chance
from fleet_server import logs
from fleet_server.clock import Clock, SystemClock
from simulators.cluster.host import NODES, ClusterHost, ClusterOrder, Startable, refuse_taken
from simulators.cluster.network import network_of
from simulators.errors import SimulatorError
from simulators.hosts.postgres_host import PostgresHost
from simulators.load.registration import roll_of
from simulators.load.runner import Load, LoadOrder

LOOK_SECONDS = 0.5
RESTART_SECONDS = 2.0
"""`RestartSec=` of the units."""
LOG_LINES = 5
FIRST_PERSON = "admin"
ROLES = ["admin", "supervisor", "operator", "dispatcher"]


class Watch:
    """Starts again what ended, and says so."""

    def __init__(
        self, processes: Mapping[str, Startable], clock: Clock, say: Callable[[str], None]
    ) -> None:
        """`processes`: name -> process, and how it is started again."""
        self._processes, self._clock, self._say = processes, clock, say
        self._again_at: dict[str, float] = {}

    def look(self) -> None:
        """Look at every process once."""
        for name, (process, start) in self._processes.items():
            if process.running:
                continue
            now = self._clock.elapsed()
            if name not in self._again_at:
                self._again_at[name] = now + RESTART_SECONDS
                self._say(f"{name} 已停 · ended\n{process.tail(LOG_LINES)}")
            elif now >= self._again_at[name]:
                del self._again_at[name]
                start()
                self._say(f"{name} 已重启 · started again, process {process.pid}")


@dataclass(frozen=True)
class Ground:
    """What the cluster stands and is tried on."""

    namespaces: bool = False
    """Each node in a network namespace."""
    cabinets: int = 0
    events_per_second: float = 0.0


def serve(console: Console, order: ClusterOrder, ground: Ground, stop: threading.Event) -> None:
    """Run a cluster until `stop`; without a database URL on a PostgreSQL of its own.

    Raises SimulatorError when it cannot be started.
    """
    logs.configure("WARNING")
    with ExitStack() as ends:
        refuse_taken([order.http_port + number for number in range(order.apis)])
        cluster = ClusterHost(_on_ground(order, ground, ends))
        roll = roll_of(cluster.settings, ground.cabinets) if ground.cabinets else None
        with console.status("启动 · starting"):
            ends.callback(cluster.stop)
            cluster.start()
        console.print(_addresses(cluster))
        if not order.database_url:
            console.print(_first_person(cluster), highlight=False)
        if roll is not None:
            load = Load(LoadOrder(roll, cluster.broker_url, ground.events_per_second, batch=5))
            _play(load, console, ends)
        watch = Watch(cluster.processes, SystemClock(), partial(console.print, markup=False))
        while not stop.wait(LOOK_SECONDS):
            watch.look()
        console.print("停止 · stopping")


def _on_ground(order: ClusterOrder, ground: Ground, ends: ExitStack) -> ClusterOrder:
    """Start network and database as far as they are ours; `ends` takes them down."""
    if ground.namespaces:
        network = network_of(NODES)
        if isinstance(network, str):
            raise SimulatorError(f"no network namespaces here: {network}")
        ends.callback(network.stop)
        order = replace(order, network=network)
    else:
        refuse_taken([order.broker_port + number for number in range(NODES)])
    if not order.database_url:
        postgres = PostgresHost()
        ends.callback(postgres.stop)
        postgres.start()
        order = replace(order, database_url=postgres.url)
    return order


def _play(load: Load, console: Console, ends: ExitStack) -> None:
    """Let simulated cabinets live in a thread; `ends` has them write no more, and waits."""

    def play() -> None:
        try:
            report = load.run()
        except SimulatorError as error:
            console.print(f"[red]load: {error}[/]", highlight=False)
            return
        console.print(f"写入 · written {report.written:,}   提交 · committed {report.committed:,}")

    thread = threading.Thread(target=play, name="load")
    ends.callback(thread.join)
    ends.callback(load.stop.set)
    thread.start()


def _first_person(cluster: ClusterHost) -> str:
    """Add somebody who may sign in to a database that has nobody yet; the password is shown once.

    A database that was given keeps its own people.
    """
    password = Chance.system().short_id()
    cluster.fleet.add_user(FIRST_PERSON, ROLES, password)
    return f"登录 · login: {FIRST_PERSON}   密码 · password: {password}"


def _addresses(cluster: ClusterHost) -> Table:
    table = Table(title=f"日志 · logs: {cluster.folder}", title_justify="left", box=None)
    for column in ("", "地址 · address", "进程 · process"):
        table.add_column(column, no_wrap=True)
    addresses = {f"nats-{number}": node.url for number, node in enumerate(cluster.nodes, 1)}
    fleet = cluster.fleet
    apis = zip(fleet.apis, fleet.urls, strict=True)
    addresses |= {process.name: url for process, url in apis}
    addresses |= {
        name: f"http://127.0.0.1:{port}/health/ready" for name, port in fleet.operations.items()
    }
    for name, (process, _) in cluster.processes.items():
        table.add_row(name, addresses.get(name, ""), str(process.pid))
    return table
