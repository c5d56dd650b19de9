"""Which technicians and jobs are planned together: questions of 8-15 technicians.

An urgent job gathers the technicians nearest to it in time and skill; a territory is cut into
neighbourhoods by halving it again and again, along another direction in each round, so that no
border stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, inf, pi, radians, sin

from fleet_server.dispatch.planner.evaluator import Evaluation, Evaluator
from fleet_server.dispatch.planner.formulation import Part
from fleet_server.dispatch.planner.problem import Job, Plan, TechnicianDay
from fleet_server.dispatch.planner.travel import Place

NEAREST_TECHNICIANS = 12
"""Tier 1 (dispatch, When)."""
TECHNICIANS_MAX = 12
"""Of one question: within the 8-15 of the design, and what a second is enough for."""
LEFT_OUT_MAX = 40
"""Jobs in no route that one question takes on: more would only crowd it."""
TURN = 2.399963229728653
"""Golden angle in radians: directions of successive rounds never repeat."""


def around(evaluator: Evaluator, plan: Plan, seen: Evaluation, focus: Iterable[str]) -> Part:
    """Return the part of the technicians nearest in time and skill to these jobs.

    Days that begin after the jobs are due are left aside, but for the first of each technician.
    """
    jobs = evaluator.jobs_of(focus)
    nearness: dict[str, float] = {}
    for day in evaluator.days.values():
        near = min((_nearness(evaluator, seen, day, job) for job in jobs), default=inf)
        person = day.technician_id
        nearness[person] = min(nearness.get(person, inf), near)
    chosen = sorted((near, person) for person, near in nearness.items() if near < inf)
    people = {person for _, person in chosen[:NEAREST_TECHNICIANS]}
    until = max((job.due_seconds for job in jobs), default=inf)
    near_days = [day for day in evaluator.days.values() if day.technician_id in people]
    first: dict[str, float] = {}
    for day in near_days:
        first[day.technician_id] = min(first.get(day.technician_id, inf), day.start_seconds)
    days = [day for day in near_days if day.start_seconds <= max(until, first[day.technician_id])]
    wanted = [job.id for job in jobs]
    waiting = [one for one in _urgent_first(evaluator, seen.left_out) if one not in wanted]
    return _part(plan, days, [*wanted, *waiting])


def neighbourhoods(evaluator: Evaluator, plan: Plan, seen: Evaluation, turn: int) -> list[Part]:
    """Cut everything into parts; `turn` counts the rounds and sets the direction of the cuts."""
    people = _people(evaluator, plan)
    groups = list(_halved(people, turn * TURN))
    left_out: list[list[str]] = [[] for _ in groups]
    for job_id in _urgent_first(evaluator, seen.left_out):
        left_out[_nearest_group(groups, evaluator.jobs[job_id].place)].append(job_id)
    return [
        _part(plan, [day for person in group for day in person.days], jobs)
        for group, jobs in zip(groups, left_out, strict=True)
    ]


@dataclass(frozen=True)
class _Person:
    """A technician, their days, and the middle of where their work lies."""

    id: str
    days: tuple[TechnicianDay, ...]
    middle: Place


def _nearness(evaluator: Evaluator, seen: Evaluation, day: TechnicianDay, job: Job) -> float:
    """Seconds of way, and of being late, from the best place of the day to leave for the job."""
    if evaluator.may_do(day, job) is not None:
        return inf
    seconds = evaluator.problem.travel.seconds
    places = [(day.start, day.start_seconds)]
    places += [
        (evaluator.jobs[stop.job_id].place, stop.finish_seconds)
        for stop in seen.routes[day.id].stops
    ]
    ways = ((seconds(place, job.place), free) for place, free in places)
    return min(way + max(free + way - job.due_seconds, 0.0) for way, free in ways)


def _urgent_first(evaluator: Evaluator, ids: Iterable[str]) -> list[str]:
    jobs = evaluator.jobs_of(ids)
    return [job.id for job in sorted(jobs, key=lambda job: (job.priority, job.due_seconds))]


def _part(plan: Plan, days: Sequence[TechnicianDay], left_out: Sequence[str]) -> Part:
    placed = [job_id for day in days for job_id in plan.route(day.id)]
    ids = dict.fromkeys([*placed, *left_out[:LEFT_OUT_MAX]])
    return Part(tuple(day.id for day in days), tuple(ids))


def _people(evaluator: Evaluator, plan: Plan) -> list[_Person]:
    days: dict[str, list[TechnicianDay]] = {}
    for day in evaluator.days.values():
        days.setdefault(day.technician_id, []).append(day)
    return [_Person(key, tuple(own), _middle(evaluator, plan, own)) for key, own in days.items()]


def _middle(evaluator: Evaluator, plan: Plan, days: Sequence[TechnicianDay]) -> Place:
    places = [job.place for day in days for job in evaluator.jobs_of(plan.route(day.id))]
    places = places or [day.start for day in days]
    latitude = sum(place.latitude for place in places) / len(places)
    return Place(latitude, sum(place.longitude for place in places) / len(places))


def _halved(people: Sequence[_Person], angle: float) -> Iterable[Sequence[_Person]]:
    if len(people) <= TECHNICIANS_MAX:
        if people:
            yield people
        return
    ordered = sorted(people, key=lambda person: (_along(person.middle, angle), person.id))
    middle = len(ordered) // 2
    yield from _halved(ordered[:middle], angle + pi / 2)
    yield from _halved(ordered[middle:], angle + pi / 2)


def _along(place: Place, angle: float) -> float:
    east = place.longitude * cos(radians(place.latitude))
    return east * cos(angle) + place.latitude * sin(angle)


def _nearest_group(groups: Sequence[Sequence[_Person]], place: Place) -> int:
    """Flat distance serves: groups are compared, nothing is driven."""
    return min(
        range(len(groups)),
        key=lambda number: min(_flat(person.middle, place) for person in groups[number]),
    )


def _flat(one: Place, other: Place) -> float:
    east = (one.longitude - other.longitude) * cos(radians(one.latitude))
    return east**2 + (one.latitude - other.latitude) ** 2
