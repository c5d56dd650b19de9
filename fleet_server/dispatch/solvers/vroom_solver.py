"""The engine VROOM (1.15, by pyvroom): breaks are hard, priorities decide who is left out.

It knows no alternatives, so late steps are a second run: what the first run, with hard windows,
leaves out may come late in the second. Who may do what is a skill of its own for each task that
anybody is forbidden. It has no seed: the same question and exploration give the same routes.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import vroom

from fleet_server.dispatch.planner.formulation import Question, Task, Vehicle
from fleet_server.dispatch.solvers.engines import Budget, Routes

PRIORITIES: Mapping[int, int] = {3: 80, 2: 30, 1: 10}
"""8 : 3 : 1 on VROOM's scale of 0..100, by a task's own 3 (urgent) to 1."""
LATE_DIVISOR = 2
"""A task that comes late is worth half, as the evaluator has it."""
EXPLORATION_MAX = 5
"""VROOM's own scale of effort."""
THREADS = 1
"""Determinism, and the other core belongs to somebody else."""


def solve(question: Question, budget: Budget, seed: int) -> Routes:  # noqa: ARG001  # it has none
    """Plan the tasks of a question within the budget; half of it for what comes late."""
    if not question.tasks or not any(_is_usable(vehicle) for vehicle in question.vehicles):
        return question.standing
    half = budget.split(2)
    routes, left_out = _run(question, frozenset(), half)
    if left_out and any(len(question.tasks[index].windows) > 1 for index in left_out):
        routes, _ = _run(question, left_out, half)
    return routes


def _run(
    question: Question, late: frozenset[int], budget: Budget
) -> tuple[list[list[int]], frozenset[int]]:
    problem = vroom.Input()
    _add_matrices(problem, question)
    problem.add_vehicle(
        [
            _vehicle(question, number)
            for number, vehicle in enumerate(question.vehicles)
            if _is_usable(vehicle)
        ]
    )
    problem.add_job([_job(question, index, is_late=index in late) for index in _tasks(question)])
    found = problem.solve(
        exploration_level=min(budget.iterations or EXPLORATION_MAX, EXPLORATION_MAX),
        nb_threads=THREADS,
        timeout=timedelta(seconds=budget.seconds),
    ).to_dict()
    routes: list[list[int]] = [[] for _ in question.vehicles]
    for route in found["routes"]:
        routes[route["vehicle"]] = [step["id"] for step in route["steps"] if step["type"] == "job"]
    return routes, frozenset(job["id"] for job in found["unassigned"])


def _is_usable(vehicle: Vehicle) -> bool:
    return vehicle.earliest <= vehicle.latest


def _tasks(question: Question) -> range:
    return range(len(question.tasks))


def _add_matrices(problem: vroom.Input, question: Question) -> None:
    """One profile for each technician: ways are the same, what moving a task costs is not."""
    durations = np.array(question.durations, dtype="uint32")
    for number, technician in enumerate(question.technicians):
        costs = durations.copy()
        for index, price in technician.prices:
            costs[:, question.tasks[index].location] += price
        np.fill_diagonal(costs, 0)
        problem.set_durations_matrix(_profile(number), durations)
        problem.set_costs_matrix(_profile(number), costs)


def _profile(technician: int) -> str:
    return f"t{technician}"


def _vehicle(question: Question, number: int) -> vroom.Vehicle:
    vehicle = question.vehicles[number]
    forbidden = question.technicians[vehicle.technician].forbidden
    return vroom.Vehicle(
        number,
        start=vehicle.start,
        end=vehicle.end,
        profile=_profile(vehicle.technician),
        capacity=list(vehicle.stock),
        skills={index for index in _restricted(question) if index not in forbidden},
        time_window=vroom.TimeWindow(vehicle.earliest, vehicle.latest),
        breaks=_breaks(vehicle),
    )


def _breaks(vehicle: Vehicle) -> Sequence[vroom.Break]:
    """Return the breaks that fall into the shift whatever is done in it."""
    return [
        vroom.Break(
            number,
            time_windows=[vroom.TimeWindow(max(earliest, vehicle.earliest), latest)],
            service=pause,
        )
        for number, (earliest, latest, pause) in enumerate(vehicle.breaks)
        if max(earliest, vehicle.earliest) <= latest < vehicle.latest
    ]


def _restricted(question: Question) -> frozenset[int]:
    return frozenset().union(*(technician.forbidden for technician in question.technicians))


def _job(question: Question, index: int, *, is_late: bool) -> vroom.Job:
    task = question.tasks[index]
    latest = task.windows[-1 if is_late else 0].latest
    return vroom.Job(
        index,
        location=task.location,
        default_service=task.service,
        delivery=list(task.parts),
        skills={index} if index in _restricted(question) else set(),
        priority=PRIORITIES[task.priority] // (LATE_DIVISOR if is_late else 1),
        time_windows=[vroom.TimeWindow(task.release, latest)],
        description=_text(task),
    )


def _text(task: Task) -> str:
    return task.job_id
