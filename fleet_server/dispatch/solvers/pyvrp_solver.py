"""The engine PyVRP (0.14): iterated local search over optional clients with prizes.

A late step is a further client of the same job in a group that excludes the others. Who must not
do a task has it at a distance above every prize, so leaving it out is always cheaper; no move is
ever infeasible for it, which load dimensions would make it (ADR 0022). PyVRP knows no breaks: due
instants behind a break are drawn in by its length, and the evaluator places it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyvrp
from pyvrp.search import NeighbourhoodParams, PerturbationParams
from pyvrp.stop import MaxIterations, MaxRuntime, MultipleCriteria, StoppingCriterion

from fleet_server.dispatch.planner.formulation import Question, Task, Vehicle
from fleet_server.dispatch.solvers.engines import Budget, Routes

Matrix = np.ndarray[Any, np.dtype[np.int64]]

NEIGHBOURS = 30
"""Of each client: part problems are small and budgets short."""
ILS_HISTORY = 200
"""Late acceptance looks so many steps back: less than the default 300, for short budgets."""
UNLIMITED = 2**31


class _Clients(NamedTuple):
    """Clients of a question; `task_of` leads back, `of_task` lists each task's windows."""

    clients: list[pyvrp.Client]
    groups: list[pyvrp.ClientGroup]
    task_of: list[int]
    of_task: list[list[int]]


def solve(question: Question, budget: Budget, seed: int) -> Routes:
    """Improve the standing routes of a question within the budget."""
    usable = [n for n, vehicle in enumerate(question.vehicles) if _is_usable(vehicle)]
    if not question.tasks or not usable:
        return question.standing
    made = _clients(question)
    data = _data(question, usable, made)
    start = _start(question, usable, made, data)
    found = pyvrp.solve(
        data,
        _stop(budget),
        seed=seed,
        collect_stats=False,
        params=_params(),
        initial_solution=start,
    ).best
    routes: list[list[int]] = [[] for _ in question.vehicles]
    for route in found.routes():
        clients = (activity.idx for activity in route if activity.is_client())
        routes[usable[route.vehicle_type()]] = [made.task_of[client] for client in clients]
    return routes


def _is_usable(vehicle: Vehicle) -> bool:
    return vehicle.earliest <= vehicle.latest


def _stop(budget: Budget) -> MultipleCriteria:
    criteria: list[StoppingCriterion] = [MaxRuntime(budget.seconds)]
    if budget.iterations is not None:
        criteria.append(MaxIterations(budget.iterations))
    return MultipleCriteria(criteria)


def _params() -> pyvrp.SolveParams:
    return pyvrp.SolveParams(
        ils=pyvrp.IteratedLocalSearchParams(history_length=ILS_HISTORY),
        neighbourhood=NeighbourhoodParams(num_neighbours=NEIGHBOURS),
        perturbation=PerturbationParams(1, 15),
    )


def _clients(question: Question) -> _Clients:
    made = _Clients([], [], [], [])
    scarce = _scarce(question)
    for number, task in enumerate(question.tasks):
        group = None
        if len(task.windows) > 1:
            group = len(made.groups)
            made.groups.append(pyvrp.ClientGroup(required=False))
        made.of_task.append([])
        for window in task.windows:
            index = len(made.clients)
            latest = max(window.latest - _pause_before(question, window.latest), task.release)
            made.clients.append(
                pyvrp.Client(
                    location=task.location,
                    delivery=[task.parts[part] for part in scarce],
                    service_duration=task.service,
                    tw_early=task.release,
                    tw_late=latest,
                    prize=window.prize,
                    required=False,
                    group=group,
                )
            )
            if group is not None:
                made.groups[group].add_client(index)
            made.task_of.append(number)
            made.of_task[-1].append(index)
    return made


def _pause_before(question: Question, latest: int) -> int:
    """Longest sum of breaks that may lie before this instant on the day it belongs to."""
    return max(
        (
            sum(pause for begin, _, pause in vehicle.breaks if begin < latest)
            for vehicle in question.vehicles
            if vehicle.earliest <= latest <= vehicle.latest
        ),
        default=0,
    )


def _scarce(question: Question) -> list[int]:
    """Return the parts that some van holds, but not enough of for everything."""
    needed = [sum(task.parts[part] for task in question.tasks) for part in _parts(question)]
    return [
        part
        for part in _parts(question)
        if any(0 < vehicle.stock[part] < needed[part] for vehicle in question.vehicles)
    ]


def _parts(question: Question) -> range:
    return range(len(question.parts))


def _data(question: Question, usable: Sequence[int], made: _Clients) -> pyvrp.ProblemData:
    durations, nowhere = _durations(question)
    vehicles = [question.vehicles[number] for number in usable]
    places = sorted({v.start for v in vehicles} | {v.end for v in vehicles if v.end is not None})
    places.append(nowhere)
    depot = {place: index for index, place in enumerate(places)}
    profiles = _Profiles(question, durations)
    scarce = _scarce(question)
    types = [
        pyvrp.VehicleType(
            capacity=[vehicle.stock[part] for part in scarce],
            start_depot=depot[vehicle.start],
            end_depot=depot[nowhere if vehicle.end is None else vehicle.end],
            tw_early=vehicle.earliest,
            tw_late=max(vehicle.latest - _pauses(vehicle), vehicle.earliest),
            start_late=vehicle.earliest,
            profile=profiles.of(vehicle),
        )
        for vehicle in vehicles
    ]
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(nowhere + 1)],
        clients=made.clients,
        depots=[pyvrp.Depot(place) for place in places],
        vehicle_types=types,
        distance_matrices=profiles.distances,
        duration_matrices=[durations] * len(profiles.distances),
        groups=made.groups,
    )


def _pauses(vehicle: Vehicle) -> int:
    """Length of the breaks that fall into the shift whatever is done in it."""
    return sum(pause for _, latest, pause in vehicle.breaks if latest < vehicle.latest)


def _durations(question: Question) -> tuple[Matrix, int]:
    """Return the matrix with one more place, reached from everywhere in no time: an open end."""
    size = len(question.durations)
    durations = np.zeros((size + 1, size + 1), dtype=np.int64)
    durations[:size, :size] = question.durations
    return durations, size


class _Profiles:
    """One distance matrix for each set of forbidden and dearer tasks: many people share one."""

    def __init__(self, question: Question, durations: Matrix) -> None:
        self._question = question
        self._durations = durations
        self._forbidden = 4 * max(
            (window.prize for task in question.tasks for window in task.windows), default=1
        ) + int(durations.max())
        self._known: dict[tuple[frozenset[int], tuple[tuple[int, int], ...]], int] = {}
        self.distances: list[Matrix] = []

    def of(self, vehicle: Vehicle) -> int:
        """Return the profile of a vehicle."""
        technician = self._question.technicians[vehicle.technician]
        lacking = {n for n, task in enumerate(self._question.tasks) if _lacks(vehicle, task)}
        key = (technician.forbidden | lacking, technician.prices)
        if key not in self._known:
            self._known[key] = len(self.distances)
            self.distances.append(self._matrix(*key))
        return self._known[key]

    def _matrix(self, forbidden: frozenset[int], prices: tuple[tuple[int, int], ...]) -> Matrix:
        distances = self._durations.copy()
        for index in forbidden:
            distances[:, self._question.tasks[index].location] += self._forbidden
        for index, price in prices:
            distances[:, self._question.tasks[index].location] += price
        np.fill_diagonal(distances, 0)
        return distances


def _lacks(vehicle: Vehicle, task: Task) -> bool:
    return any(need > held for need, held in zip(task.parts, vehicle.stock, strict=True))


def _start(
    question: Question, usable: Sequence[int], made: _Clients, data: pyvrp.ProblemData
) -> pyvrp.Solution | None:
    """Return the standing routes as a solution: each task by the first window it keeps."""
    routes = []
    for kind, number in enumerate(usable):
        visits = _visits(question, number, made)
        if visits:
            routes.append(pyvrp.Route(data, visits, kind))
    return pyvrp.Solution(data, routes) if routes else None


def _visits(question: Question, number: int, made: _Clients) -> list[int]:
    vehicle = question.vehicles[number]
    time, place = vehicle.earliest, vehicle.start
    visits = []
    for index in question.standing[number]:
        task = question.tasks[index]
        time = max(time + question.durations[place][task.location], task.release)
        options = made.of_task[index]
        kept = [one for one in options if time <= made.clients[one].tw_late]
        visits.append(kept[0] if kept else options[-1])
        time, place = time + task.service, task.location
    return visits
