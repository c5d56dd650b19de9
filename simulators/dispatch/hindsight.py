"""What could have been: one plan with every fault, every true time and every illness known.

No policy can do better than the best such plan, and none is expected to reach it: it sends people
before anything has happened. It is found by an engine within a budget, so it is a lower bound of
that best plan; where a policy comes near it, it is near what is possible.
"""

from dataclasses import replace
from math import inf

from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.problem import Job, Problem, TechnicianDay
from fleet_server.dispatch.planner.travel import Estimate
from fleet_server.dispatch.solvers.engines import Budget
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.rolling import improve
from simulators.dispatch.play import Arrival, Played
from simulators.dispatch.scenario import (
    DAY_SECONDS,
    HOUR,
    TRAVEL_FACTOR,
    Case,
    Outcome,
    Person,
    Scenario,
)

RETURN_AFTER_SECONDS = 3 * HOUR
"""A visit that could not end the work is followed by another about so much later."""


def in_hindsight(scenario: Scenario, seconds: float, solvers: SolverPool) -> Played:
    """Plan the whole scenario with everything known, within `seconds` of an engine."""
    cases = {case.id: case for case in _with_returns(scenario)}
    problem = Problem(
        tuple(_job(scenario, case) for case in cases.values()),
        tuple(
            _day(person, day)
            for day in range(scenario.days)
            for person in scenario.people
            if _end(person, day) > _begin(person, day)
        ),
        Estimate(TRAVEL_FACTOR * scenario.estimate.factor, scenario.estimate.access_seconds),
    )
    plan = built(problem)
    if not solvers.is_empty:
        plan = improve(problem, plan, Budget(seconds), scenario.seed, solvers).plan
    seen = Evaluator(problem).plan(plan)
    arrivals = tuple(
        Arrival(cases[key], who, stop.arrival_seconds, stop.start_seconds, 0.0)
        for key, (who, stop) in seen.stops.items()
    )
    unserved = tuple(cases[key] for key in seen.left_out)
    return Played("hindsight", scenario, arrivals, unserved, 0)


def _with_returns(scenario: Scenario) -> list[Case]:
    again = [
        replace(
            case,
            id=f"{case.id}+",
            opened_seconds=case.opened_seconds + RETURN_AFTER_SECONDS,
            due_seconds=case.due_seconds + 2 * RETURN_AFTER_SECONDS,
            outcome=Outcome.DONE,
        )
        for case in scenario.cases
        if case.outcome is not Outcome.DONE
    ]
    return [*scenario.cases, *again]


def _job(scenario: Scenario, case: Case) -> Job:
    refused = frozenset(
        person.id for person in scenario.people if scenario.declines(case.id, person.id)
    )
    return Job(
        case.id,
        case.place,
        case.true_seconds,
        latest_start_seconds=case.due_seconds,
        release_seconds=case.opened_seconds,
        priority=case.priority,
        skills=frozenset({case.kind}),
        refused=refused,
    )


def _day(person: Person, day: int) -> TechnicianDay:
    return TechnicianDay(
        id=f"{person.id}/{day}",
        technician_id=person.id,
        start=person.home,
        start_seconds=_begin(person, day),
        end_seconds=_end(person, day),
        skills=person.skills,
    )


def _begin(person: Person, day: int) -> float:
    return day * DAY_SECONDS + person.begins


def _end(person: Person, day: int) -> float:
    midnight = day * DAY_SECONDS
    ill = person.ill_from if midnight <= person.ill_from < midnight + DAY_SECONDS else inf
    return min(midnight + person.ends, ill)
