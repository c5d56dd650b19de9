"""Rows -> the planner's plain numbers, and its answer back into rows.

Split from `assignment.py`: the pure planner has one door to the database, and this is it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf

from fleet_server.cabinets.models import Site
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.planner import Candidate, Point, Route, Stop, arrivals
from fleet_server.dispatch.queries import last_sites, visits_of_technicians
from fleet_server.dispatch.rules import LAST_PLACE_COUNTS, PINNED_WITHIN, SERVICE_SECONDS
from fleet_server.dispatch.states import VisitState
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import start_places
from fleet_server.transactions import Transaction

Row = tuple[Visit, Site]


def routes_of(
    tx: Transaction, technicians: Iterable[Technician], until: Mapping[str, datetime]
) -> list[Route]:
    """Return what these technicians have to do; without an entry in `until` it has no end."""
    people = {technician.id: technician for technician in technicians}
    visits = visits_of_technicians(tx.session, people)
    starts = {
        key: Point(*place) for key, place in start_places(tx.session, people.values()).items()
    }
    for key, site in last_sites(tx.session, people, tx.now - LAST_PLACE_COUNTS).items():
        starts[key] = Point(site.latitude, site.longitude)
    return [_route(tx.now, key, visits[key], starts[key], until.get(key)) for key in people]


def stop_of(visit: Visit, site: Site, now: datetime) -> Stop:
    """Visit as a stop of a route."""
    due = None if visit.due_at is None else (visit.due_at - now).total_seconds()
    return Stop(visit.id, Point(site.latitude, site.longitude), SERVICE_SECONDS, due)


def retime(tx: Transaction, technician: Technician) -> None:
    """Write the arrivals of a technician's route anew after it lost a stop."""
    (route,) = routes_of(tx, [technician], {})
    times = zip(route.stops, arrivals(route, route.stops), strict=True)
    write_arrivals(tx, ((stop.visit_id, seconds) for stop, seconds in times))


def take_place(tx: Transaction, candidate: Candidate) -> None:
    """Write the arrivals of the whole route with the new stop in it."""
    write_arrivals(tx, candidate.arrivals)


def write_arrivals(tx: Transaction, times: Iterable[tuple[str, float]]) -> None:
    """Seconds from now -> `planned_arrival_at` of the visits."""
    for visit_id, seconds in times:
        visit = tx.session.get_one(Visit, visit_id)
        visit.planned_arrival_at = _instant(tx.now, seconds)


def _instant(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=round(seconds))


def _route(
    now: datetime,
    technician_id: str,
    rows: list[Row],
    start: Point,
    until: datetime | None,
) -> Route:
    free = 0.0
    for visit, site in rows:
        if visit.state in {VisitState.TRAVELLING, VisitState.ON_SITE}:
            start, free = Point(site.latitude, site.longitude), _free_after(visit, now)
    waiting = [row for row in rows if row[0].state in {VisitState.OFFERED, VisitState.ACCEPTED}]
    return Route(
        technician_id,
        start,
        free,
        inf if until is None else (until - now).total_seconds(),
        tuple(stop_of(visit, site, now) for visit, site in waiting),
        _pinned(now, waiting),
    )


def _free_after(visit: Visit, now: datetime) -> float:
    begins = visit.checked_in_at or visit.planned_arrival_at or now
    elapsed = (begins - now).total_seconds()
    if visit.state == VisitState.TRAVELLING:
        elapsed = max(elapsed, 0.0)
    return max(elapsed + SERVICE_SECONDS, 0.0)


def _pinned(now: datetime, rows: list[Row]) -> int:
    """Length of the front of the route that keeps its place."""
    fixed = [
        index + 1
        for index, (visit, _) in enumerate(rows)
        if visit.state == VisitState.ACCEPTED
        and visit.planned_arrival_at is not None
        and visit.planned_arrival_at <= now + PINNED_WITHIN
    ]
    return max(fixed, default=0)
