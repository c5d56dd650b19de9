"""The question as a solver reads it: whole seconds, indices, prizes (dispatch, Formulation).

What was measured decides the form (ADR 0022): jobs are optional with a prize, the hard end of a
window is the due instant, and only jobs found late, left out or within 15 min of the limit get
late steps. Who may do what (skills, levels, refusals, pins) and what moving a job costs is one set
of columns for each technician, so a question holds few of them (`solvers.parts`). Scarce parts are
load dimensions. Fixed fronts of routes become start place and start time.

Everything is rounded against us (ways up, windows down): what a solver calls on time is on time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf

from fleet_server.dispatch.planner.evaluator import Evaluation, Evaluator
from fleet_server.dispatch.planner.prices import (
    LEFT_OUT_SECONDS,
    WORST_AFTER_SECONDS,
    late_price,
    left_out_price,
    move_price,
    tight_price,
)
from fleet_server.dispatch.planner.problem import Job, Plan, TechnicianDay
from fleet_server.dispatch.planner.travel import Place
from fleet_server.service_levels.rules import Priority

LATE_STEPS_SECONDS = (1800.0, 5400.0, 10_800.0, inf)
"""+30, +90, +180 min, rest (dispatch, Formulation)."""
NEAR_LIMIT_SECONDS = 900.0
"""Jobs within 15 min of the limit get late steps, too."""
PINNED_FACTOR = 4
"""A pinned job is worth more than any other: leaving it out is illegal, not dear."""
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Window:
    """A latest start, and what is won by starting a job by then."""

    latest: int
    prize: int


@dataclass(frozen=True)
class Task:
    """A job; `windows` fall in prize, the first is on time unless that is past already."""

    job_id: str
    location: int
    service: int
    release: int
    windows: tuple[Window, ...]
    priority: int
    parts: tuple[int, ...]


@dataclass(frozen=True)
class Vehicle:
    """A technician-day behind its fixed front; `end` is None for an open end."""

    day_id: str
    technician: int
    start: int
    end: int | None
    earliest: int
    latest: int
    stock: tuple[int, ...]
    breaks: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Technician:
    """What sets a person apart: tasks they must not do, and tasks that cost extra with them.

    `prices` holds (task index, seconds).
    """

    forbidden: frozenset[int]
    prices: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Question:
    """A part problem for a solver. `standing` are routes (task indices) by vehicle."""

    tasks: tuple[Task, ...]
    vehicles: tuple[Vehicle, ...]
    technicians: tuple[Technician, ...]
    durations: tuple[tuple[int, ...], ...]
    parts: tuple[str, ...]
    standing: tuple[tuple[int, ...], ...]
    horizon: int


@dataclass(frozen=True)
class Part:
    """Days and jobs that are planned together; jobs fixed in these days are left aside."""

    day_ids: tuple[str, ...]
    job_ids: tuple[str, ...]


def formulated(evaluator: Evaluator, plan: Plan, seen: Evaluation, part: Part) -> Question:
    """Write the question of one part; `seen` is the evaluation of `plan`."""
    return _Writer(evaluator, plan, seen, part).question()


def answered(question: Question, plan: Plan, part: Part, routes: Sequence[Sequence[int]]) -> Plan:
    """Put a solver's routes (task indices by vehicle) behind the fixed fronts they started from."""
    tasks = [task.job_id for task in question.tasks]
    asked = {*tasks}
    found = {
        vehicle.day_id: tuple(tasks[index] for index in route)
        for vehicle, route in zip(question.vehicles, routes, strict=True)
    }
    written = {}
    for day_id in part.day_ids:
        front = tuple(job_id for job_id in plan.route(day_id) if job_id not in asked)
        written[day_id] = front + found.get(day_id, ())
    return plan.with_routes(written)


def windows_of(
    job: Job, *, with_late_steps: bool, margin: float = 0.0
) -> list[tuple[float, float]]:
    """Return latest starts and prizes of a job, the dearest first.

    With a margin the first ends so long before the job is due; using it up is the next step.
    """
    prize = left_out_price(job)
    steps = [(job.due_seconds - margin, prize)]
    if with_late_steps and job.due_seconds < inf:
        if margin:
            steps.append((job.due_seconds, prize - tight_price(job, 0.0, margin)))
        steps += [
            (job.due_seconds + late, prize - late_price(job, min(late, WORST_AFTER_SECONDS)))
            for late in LATE_STEPS_SECONDS
        ]
    return steps


class _Writer:
    """Holds what the pieces of a question have in common."""

    def __init__(self, evaluator: Evaluator, plan: Plan, seen: Evaluation, part: Part) -> None:
        self._evaluator = evaluator
        self._plan = plan
        self._stops = seen.stops
        self._days = [evaluator.days[day_id] for day_id in part.day_ids]
        fixed = {job_id for day in self._days for job_id in day.fixed}
        ids = [job_id for job_id in part.job_ids if job_id not in fixed]
        self._jobs = evaluator.jobs_of(ids)
        self._parts = tuple(sorted({name for job in self._jobs for name in job.parts}))
        self._origin = floor(min((day.start_seconds for day in self._days), default=0.0))
        self._horizon = self._horizon_of()
        self._places: list[Place] = []

    def question(self) -> Question:
        people = {_ability(day): day for day in self._days}
        number = {ability: index for index, ability in enumerate(people)}
        vehicles = tuple(self._vehicle(day, number[_ability(day)]) for day in self._days)
        tasks = tuple(self._task(job) for job in self._jobs)
        return Question(
            tasks,
            vehicles,
            tuple(self._technician(day) for day in people.values()),
            self._durations(),
            self._parts,
            self._standing(),
            self._horizon,
        )

    def _horizon_of(self) -> int:
        ends = [day.latest_end_seconds for day in self._days]
        dues = [job.due_seconds for job in self._jobs if job.due_seconds < inf]
        last = max([end for end in ends if end < inf] or dues or [self._origin + DAY_SECONDS])
        return max(ceil(last) - self._origin, DAY_SECONDS)

    def _whole(self, seconds: float) -> int:
        return floor(min(max(seconds - self._origin, -1.0), self._horizon))

    def _location(self, place: Place) -> int:
        self._places.append(place)
        return len(self._places) - 1

    def _vehicle(self, day: TechnicianDay, technician: int) -> Vehicle:
        front = self._evaluator.jobs_of(day.fixed)
        seen = self._evaluator.route(day, front)
        free = seen.stops[-1].finish_seconds if front else day.start_seconds
        used = [sum(job.parts.get(name, 0) for job in front) for name in self._parts]
        breaks = day.breaks[len(seen.breaks) :]
        return Vehicle(
            day.id,
            technician,
            self._location(front[-1].place if front else day.start),
            None if day.end is None else self._location(day.end),
            ceil(free - self._origin),
            self._whole(day.latest_end_seconds),
            tuple(
                max(day.stock.get(name, 0) - count, 0)
                for name, count in zip(self._parts, used, strict=True)
            ),
            tuple(
                (
                    max(ceil(one.earliest_seconds - self._origin), 0),
                    max(self._whole(one.latest_seconds), 0),
                    ceil(one.seconds),
                )
                for one in breaks
            ),
        )

    def _task(self, job: Job) -> Task:
        release = max(ceil(max(job.release_seconds, self._origin) - self._origin), 0)
        release = min(release, self._horizon)
        margin = self._evaluator.margin(job)
        steps = windows_of(job, with_late_steps=self._is_in_danger(job, margin), margin=margin)
        factor = 1 if job.pinned_to is None else PINNED_FACTOR * _weight(job.priority)
        windows = [Window(self._whole(latest), round(prize * factor)) for latest, prize in steps]
        kept: dict[int, Window] = {}
        for window in windows:
            if window.latest >= release:
                kept.setdefault(window.latest, window)
        return Task(
            job.id,
            self._location(job.place),
            ceil(job.service_seconds),
            release,
            tuple(kept.values()) or (Window(self._horizon, windows[-1].prize),),
            len(Priority) - job.priority.rank,
            tuple(job.parts.get(name, 0) for name in self._parts),
        )

    def _is_in_danger(self, job: Job, margin: float) -> bool:
        if job.pinned_to is not None or job.id not in self._stops:
            return True
        return self._stops[job.id][1].start_seconds > job.due_seconds - margin - NEAR_LIMIT_SECONDS

    def _technician(self, day: TechnicianDay) -> Technician:
        evaluator, person = self._evaluator, day.technician_id
        forbidden, prices = set(), []
        for index, job in enumerate(self._jobs):
            told = evaluator.told_technician(job.id)
            stays = job.has_moved_enough and told not in {None, person}
            if stays or evaluator.may_do(day, job) is not None:
                forbidden.add(index)
            elif evaluator.is_moved(job, person) and (price := round(move_price(job))):
                prices.append((index, price))
        return Technician(frozenset(forbidden), tuple(prices))

    def _durations(self) -> tuple[tuple[int, ...], ...]:
        seconds = self._evaluator.problem.travel.seconds
        return tuple(
            tuple(
                0 if row == column else ceil(seconds(one, other))
                for column, other in enumerate(self._places)
            )
            for row, one in enumerate(self._places)
        )

    def _standing(self) -> tuple[tuple[int, ...], ...]:
        index = {job.id: number for number, job in enumerate(self._jobs)}
        return tuple(
            tuple(index[job_id] for job_id in self._plan.route(day.id) if job_id in index)
            for day in self._days
        )


def _ability(day: TechnicianDay) -> tuple[str, frozenset[str], int]:
    """Who it is and what they may do: a certificate can lapse between two days of one person."""
    return day.technician_id, day.skills, day.level


def _weight(priority: Priority) -> float:
    """Lift every pinned job to the worth of P1."""
    return LEFT_OUT_SECONDS[Priority.P1] / LEFT_OUT_SECONDS[priority]
