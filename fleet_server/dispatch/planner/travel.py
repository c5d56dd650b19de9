"""How long a way takes: by estimate, or from a table of a map with the estimate behind it.

Estimate of the design (dispatch, Travel): great-circle x 1.3, 35 km/h in town, 70 outside, 3 min
access. What is town is not known, so the first 15 km of a way are; longer ways leave it. A detour
through a third place is then never shorter than the way itself. A factor for each territory is
learnt from arrivals.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import asin, cos, exp, log, radians, sin, sqrt
from statistics import median
from typing import NamedTuple, Protocol

EARTH_RADIUS_METRES = 6_371_000.0
DETOUR = 1.3
TOWN_METRES_PER_SECOND = 35_000 / 3600
OUTSIDE_METRES_PER_SECOND = 70_000 / 3600
TOWN_METRES = 15_000.0
"""Road metres of one way at the speed of a town: the radius of a large one."""
ACCESS_SECONDS = 180.0
"""Parking, gate, way to the cabinet."""

ARRIVALS_MIN = 20
"""Arrivals before a factor is believed; below, a few traffic jams would decide."""
FACTOR_MIN, FACTOR_MAX = 0.5, 3.0
"""A learnt factor outside is a wrong position or a lunch, not traffic."""
SHORT_SECONDS = 300.0
"""Ways shorter than this say nothing about speed: access outweighs them."""


class Place(NamedTuple):
    """A place in degrees WGS-84."""

    latitude: float
    longitude: float


class Travel(Protocol):
    """How long it takes from one place to another."""

    def seconds(self, one: Place, other: Place) -> float:
        """Seconds of the way, access included; 0 from a place to itself is not required."""
        ...

    def least_seconds(self, metres: float) -> float:
        """Seconds that no way between places so far apart (great-circle) stays below."""
        ...


class Way(NamedTuple):
    """A way that was made: where from, where to, and how long it took."""

    one: Place
    other: Place
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """Travel without a map; `factor` is that of the territory."""

    factor: float = 1.0
    access_seconds: float = ACCESS_SECONDS

    def seconds(self, one: Place, other: Place) -> float:
        """Seconds of the way, access included."""
        return self.least_seconds(distance_metres(one, other))

    def least_seconds(self, metres: float) -> float:
        """Seconds of a way between places so far apart: an estimate knows nothing else."""
        metres *= DETOUR
        driving = min(metres, TOWN_METRES) / TOWN_METRES_PER_SECOND
        if metres > TOWN_METRES:
            driving += (metres - TOWN_METRES) / OUTSIDE_METRES_PER_SECOND
        return driving * self.factor + self.access_seconds


@dataclass(frozen=True)
class TableTravel:
    """Driving seconds a map gave for pairs of places; what it did not give is estimated."""

    driving: Mapping[tuple[Place, Place], float]
    estimate: Estimate = field(default_factory=Estimate)
    estimated_pairs: int = 0
    """Pairs asked for and not answered in time: the mark that this is partly an estimate."""

    @property
    def is_estimate(self) -> bool:
        """Whether any way that was asked for is only estimated."""
        return self.estimated_pairs > 0

    def seconds(self, one: Place, other: Place) -> float:
        """Seconds of the way, access included."""
        driving = self.driving.get((one, other))
        if driving is None:
            return self.estimate.seconds(one, other)
        return driving + self.estimate.access_seconds

    def least_seconds(self, metres: float) -> float:  # noqa: ARG002  # a map owes no distance
        """Nothing: a map may know a tunnel, and a table may be wrong."""
        return 0.0


def distance_metres(one: Place, other: Place) -> float:
    """Great-circle distance (haversine)."""
    latitude = radians(other[0] - one[0]) / 2
    longitude = radians(other[1] - one[1]) / 2
    chord = sin(latitude) ** 2 + cos(radians(one[0])) * cos(radians(other[0])) * sin(longitude) ** 2
    return 2 * EARTH_RADIUS_METRES * asin(sqrt(min(chord, 1.0)))


def learnt_factor(ways: Iterable[Way], access_seconds: float = ACCESS_SECONDS) -> float:
    """Return the factor of a territory: median of true to estimated driving, damped.

    The median, so that one lunch on the way does not count; damped by the number of
    arrivals, so that a territory does not jump on its first day.
    """
    plain = Estimate(access_seconds=0.0)
    ratios = [
        max(way.seconds - access_seconds, 1.0) / expected
        for way in ways
        if (expected := plain.seconds(way.one, way.other)) >= SHORT_SECONDS
    ]
    if len(ratios) < ARRIVALS_MIN:
        return 1.0
    trust = 1.0 - ARRIVALS_MIN / (2.0 * len(ratios))
    factor = exp(trust * log(median(ratios)))
    return min(max(factor, FACTOR_MIN), FACTOR_MAX)
