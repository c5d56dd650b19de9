"""The search itself: PyVRP in two processes, their routes recombined by set partitioning.

Two runs with other seeds find other good routes. Between rounds the cheapest set of all routes seen
that serves every customer once is chosen (HiGHS), which joins halves of solutions that local search
would have to rebuild; both runs go on from there. Everything a process needs comes in and goes out
as plain numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyvrp
from pyvrp.search import NeighbourhoodParams, PerturbationParams
from pyvrp.stop import MaxRuntime

from tests.benchmarks.vrptw.instances import TENTHS, Instance

POOL_MAX = 4000
"""Routes one process keeps, the newest first: what a partition is found among in half a second."""
KEEP_EVERY = 2
"""Of the solutions that the search goes on from: reading one takes as long as an iteration."""

Routes = list[list[int]]


@dataclass(frozen=True)
class Flavour:
    """How one process searches; two that differ find more together.

    Fewer neighbours or changes (25, 15) make half as many steps again and end in worse routes; a
    history of 100 steps ends nearer to the best than PyVRP's 300 in 5 to 10 s, and no worse later.
    """

    neighbours: int
    perturbations: int
    history: int


FLAVOURS = (Flavour(50, 25, 100), Flavour(50, 25, 150))


@dataclass(frozen=True)
class Found:
    """Best routes of a run (none when it found nothing feasible), and routes seen on the way."""

    routes: Routes
    cost: int
    seen: dict[frozenset[int], tuple[int, list[int]]]


def searched(
    instance: Instance, seconds: float, seed: int, flavour: Flavour, start: Routes | None = None
) -> Found:
    """Search for `seconds` in this process, from `start` or from scratch."""
    data = _data(instance)
    pool = _Pool()
    found = pyvrp.solve(
        data,
        MaxRuntime(seconds),
        seed=seed,
        collect_stats=False,
        params=_params(flavour, pool),
        initial_solution=_solution(data, start) if start else None,
    )
    best = found.best
    for route in best.routes():
        pool.keep(route)
    routes = [visits_of(route) for route in best.routes()] if found.is_feasible() else []
    return Found(routes, best.distance(), pool.routes)


def ready(number: int) -> int:
    """Do nothing, where PyVRP has been imported: a process is warm then."""
    return number


def visits_of(route: pyvrp.Route) -> list[int]:
    """Customer numbers of a route, in order."""
    return [activity.idx + 1 for activity in route if activity.is_client()]


def _solution(data: pyvrp.ProblemData, routes: Routes) -> pyvrp.Solution:
    return pyvrp.Solution(data, [[customer - 1 for customer in route] for route in routes])


class _Pool(pyvrp.IteratedLocalSearchCallbacks):
    """Keeps the feasible routes of solutions that the search goes on from, each set once."""

    def __init__(self) -> None:
        self.routes: dict[frozenset[int], tuple[int, list[int]]] = {}
        self._last: pyvrp.Solution | None = None
        self._count = 0

    def on_iteration(
        self,
        current: pyvrp.Solution,
        candidate: pyvrp.Solution,  # noqa: ARG002  # PyVRP's signature
        best: pyvrp.Solution,  # noqa: ARG002  # the same
        cost_evaluator: pyvrp.CostEvaluator,  # noqa: ARG002  # the same
    ) -> None:
        """Look at every second solution that is new."""
        if current is self._last:
            return
        self._last = current
        self._count += 1
        if self._count % KEEP_EVERY == 0:
            for route in current.routes():
                self.keep(route)

    def keep(self, route: pyvrp.Route) -> None:
        """Keep a feasible route if it is the shortest of its customers."""
        if not route.is_feasible():
            return
        visits = visits_of(route)
        key = frozenset(visits)
        known = self.routes.pop(key, None)
        cost = route.distance()
        if known is not None and known[0] <= cost:
            cost, visits = known
        self.routes[key] = (cost, visits)
        if len(self.routes) > POOL_MAX:
            del self.routes[next(iter(self.routes))]


def _params(flavour: Flavour, pool: _Pool) -> pyvrp.SolveParams:
    return pyvrp.SolveParams(
        ils=pyvrp.IteratedLocalSearchParams(history_length=flavour.history, callbacks=pool),
        neighbourhood=NeighbourhoodParams(num_neighbours=flavour.neighbours),
        perturbation=PerturbationParams(1, flavour.perturbations),
    )


def _data(instance: Instance) -> pyvrp.ProblemData:
    distances = np.array(instance.distances, dtype=np.int64)
    depot, *customers = instance.customers
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(one.x, one.y) for one in instance.customers],
        clients=[
            pyvrp.Client(
                location=one.number,
                delivery=[one.demand],
                service_duration=_tenths(one.service),
                tw_early=_tenths(one.ready),
                tw_late=_tenths(one.due),
            )
            for one in customers
        ],
        depots=[pyvrp.Depot(0)],
        vehicle_types=[
            pyvrp.VehicleType(
                num_available=len(customers),  # any number of vehicles
                capacity=[instance.capacity],
                tw_early=_tenths(depot.ready),
                tw_late=_tenths(depot.due),
            )
        ],
        distance_matrices=[distances],
        duration_matrices=[distances],
    )


def _tenths(units: float) -> int:
    return round(units * TENTHS)


def merged(runs: Sequence[Found]) -> dict[frozenset[int], tuple[int, list[int]]]:
    """All routes that several runs have seen, each set of customers by its shortest."""
    pool: dict[frozenset[int], tuple[int, list[int]]] = {}
    for run in runs:
        for key, (cost, visits) in run.seen.items():
            if key not in pool or cost < pool[key][0]:
                pool[key] = (cost, visits)
    return pool
