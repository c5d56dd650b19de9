"""What is asked: jobs, technician-days, travel, the plan that stands. Plain data.

Times are seconds from an epoch of the caller's choice, places degrees WGS-84. The horizon is today
and two working days (dispatch, Formulation): as many `TechnicianDay`s of one person. What a
technician is on the way to or at work on is no job here: it becomes start place and start time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, inf, log, sqrt
from typing import NamedTuple

from fleet_server.dispatch.planner.errors import BadProblemError
from fleet_server.dispatch.planner.travel import Estimate, Place, Travel
from fleet_server.service_levels.rules import Priority

QUANTILE = 0.8
"""The quantile that a resolution clock keeps free for the work (dispatch, Formulation)."""
QUANTILE_DEVIATIONS = 0.8416212335729143
"""Standard deviations of a normal distribution below which 80 % lie."""
SERVICE_SIGMA = 0.4
"""Log-normal spread of service times until it is learnt by fault and model."""
MARGIN_SECONDS = 1800.0
"""Margin to ask for. Full days kept 93 % of their jobs punctual without one, 96 to 99 % with 20 to
40 min; more leaves jobs out (ADR 0022)."""
MOVES_A_DAY_MAX = 2
"""A job moves at most twice a day (dispatch, When)."""


class Commitment(StrEnum):
    """What a technician has been told about a job."""

    OPEN = "open"
    OFFERED = "offered"
    ACCEPTED = "accepted"


class Break(NamedTuple):
    """A pause of `seconds` that has to begin from `earliest_seconds` to `latest_seconds`."""

    earliest_seconds: float
    latest_seconds: float
    seconds: float


@dataclass(frozen=True)
class Job:
    """One visit to make.

    `service_seconds` is the expected work, log-normal with spread `service_sigma`.
    `latest_start_seconds` is the arrival clock, `resolve_by_seconds` the resolution clock.
    `pinned_to` is a technician, not a day. `wait_weight` is what each second until the start
    costs: set for the job that is being placed, so that an urgent one is not handed to whoever
    passes by in the evening.
    """

    id: str
    place: Place
    service_seconds: float
    service_sigma: float = SERVICE_SIGMA
    latest_start_seconds: float = inf
    resolve_by_seconds: float = inf
    release_seconds: float = -inf
    priority: Priority = Priority.P2
    skills: frozenset[str] = frozenset()
    level: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)
    pinned_to: str | None = None
    refused: frozenset[str] = frozenset()
    commitment: Commitment = Commitment.OPEN
    site_told: bool = False
    moves_today: int = 0
    wait_weight: float = 0.0

    @property
    def service_p80_seconds(self) -> float:
        """Work that 80 % of such jobs do not exceed."""
        if self.service_seconds <= 0:
            return self.service_seconds
        middle = log(self.service_seconds) - self.service_sigma**2 / 2
        return exp(middle + QUANTILE_DEVIATIONS * self.service_sigma)

    @property
    def due_seconds(self) -> float:
        """Latest start that keeps both clocks: each becomes one absolute instant."""
        return min(self.latest_start_seconds, self.resolve_by_seconds - self.service_p80_seconds)

    @property
    def has_moved_enough(self) -> bool:
        """Whether somebody has been told otherwise twice today already."""
        return self.commitment is not Commitment.OPEN and self.moves_today >= MOVES_A_DAY_MAX


@dataclass(frozen=True)
class TechnicianDay:
    """One person's working day; `fixed` are the jobs it begins with, in this order.

    Van stock counts for each day of its own: what is used today is loaded again overnight.
    `end` is None when the day ends where the last job does. `max_duration_seconds` runs from
    `start_seconds`, worked or not.
    """

    id: str
    technician_id: str
    start: Place
    start_seconds: float
    end_seconds: float = inf
    end: Place | None = None
    max_duration_seconds: float = inf
    skills: frozenset[str] = frozenset()
    level: int = 0
    stock: Mapping[str, int] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def latest_end_seconds(self) -> float:
        """When the work, and the way to `end`, must be over."""
        return min(self.end_seconds, self.start_seconds + self.max_duration_seconds)


@dataclass(frozen=True)
class Plan:
    """Job ids by technician-day, in order; a job in no route is left out."""

    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def route(self, day_id: str) -> tuple[str, ...]:
        """Return the route of a day; days without one have no job."""
        return self.routes.get(day_id, ())

    @property
    def placed(self) -> frozenset[str]:
        """Every job in a route."""
        return frozenset(job_id for route in self.routes.values() for job_id in route)

    def with_routes(self, routes: Mapping[str, tuple[str, ...]]) -> "Plan":
        """Return the plan with these routes instead of those of the same days."""
        return Plan({**self.routes, **routes})


@dataclass(frozen=True)
class Problem:
    """Everything a plan is made from. `previous` is the plan people have been told.

    `margin_seconds` is the spare time that jobs should have before they are due: work is uncertain,
    and a plan that uses every minute breaks at the first that is lost. 0 asks for none.
    """

    jobs: tuple[Job, ...]
    days: tuple[TechnicianDay, ...]
    travel: Travel = field(default_factory=Estimate)
    previous: Plan = field(default_factory=Plan)
    now_seconds: float = 0.0
    margin_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Raise BadProblemError where a plan could not mean anything."""
        _must_be_unique("job", [job.id for job in self.jobs])
        _must_be_unique("technician-day", [day.id for day in self.days])
        for job in self.jobs:
            if not 0 <= job.service_seconds < inf:
                raise BadProblemError(f"job {job.id}", "service takes a finite time, 0 s or more")
        for day in self.days:
            if not -inf < day.start_seconds < inf or day.start_seconds > day.end_seconds:
                raise BadProblemError(f"technician-day {day.id}", "a shift starts before it ends")


def sigma_of(expected_seconds: float, p80_seconds: float) -> float:
    """Log-normal spread from the expected time and the 80 % quantile.

    A quantile below the expectation is rounding and gives 0; one above what any log-normal
    distribution of that expectation has (1.42 times) gives the widest it can be.
    """
    ratio = log(max(p80_seconds / expected_seconds, 1.0))
    return QUANTILE_DEVIATIONS - sqrt(max(QUANTILE_DEVIATIONS**2 - 2 * ratio, 0.0))


def _must_be_unique(kind: str, ids: list[str]) -> None:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise BadProblemError(f"{kind} {one}", "stands there twice")
        seen.add(one)
