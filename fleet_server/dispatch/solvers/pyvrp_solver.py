"""The engine PyVRP (0.14): iterated local search over optional clients with prizes.

A late step is a further client of the same job in a group that excludes the others. Tasks that the
same people must not do (a skill, a level) are a load dimension that those people have no capacity
in; what sets single tasks apart (pins, refusals) is a distance above every prize for those who must
not, so that leaving it out is cheaper. Measured in ADR 0022. PyVRP knows no breaks: due instants
behind a break are drawn in by its length, and the evaluator places it.
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

NEIGHBOURS = 50
"""Of each client: 30 left a job out more often in full days, 80 were slower for nothing."""
PERTURBATIONS_MAX = 40
"""Changes before each local search. PyVRP's own 25 gets stuck where a day is full (ADR 0022)."""
DIMENSIONS_MAX = 6
"""Load dimensions for skills and levels: each is added up at every move."""
DIMENSION_TASKS_MIN = 3
"""Fewer tasks with the same people are cheaper as distances."""
ILS_HISTORY = 200
"""Late acceptance looks so many steps back: less than the default 300, for short budgets."""


class _Clients(NamedTuple):
    """Clients of a question; `task_of` leads back, `of_task` lists each task's windows."""

    clients: list[pyvrp.Client]
    groups: list[pyvrp.ClientGroup]
    task_of: list[int]
    of_task: list[list[int]]


class _Class(NamedTuple):
    """Tasks that the same vehicles (numbers among the usable ones) must not do."""

    vehicles: frozenset[int]
    tasks: frozenset[int]


class _Model(NamedTuple):
    """A question and what is made of it once: usable vehicles, classes, parts that are scarce."""

    question: Question
    usable: list[int]
    classes: list[_Class]
    scarce: list[int]

    @property
    def vehicles(self) -> list[Vehicle]:
        """The vehicles that still have time."""
        return [self.question.vehicles[number] for number in self.usable]


def solve(question: Question, budget: Budget, seed: int) -> Routes:
    """Improve the standing routes of a question within the budget."""
    usable = [n for n, vehicle in enumerate(question.vehicles) if _is_usable(vehicle)]
    if not question.tasks or not usable:
        return question.standing
    model = _Model(question, usable, _classes(question, usable), _scarce(question))
    made = _clients(model)
    data = _data(model, made)
    found = pyvrp.solve(
        data,
        _stop(budget),
        seed=seed,
        collect_stats=False,
        params=_params(),
        initial_solution=_start(model, made, data),
    )
    if not found.is_feasible():
        return question.standing
    routes: list[list[int]] = [[] for _ in question.vehicles]
    for route in found.best.routes():
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
        perturbation=PerturbationParams(1, PERTURBATIONS_MAX),
    )


def _classes(question: Question, usable: Sequence[int]) -> list[_Class]:
    """Return the largest classes of tasks that some vehicles, but not all, must not do."""
    found: dict[frozenset[int], list[int]] = {}
    for index in range(len(question.tasks)):
        barred = frozenset(
            place for place, number in enumerate(usable) if index in _forbidden(question, number)
        )
        if 0 < len(barred) < len(usable):
            found.setdefault(barred, []).append(index)
    large = sorted(found.items(), key=lambda one: (-len(one[1]), one[1]))
    return [
        _Class(barred, frozenset(tasks))
        for barred, tasks in large[:DIMENSIONS_MAX]
        if len(tasks) >= DIMENSION_TASKS_MIN
    ]


def _forbidden(question: Question, number: int) -> frozenset[int]:
    """Tasks a vehicle must not do, or lacks the parts for."""
    vehicle = question.vehicles[number]
    lacking = (n for n, task in enumerate(question.tasks) if _lacks(vehicle, task))
    return question.technicians[vehicle.technician].forbidden | frozenset(lacking)


def _clients(model: _Model) -> _Clients:
    made = _Clients([], [], [], [])
    for number, task in enumerate(model.question.tasks):
        group = None
        if len(task.windows) > 1:
            group = len(made.groups)
            made.groups.append(pyvrp.ClientGroup(required=False))
        made.of_task.append([])
        load = [task.parts[part] for part in model.scarce]
        load += [int(number in one.tasks) for one in model.classes]
        for window in task.windows:
            index = len(made.clients)
            pause = _pause_before(model.question, window.latest)
            made.clients.append(
                pyvrp.Client(
                    location=task.location,
                    delivery=load,
                    service_duration=task.service,
                    tw_early=task.release,
                    tw_late=max(window.latest - pause, task.release),
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


def _data(model: _Model, made: _Clients) -> pyvrp.ProblemData:
    durations, nowhere = _durations(model.question)
    vehicles = model.vehicles
    places = sorted({v.start for v in vehicles} | {v.end for v in vehicles if v.end is not None})
    places.append(nowhere)
    depot = {place: index for index, place in enumerate(places)}
    profiles = _Profiles(model, durations)
    types = [
        pyvrp.VehicleType(
            capacity=_capacity(model, number, vehicle),
            start_depot=depot[vehicle.start],
            end_depot=depot[nowhere if vehicle.end is None else vehicle.end],
            tw_early=vehicle.earliest,
            tw_late=max(vehicle.latest - _pauses(vehicle), vehicle.earliest),
            start_late=vehicle.earliest,
            profile=profiles.of(number),
        )
        for number, vehicle in enumerate(vehicles)
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


def _capacity(model: _Model, number: int, vehicle: Vehicle) -> list[int]:
    held = [vehicle.stock[part] for part in model.scarce]
    return held + [0 if number in one.vehicles else len(one.tasks) for one in model.classes]


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

    def __init__(self, model: _Model, durations: Matrix) -> None:
        self._model = model
        self._durations = durations
        self._in_classes = frozenset[int]().union(*(one.tasks for one in model.classes))
        self._forbidden = 4 * max(
            window.prize for task in model.question.tasks for window in task.windows
        ) + int(durations.max())
        self._known: dict[tuple[frozenset[int], tuple[tuple[int, int], ...]], int] = {}
        self.distances: list[Matrix] = []

    def of(self, number: int) -> int:
        """Return the profile of a usable vehicle."""
        question, vehicle = self._model.question, self._model.usable[number]
        technician = question.technicians[question.vehicles[vehicle].technician]
        key = (_forbidden(question, vehicle) - self._in_classes, technician.prices)
        if key not in self._known:
            self._known[key] = len(self.distances)
            self.distances.append(self._matrix(*key))
        return self._known[key]

    def _matrix(self, forbidden: frozenset[int], prices: tuple[tuple[int, int], ...]) -> Matrix:
        tasks, distances = self._model.question.tasks, self._durations.copy()
        for index in forbidden:
            distances[:, tasks[index].location] += self._forbidden
        for index, price in prices:
            distances[:, tasks[index].location] += price
        np.fill_diagonal(distances, 0)
        return distances


def _lacks(vehicle: Vehicle, task: Task) -> bool:
    return any(need > held for need, held in zip(task.parts, vehicle.stock, strict=True))


def _start(model: _Model, made: _Clients, data: pyvrp.ProblemData) -> pyvrp.Solution:
    """Return the standing routes as a solution: each task by the first window it keeps.

    None at all is a solution, too: what is best so far is then never infeasible, which it could
    stay for long from the random start that PyVRP makes of its own.
    """
    routes = []
    for kind, number in enumerate(model.usable):
        visits = _visits(model.question, number, made)
        if visits:
            routes.append(pyvrp.Route(data, visits, kind))
    return pyvrp.Solution(data, routes)


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
