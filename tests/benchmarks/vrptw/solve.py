"""Solves every instance of a folder within a budget each, and says how far from the best known.

`solve_folder(folder, budget_s, seed)`: both cores work on one instance at a time. What counts is
what our own evaluator says of the routes.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from fleet_server.clock import Clock, SystemClock
from tests.benchmarks.vrptw.best_known import best_known, is_list, listed
from tests.benchmarks.vrptw.checking import checked
from tests.benchmarks.vrptw.instances import Instance, InstanceError, cost_tenths, read
from tests.benchmarks.vrptw.partition import partitioned
from tests.benchmarks.vrptw.search import FLAVOURS, Found, Routes, merged, ready, searched

ROUND_SHARES = (0.6, 0.6, 1.0)
"""Of the time that is left: a long first one, for each round forgets what it accepted lately."""
PARTITION_SHARE = 0.06
PARTITION_SECONDS_MAX = 0.5
"""Between rounds: both cores wait for it."""
ROUND_SECONDS_MIN = 0.05


@dataclass(frozen=True)
class Solved:
    """One instance; costs in the file's unit, a gap where a best-known value lies beside."""

    name: str
    cost: float
    vehicles: int
    is_feasible: bool
    broken: tuple[str, ...]
    best_known: float | None
    seconds: float
    routes: Routes

    @property
    def distance(self) -> float:
        """The same as the cost: DIMACS 2022 counts nothing else."""
        return self.cost

    @property
    def gap_percent(self) -> float | None:
        """How much dearer than the best known; below 0 is better than known."""
        return None if self.best_known is None else (self.cost / self.best_known - 1) * 100


def solve_folder(
    folder: Path, budget_seconds: float, seed: int, clock: Clock | None = None
) -> Iterator[Solved]:
    """Solve each instance file of a folder, by name. Raises InstanceError before the first."""
    lists = listed(folder)
    instances = [(path, read(path)) for path in instance_files(folder)]
    if not instances:
        raise InstanceError(folder, 0, "there is no instance in Solomon's format")
    with ProcessPoolExecutor(len(FLAVOURS), get_context("spawn")) as processes:
        _warm(processes)
        for path, instance in instances:
            known = best_known(path, instance, lists)
            search = _Search(processes, instance, budget_seconds, seed, clock or SystemClock())
            yield search.solved(known)


def mean_gap_percent(solved: Iterable[Solved]) -> float | None:
    """Mean gap of those that have one and are feasible."""
    gaps = [one.gap_percent for one in solved if one.is_feasible and one.gap_percent is not None]
    return sum(gaps) / len(gaps) if gaps else None


def instance_files(folder: Path) -> list[Path]:
    """Return the files that may be instances: texts that are no list and no solution."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.suffix.lower() in {"", ".txt", ".vrp", ".vrptw"}
        and not is_list(path)
        and not path.name.startswith((".", "README"))
    )


def _warm(processes: ProcessPoolExecutor) -> None:
    """Importing PyVRP is not part of any budget."""
    list(processes.map(ready, range(len(FLAVOURS))))


class _Search:
    """Rounds of both processes over one instance."""

    def __init__(
        self,
        processes: ProcessPoolExecutor,
        instance: Instance,
        budget_seconds: float,
        seed: int,
        clock: Clock,
    ) -> None:
        self._processes = processes
        self._instance = instance
        self._budget_seconds = budget_seconds
        self._seed = seed
        self._clock = clock

    def solved(self, known: float | None) -> Solved:
        begun = self._clock.elapsed()
        routes = self._routes(begun)
        seconds = self._clock.elapsed() - begun
        seen = checked(self._instance, routes)
        return Solved(
            self._instance.name,
            seen.cost,
            seen.vehicles,
            seen.is_feasible,
            seen.broken,
            known,
            seconds,
            routes,
        )

    def _routes(self, begun: float) -> Routes:
        runs: list[Found] = []
        best: Routes = []
        pause = min(self._budget_seconds * PARTITION_SHARE, PARTITION_SECONDS_MAX)
        for number, share in enumerate(ROUND_SHARES):
            left = begun + self._budget_seconds - self._clock.elapsed() - pause
            seconds = max(left * share, ROUND_SECONDS_MIN)
            runs += self._round(number, seconds, _starts(number, best, runs))
            best = self._best(runs, pause)
        return best

    def _round(self, number: int, seconds: float, starts: list[Routes | None]) -> list[Found]:
        seed = self._seed + number * len(FLAVOURS)
        running = [
            self._processes.submit(
                searched, self._instance, seconds, seed + place, flavour, starts[place]
            )
            for place, flavour in enumerate(FLAVOURS)
        ]
        return [one.result() for one in running]

    def _best(self, runs: list[Found], seconds: float) -> Routes:
        """Return the best of all runs, or of what their routes can be put together to."""
        found = [run for run in runs if run.routes]
        if not found:
            return []
        best = min(found, key=lambda run: run.cost).routes
        joined = partitioned(merged(runs), best, seconds)
        distances = self._instance.distances
        return min(best, joined, key=lambda routes: cost_tenths(distances, routes))


def _starts(number: int, best: Routes, runs: list[Found]) -> list[Routes | None]:
    """Where both begin a round: nothing; the best and the second's own; the best of all."""
    if not best:
        return [None] * len(FLAVOURS)
    if number == 1:
        return [best, runs[-1].routes or best]
    return [best] * len(FLAVOURS)
