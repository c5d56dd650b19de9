"""Command line of the simulators: `cabinet-sim story`, `fleet`, `cluster`, `load`, `simulate`."""

import math
import signal
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge_agent.seed import Chance
from fleet_server.settings import Settings
from protocol.intervals import Uplink
from simulators.cluster.command import Ground, serve
from simulators.cluster.host import ClusterOrder
from simulators.errors import SimulatorError
from simulators.fleet_simulation.command import simulate_seeds
from simulators.fleet_simulation.options import STEPS
from simulators.fleet_simulation.runner import Plan
from simulators.hosts.server_host import ServerHost
from simulators.load.command import play
from simulators.load.mix import MIXES
from simulators.load.orders import Roll, read_roll
from simulators.load.registration import roll_of
from simulators.load.runner import LoadOrder
from simulators.story.living_fleet import live
from simulators.story.plot import STORY_SECONDS_MAX, play_story
from simulators.story.stage import PASSWORD, PEOPLE, Stage

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

HTTP_PORT = 8000


@cli.command()
def story(
    seed: Annotated[int, typer.Option(help="chance of the simulated people and devices")] = 1,
    folder: Annotated[Path | None, typer.Option(help="keep logs and databases here")] = None,
    *,
    bound: Annotated[bool, typer.Option(help="fail when the story takes over 2 minutes")] = True,
) -> None:
    """Play the story on real parts and prove each step; exit 1 with the reason when one fails."""
    seconds_max = STORY_SECONDS_MAX if bound else math.inf
    raise typer.Exit(play_story(Console(), seed, folder, seconds_max))


@cli.command()
def fleet(
    seed: Annotated[int, typer.Option(help="chance of the simulated people and devices")] = 1,
) -> None:
    """Start a small fleet and keep serving the console until Ctrl-C."""
    console = Console()
    stop = _until_signal()
    with tempfile.TemporaryDirectory(prefix="cabinet-fleet-") as made:
        folder = Path(made)
        stage = Stage(folder, ServerHost(folder, http_port=HTTP_PORT), Chance.from_seed(seed))
        try:
            stage.open()
            console.print(f"console: {stage.server.url}   password of all: {PASSWORD}")
            console.print("logins: " + ", ".join(PEOPLE))
            live(stage, stop, console.print)
        except SimulatorError as error:
            console.print(f"[red]{error}[/]", highlight=False)
            raise typer.Exit(1) from error
        finally:
            stage.close()


@cli.command()
def cluster(  # noqa: PLR0913, PLR0917  # the options of the command
    folder: Annotated[
        Path | None, typer.Option(help="keys, generated files and logs; else thrown away")
    ] = None,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="FLEET_DATABASE_URL", help="PostgreSQL that runs; empty: one for this run"
        ),
    ] = "",
    apis: Annotated[int, typer.Option(min=1, max=8, help="processes with API and console")] = 1,
    ingests: Annotated[int, typer.Option(min=1, max=16, help="processes that take in")] = 2,
    workers: Annotated[int, typer.Option(min=1, max=8, help="one leads, the others wait")] = 2,
    http_port: Annotated[int, typer.Option(min=1, help="of the first API")] = HTTP_PORT,
    broker_port: Annotated[int, typer.Option(min=1, help="of the first node")] = 1883,
    cabinets: Annotated[int, typer.Option(min=0, help="simulated cabinets on it")] = 0,
    events_per_second: Annotated[float, typer.Option(min=0, help="events of all of them")] = 20,
    *,
    namespaces: Annotated[
        bool, typer.Option(help="each node in a network namespace (root, iproute2)")
    ] = False,
) -> None:
    """Start three NATS nodes, PostgreSQL and the server's processes; end with Ctrl-C."""
    console = Console()
    stop = _until_signal()
    with tempfile.TemporaryDirectory(prefix="cabinet-cluster-") as made:
        order = ClusterOrder(
            folder=folder or Path(made),
            database_url=database_url,
            apis=apis,
            ingests=ingests,
            workers=workers,
            http_port=http_port,
            broker_port=broker_port,
        )
        try:
            serve(console, order, Ground(namespaces, cabinets, events_per_second), stop)
        except SimulatorError as error:
            console.print(f"[red]{error}[/]", highlight=False)
            raise typer.Exit(1) from error


@cli.command()
def load(  # noqa: PLR0913, PLR0917  # the options of the command
    cabinets: Annotated[int, typer.Option(min=1, help="how many cabinets")],
    broker: Annotated[str, typer.Option(help="mqtt://host:port; nodes of a cluster with commas")],
    events_per_second: Annotated[
        str, typer.Option(help="events a second of all; 0: heartbeats only; max: closed loop")
    ] = "max",
    batch: Annotated[int, typer.Option(min=1, max=100, help="events in one batch")] = 10,
    mix: Annotated[str, typer.Option(help=f"what they do: {', '.join(MIXES)}")] = "vending",
    duration: Annotated[float, typer.Option(min=0, help="seconds; 0: until Ctrl-C")] = 0,
    fleet_name: Annotated[
        str,
        typer.Option("--fleet", help="name of the fleet; empty: FLEET_FLEET, or that of the roll"),
    ] = "",
    uplink: Annotated[Uplink, typer.Option(help="how they are connected")] = Uplink.WIRED,
    connect_per_second: Annotated[float, typer.Option(min=1)] = 500,
    seed: Annotated[int, typer.Option(help="chance of reconnects and repeats")] = 1,
    credentials: Annotated[
        Path | None, typer.Option(help="roll of an earlier run; else they join by FLEET_* settings")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    processes: Annotated[int, typer.Option(min=1, help="share the cabinets out to so many")] = 1,
) -> None:
    """Play thousands of cabinets, true to the protocol, against a broker and a server."""
    console = Console()
    if mix not in MIXES:
        raise typer.BadParameter(f"{mix!r} is none of {', '.join(MIXES)}", param_hint="--mix")
    try:
        rate = None if events_per_second == "max" else float(events_per_second)
    except ValueError as error:
        raise typer.BadParameter("a number, or max", param_hint="--events-per-second") from error
    if rate is not None and not 0 <= rate < math.inf:
        raise typer.BadParameter("not below 0, and finite", param_hint="--events-per-second")
    try:
        order = LoadOrder(
            roll=_roll(console, cabinets, credentials, fleet_name),
            broker_url=broker,
            events_per_second=rate,
            batch=batch,
            mix=mix,
            seconds=duration or math.inf,
            uplink=uplink,
            connect_per_second=connect_per_second,
            seed=seed,
        )
        code = play(console, order, json_file, processes)
    except SimulatorError as error:
        console.print(f"[red]{error}[/]", highlight=False)
        raise typer.Exit(2) from error
    raise typer.Exit(code)


def _roll(console: Console, count: int, credentials: Path | None, fleet: str) -> Roll:
    if credentials is not None:
        roll = read_roll(credentials)
        if len(roll.members) < count:
            raise SimulatorError(f"{credentials} holds {len(roll.members)} cabinets, not {count}")
        if fleet not in {"", roll.fleet}:
            raise SimulatorError(f"{credentials} is of fleet {roll.fleet!r}, not {fleet!r}")
        return roll.part(roll.members[:count])
    settings = Settings(fleet=fleet) if fleet else Settings()
    with console.status("入网 · joining") as status:
        return roll_of(settings, count, lambda done: status.update(f"入网 · joined {done:,}"))


@cli.command()
def simulate(
    seed: Annotated[int, typer.Option(help="first seed")] = 1,
    seeds: Annotated[int, typer.Option(min=1, max=1_000_000, help="how many")] = 1,
    steps: Annotated[int, typer.Option(min=1, max=100_000, help="of each run")] = STEPS,
    cabinets: Annotated[
        int | None, typer.Option(min=1, max=64, help="of each run; drawn by the seed if not given")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="write every line of the run here")] = None,
) -> None:
    """Play whole fleets under a virtual clock, with everything going wrong; exit 1 on a failure."""
    plan = Plan(steps=steps, cabinets=cabinets, trace_file=trace)
    raise typer.Exit(simulate_seeds(Console(), range(seed, seed + seeds), plan))


def _until_signal() -> threading.Event:
    """Event that Ctrl-C and SIGTERM set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def main() -> None:
    """Entry of the command `cabinet-sim`."""
    cli()


if __name__ == "__main__":
    main()
