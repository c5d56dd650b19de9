"""Command line of the simulators: `cabinet-sim story`, `fleet` and `simulate`."""

import math
import signal
import tempfile
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge_agent.seed import Chance
from simulators.errors import SimulatorError
from simulators.fleet_simulation.command import simulate_seeds
from simulators.fleet_simulation.options import STEPS
from simulators.fleet_simulation.runner import Plan
from simulators.hosts.server_host import ServerHost
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
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
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


def main() -> None:
    """Entry of the command `cabinet-sim`."""
    cli()


if __name__ == "__main__":
    main()
