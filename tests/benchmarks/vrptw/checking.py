"""Feasibility and cost of routes, by our own evaluator: an instance is a problem like any other.

Customers are jobs that need `demand` units of one part, vehicles are technician-days with the
capacity as van stock; seconds are tenths of the file's unit.
"""

from dataclasses import dataclass, field

from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.problem import Job, Plan, Problem, TechnicianDay
from fleet_server.dispatch.planner.travel import Place
from tests.benchmarks.vrptw.instances import TENTHS, Customer, Instance, cost_tenths

LOAD = "load"


@dataclass(frozen=True)
class Checked:
    """What the evaluator says: `cost` in the file's unit, `broken` names what is wrong."""

    cost: float
    vehicles: int
    broken: tuple[str, ...]

    @property
    def is_feasible(self) -> bool:
        """Whether every customer is served once, in time, within capacity."""
        return not self.broken


@dataclass(frozen=True)
class ArcTravel:
    """Travel that knows its places by number: a place is (number, 0)."""

    distances: list[list[int]] = field(repr=False)

    def seconds(self, one: Place, other: Place) -> float:
        """Tenths of the arc."""
        return float(self.distances[int(one.latitude)][int(other.latitude)])

    def least_seconds(self, metres: float) -> float:  # noqa: ARG002  # places are numbers
        """Nothing is known of metres here."""
        return 0.0


def checked(instance: Instance, routes: list[list[int]]) -> Checked:
    """Evaluate routes of customer numbers."""
    used = [route for route in routes if route]
    problem = _problem(instance, len(used))
    plan = Plan({f"v{n}": tuple(map(str, route)) for n, route in enumerate(used)})
    seen = Evaluator(problem).plan(plan)
    broken = [violation.code.value for violation in seen.violations]
    broken += [f"late at {job_id}" for job_id in seen.late]
    broken += [f"left out {job_id}" for job_id in seen.left_out]
    cost = cost_tenths(instance.distances, used)
    if seen.travel_seconds != cost:
        broken.append(f"the evaluator travels {seen.travel_seconds}, not {cost}")
    return Checked(cost / TENTHS, len(used), tuple(broken))


def _problem(instance: Instance, vehicles: int) -> Problem:
    depot = instance.customers[0]
    start = Place(0, 0)
    days = tuple(
        TechnicianDay(
            f"v{number}",
            f"v{number}",
            start,
            depot.ready * TENTHS,
            depot.due * TENTHS,
            start,
            stock={LOAD: instance.capacity},
        )
        for number in range(vehicles)
    )
    jobs = tuple(_job(customer) for customer in instance.customers[1:])
    return Problem(jobs, days, ArcTravel(instance.distances))


def _job(customer: Customer) -> Job:
    return Job(
        str(customer.number),
        Place(customer.number, 0),
        customer.service * TENTHS,
        service_sigma=0.0,
        latest_start_seconds=customer.due * TENTHS,
        release_seconds=customer.ready * TENTHS,
        parts={LOAD: customer.demand},
    )
