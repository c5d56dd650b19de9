"""`python -m tests.edge_agent.survival`: every death of every day, photographed and real.

Each distinct point is lived on from twice (whoever stood at an open door waits there, or shuts it
and leaves), `--deaths` of each day by a process that really kills itself, and the life after
`--again` of them is photographed in turn: it may die, too. Ends with 1 when anything is wrong.
"""

import argparse
import logging
import random  # noqa: TID251  # the seed is printed
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from edge_agent.clock import SystemClock
from tests.benchmarks.figures import Goal, report
from tests.edge_agent.survival.points import Point, killed, live_on, photographed
from tests.edge_agent.survival.scenarios import SCENARIOS

FAST = Path("/dev/shm")  # noqa: S108  # copies by the thousand; nothing here outlives the run


class Tally:
    """What was tried, and what went wrong."""

    def __init__(self, console: Console) -> None:
        self.tried = 0
        self.wrong = 0
        self._console = console

    def attempt(self, what: str, do: Callable[[], None]) -> None:
        """Try one death."""
        self.tried += 1
        try:
            do()
        except Exception as error:  # noqa: BLE001  # any failure is the result we look for
            self.wrong += 1
            self._console.print(f"{what}: {error!r}", markup=False)


def play_all(
    seed: int, names: Sequence[str], deaths: int, again: int, console: Console
) -> dict[str, float]:
    """Play these days; figures."""
    tally, chance, passed, real = Tally(console), random.Random(seed), 0, 0
    for name in names:
        scenario = SCENARIOS[name]
        with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as temporary:
            folder = Path(temporary)
            camera = photographed(scenario, folder, seed)
            passed += camera.passed
            sample = set(chance.sample(range(len(camera.points)), min(again, len(camera.points))))
            for number, point in enumerate(track(camera.points, name, console=console)):
                _live_on(tally, name, point, folder, seed, again=number in sample)
            for point in chance.sample(camera.points, min(deaths, len(camera.points))):
                where = folder / f"real-{point.number}"
                tally.attempt(
                    f"{name}, seed {seed}, real death at {point}",
                    lambda point=point, where=where, scenario=scenario: live_on(
                        scenario, killed(scenario, where, point.number, seed), seed
                    ),
                )
                real += 1
    return {"points": passed, "deaths": tally.tried, "real deaths": real, "wrong": tally.wrong}


def _live_on(
    tally: Tally, name: str, point: Point, folder: Path, seed: int, *, again: bool
) -> None:
    scenario, what = SCENARIOS[name], f"{name}, seed {seed}, {point}"
    for shut in (False, True):
        copy = point.copied(folder / f"{point.number}-{shut}")
        tally.attempt(what, lambda shut=shut, copy=copy: live_on(scenario, copy, seed, shut=shut))
    if again:
        camera = photographed(scenario, folder / f"again-{point.number}", seed, since=point)
        for second in camera.points:
            tally.attempt(
                f"{what}, then {second}", lambda second=second: live_on(scenario, second, seed)
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Every death of every day of a cabinet.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--deaths", type=int, default=30, help="real ones, of each day")
    parser.add_argument("--again", type=int, default=4, help="lives after that may die too")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    console, clock = Console(), SystemClock()
    began = clock.elapsed()
    figures = play_all(options.seed, options.days, options.deaths, options.again, console)
    figures["seconds"] = round(clock.elapsed() - began)
    report(console, "survival", figures, {"wrong": Goal("<=", 0)}, f"seed {options.seed}")
    return 1 if figures["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
