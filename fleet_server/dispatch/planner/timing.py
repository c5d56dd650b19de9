"""When each stop of a route is reached, and where its breaks go.

The one loop that walks a route: the evaluator walks it with expected times, the risk with drawn
ones, so that both agree about breaks and waiting.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fleet_server.dispatch.planner.problem import Break, Job, TechnicianDay
from fleet_server.dispatch.planner.travel import Place, Travel


class StopTime(NamedTuple):
    """One stop: reached, begun, done."""

    arrival_seconds: float
    start_seconds: float
    finish_seconds: float


class Walk(NamedTuple):
    """A route in time; `finish_seconds` includes the way to the end of the day."""

    stops: list[StopTime]
    breaks: list[tuple[float, float]]
    late_breaks: int
    finish_seconds: float


def legs_of(day: TechnicianDay, jobs: Sequence[Job], travel: Travel) -> list[float]:
    """Seconds of each way: to every stop, then to the end of the day (0 without one)."""
    seconds, place = travel.seconds, day.start
    legs = []
    for job in jobs:
        legs.append(seconds(place, job.place))
        place = job.place
    legs.append(way_home(day, place, travel) if jobs else 0.0)
    return legs


def way_home(day: TechnicianDay, place: Place, travel: Travel) -> float:
    """Seconds from a place to where the day ends."""
    return 0.0 if day.end is None else travel.seconds(place, day.end)


def walk(
    day: TechnicianDay,
    jobs: Sequence[Job],
    legs: Sequence[float],
    services: Sequence[float] | None = None,
) -> Walk:
    """Walk a route; without `services`, work takes what is expected.

    A break is taken in a wait that holds it, else at the last stop after whose work it would be
    too late: at the cabinet before checking in, or, where the way there is too long, before it.
    """
    pauses = list(day.breaks)
    stops: list[StopTime] = []
    taken: list[tuple[float, float]] = []
    late = 0
    time = day.start_seconds
    for index, job in enumerate(jobs):
        service = job.service_seconds if services is None else services[index]
        arrival = time + legs[index]
        start = max(arrival, job.release_seconds)
        if pauses:
            pause = _Pauses(time, legs[index], job.release_seconds, service)
            late += pause.take(pauses, taken)
            arrival, start = pause.arrival, pause.start
        time = start + service
        stops.append(StopTime(arrival, start, time))
    return Walk(stops, taken, late, time + legs[-1])


class _Pauses:
    """Breaks on the way to one stop: rare beside stops, so kept out of the loop above."""

    def __init__(self, time: float, leg: float, release: float, service: float) -> None:
        self._time = time
        self._leg = leg
        self._release = release
        self._service = service
        self._here = False
        self.arrival = self._ready = time + leg
        self.start = max(self._ready, release)

    def take(self, pauses: list[Break], taken: list[tuple[float, float]]) -> int:
        """Move the breaks that belong here from `pauses` to `taken`; return how many are late."""
        late = 0
        while pauses:
            begin = max(self._ready, pauses[0].earliest_seconds)
            if not self._belongs(pauses[0], begin):
                break
            pause = pauses.pop(0)
            if begin > pause.latest_seconds and not self._here:
                begin = max(self._time, pause.earliest_seconds)
                self._time = begin + pause.seconds
                self.arrival = self._ready = self._time + self._leg
            else:
                self._here = True
                self._ready = begin + pause.seconds
            late += begin > pause.latest_seconds
            taken.append((begin, begin + pause.seconds))
            self.start = max(self._ready, self._release)
        return late

    def _belongs(self, pause: Break, begin: float) -> bool:
        held = begin + pause.seconds <= self.start and begin <= pause.latest_seconds
        return held or self.start + self._service > pause.latest_seconds
