"""A region drawn from a seed: people with skills and shifts, faults with true and planned times.

Chances of one job and one person are drawn from their names, so that every policy meets the same
world: the same work takes as long whoever asks for it, and the same person declines the same job.
Deadlines are those of a same-day contract (2, 4, 8 h): with 24 and 72 h every policy is on time
until the region is overloaded, and nothing is learnt.
"""

import math
import random  # noqa: TID251  # scenarios are drawn from a seed
from dataclasses import dataclass, field
from enum import StrEnum

from fleet_server.dispatch.planner.travel import Estimate, Place
from fleet_server.service_levels.rules import Priority

DAY_SECONDS = 86_400.0
HOUR = 3_600.0
SHIFT_BEGINS, SHIFT_ENDS = 8 * HOUR, 17 * HOUR
LATE_SHIFT = 3 * HOUR
"""Every third technician begins and ends so much later."""
MINUTES_A_JOB = 44.0
"""Work and way of one job in a well planned day: what load is measured by."""
CENTRE = Place(31.23, 121.47)
SPAN_DEGREES = 0.11
"""Half the side of the region: some 35 km across."""

ARRIVALS_BY_HOUR = (
    *(0.4, 0.3, 0.2, 0.2, 0.2, 0.4, 1.0, 2.5, 4.5, 6.0, 7.0, 7.5),
    *(7.5, 7.0, 6.5, 6.0, 5.5, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.8),
)
"""Relative; cabinets fail when they are used."""
PRIORITIES = {Priority.P1: 0.15, Priority.P2: 0.55, Priority.P3: 0.30}
DUE_SECONDS = {Priority.P1: 2 * HOUR, Priority.P2: 4 * HOUR, Priority.P3: 8 * HOUR}
KINDS = {
    # share, planned minutes, how much longer it takes in truth
    "door": (0.30, 20.0, 0.9),
    "cooling": (0.25, 45.0, 1.15),
    "payment": (0.20, 25.0, 1.0),
    "dispensing": (0.25, 35.0, 1.05),
}
SKILLED = {"door": 0.95, "payment": 0.75, "dispensing": 0.7, "cooling": 0.5}
"""Share of technicians who may do such work."""
SERVICE_SIGMA = 0.4
TRAVEL_FACTOR, TRAVEL_SIGMA = 1.1, 0.2
"""True ways are a tenth longer than the estimate, and vary."""
NO_ACCESS, MISSING_PART, DECLINES, ILL = 0.04, 0.05, 0.06, 0.02
NO_ACCESS_SECONDS = 600.0


class Outcome(StrEnum):
    """How a visit ends."""

    DONE = "done"
    NO_ACCESS = "no_access"
    MISSING_PART = "missing_part"


@dataclass(frozen=True)
class Case:
    """One fault: what is known of it, and what is true."""

    id: str
    place: Place
    kind: str
    priority: Priority
    opened_seconds: float
    due_seconds: float
    planned_seconds: float
    true_seconds: float
    outcome: Outcome


@dataclass(frozen=True)
class Person:
    """One technician; `ill_from` is when they go home for the rest of that day."""

    id: str
    home: Place
    skills: frozenset[str]
    begins: float
    ends: float
    ill_from: float = math.inf


@dataclass(frozen=True)
class Scenario:
    """Everything that will happen, whatever is decided."""

    seed: int
    days: int
    cases: tuple[Case, ...]
    people: tuple[Person, ...]
    estimate: Estimate = field(default_factory=Estimate)

    @property
    def end_seconds(self) -> float:
        """When the last day is over."""
        return self.days * DAY_SECONDS

    def declines(self, case_id: str, person_id: str) -> bool:
        """Whether this person says no to this job."""
        return _draw(self.seed, "declines", case_id, person_id).random() < DECLINES

    def way_seconds(self, one: Place, case: Case, person_id: str) -> float:
        """True way of this person to this job."""
        chance = _draw(self.seed, "way", case.id, person_id)
        noise = chance.lognormvariate(-(TRAVEL_SIGMA**2) / 2, TRAVEL_SIGMA)
        return self.estimate.seconds(one, case.place) * TRAVEL_FACTOR * noise

    def again(self, case: Case, now: float) -> Case | None:
        """Return the job that is left after a visit that could not end the work."""
        if case.outcome is Outcome.DONE:
            return None
        chance = _draw(self.seed, "again", case.id)
        return Case(
            id=f"{case.id}+",
            place=case.place,
            kind=case.kind,
            priority=case.priority,
            opened_seconds=now + chance.uniform(0.5, 3.0) * HOUR,
            due_seconds=now + 3 * HOUR + DUE_SECONDS[case.priority],
            planned_seconds=case.planned_seconds,
            true_seconds=case.true_seconds,
            outcome=Outcome.DONE,
        )


def drawn(people: int, load: float, seed: int, days: int = 1) -> Scenario:
    """Draw a region: `load` is work and way over working time, 1.0 being full."""
    chance = _draw(seed, "region", people, load)
    staff = tuple(_person(chance, number, days) for number in range(people))
    hours = people * days * (SHIFT_ENDS - SHIFT_BEGINS) / 60
    count = round(load * hours / MINUTES_A_JOB)
    clusters = [_somewhere(chance) for _ in range(max(people // 3, 3))]
    cases = [_case(chance, number, clusters, days) for number in range(count)]
    return Scenario(seed, days, tuple(sorted(cases, key=lambda one: one.opened_seconds)), staff)


def _person(chance: random.Random, number: int, days: int) -> Person:
    later = LATE_SHIFT if number % 3 == 2 else 0.0
    skills = frozenset(kind for kind, share in SKILLED.items() if chance.random() < share)
    ill = chance.random() < ILL * days
    ill_from = chance.uniform(0, days) * DAY_SECONDS if ill else math.inf
    return Person(
        f"T{number:03d}",
        _somewhere(chance),
        skills or frozenset({"door"}),
        SHIFT_BEGINS + later,
        SHIFT_ENDS + later,
        ill_from,
    )


def _case(chance: random.Random, number: int, clusters: list[Place], days: int) -> Case:
    (kind,) = chance.choices(list(KINDS), [share for share, _, _ in KINDS.values()])
    _, minutes, bias = KINDS[kind]
    (priority,) = chance.choices(list(PRIORITIES), list(PRIORITIES.values()))
    (hour,) = chance.choices(range(24), ARRIVALS_BY_HOUR)
    opened = chance.randrange(days) * DAY_SECONDS + (hour + chance.random()) * HOUR
    noise = chance.lognormvariate(-(SERVICE_SIGMA**2) / 2, SERVICE_SIGMA)
    (outcome,) = chance.choices(
        list(Outcome), [1 - NO_ACCESS - MISSING_PART, NO_ACCESS, MISSING_PART]
    )
    no_access = outcome is Outcome.NO_ACCESS
    return Case(
        id=f"J{number:04d}",
        place=_near(chance, chance.choice(clusters))
        if chance.random() < 0.6
        else _somewhere(chance),
        kind=kind,
        priority=priority,
        opened_seconds=opened,
        due_seconds=_due(opened, priority),
        planned_seconds=minutes * 60,
        true_seconds=NO_ACCESS_SECONDS if no_access else minutes * 60 * bias * noise,
        outcome=outcome,
    )


def _due(opened: float, priority: Priority) -> float:
    """Clocks run while somebody works: what comes at night is due from the morning on."""
    day, second = divmod(opened, DAY_SECONDS)
    second = max(second, SHIFT_BEGINS)
    due = second + DUE_SECONDS[priority]
    closing = SHIFT_ENDS + LATE_SHIFT
    if due <= closing:
        return day * DAY_SECONDS + due
    begun = max(closing - second, 0.0)
    return (day + 1) * DAY_SECONDS + SHIFT_BEGINS + DUE_SECONDS[priority] - begun


def _somewhere(chance: random.Random) -> Place:
    latitude = CENTRE.latitude + chance.uniform(-SPAN_DEGREES, SPAN_DEGREES)
    return Place(latitude, CENTRE.longitude + chance.uniform(-SPAN_DEGREES, SPAN_DEGREES))


def _near(chance: random.Random, place: Place) -> Place:
    return Place(place.latitude + chance.gauss(0, 0.01), place.longitude + chance.gauss(0, 0.01))


def _draw(seed: int, *names: object) -> random.Random:
    return random.Random(f"{seed}/{'/'.join(map(str, names))}")  # noqa: S311  # a simulation
