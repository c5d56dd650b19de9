"""What came of a scenario: on time by priority, hours late by weight, travel, moves.

Counted are the faults that were due before the end; a fault nobody reached is late until the end.
Work left after a visit (no access, missing part) is done in the play and not counted: whose fault
it was is not the policy's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from fleet_server.service_levels.rules import Priority
from simulators.dispatch.play import Played
from simulators.dispatch.scenario import HOUR, Case

WEIGHTS = {Priority.P1: 8.0, Priority.P2: 3.0, Priority.P3: 1.0}
Z95 = 1.96


@dataclass(frozen=True)
class Share:
    """A share of many, with its 95 % interval (Wilson)."""

    hits: int
    of: int

    @property
    def percent(self) -> float:
        """The share itself."""
        return 100 * self.hits / self.of if self.of else 100.0

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, in percent."""
        if not self.of:
            return 0.0, 100.0
        share, square = self.hits / self.of, Z95 * Z95
        middle = share + square / (2 * self.of)
        spread = Z95 * sqrt(share * (1 - share) / self.of + square / (4 * self.of**2))
        whole = 1 + square / self.of
        return 100 * (middle - spread) / whole, 100 * (middle + spread) / whole


@dataclass(frozen=True)
class Figures:
    """Sums over one play, or several of the same policy and load."""

    policy: str
    on_time: dict[Priority, Share]
    weighted_late_hours: float
    way_minutes: float
    """Mean way of a visit."""
    moves_per_job: float

    @property
    def all_on_time(self) -> Share:
        """All priorities together."""
        shares = self.on_time.values()
        return Share(sum(one.hits for one in shares), sum(one.of for one in shares))


def figures_of(plays: Sequence[Played]) -> Figures:
    """Sum up plays of one policy."""
    hits = {priority: [0, 0] for priority in Priority}
    late, ways, moves, jobs = 0.0, [], 0, 0
    for played in plays:
        reached = {one.case.id: one for one in played.arrivals}
        for case in counted(played):
            arrival = reached.get(case.id)
            at = played.scenario.end_seconds if arrival is None else arrival.arrived_seconds
            hits[case.priority][0] += at <= case.due_seconds
            hits[case.priority][1] += 1
            late += WEIGHTS[case.priority] * max(at - case.due_seconds, 0.0) / HOUR
        ways += [one.way_seconds / 60 for one in played.arrivals]
        moves, jobs = moves + played.moves, jobs + len(played.scenario.cases)
    return Figures(
        plays[0].policy,
        {priority: Share(hit, of) for priority, (hit, of) in hits.items()},
        late,
        fmean(ways) if ways else 0.0,
        moves / max(jobs, 1),
    )


def counted(played: Played) -> Iterable[Case]:
    """Faults of the scenario that were due before its end."""
    end = played.scenario.end_seconds
    return (case for case in played.scenario.cases if case.due_seconds <= end)
