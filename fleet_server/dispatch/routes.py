"""Rows -> the planner's plain numbers, and its answer back into rows.

Split from `assignment.py`: the pure planner has one door to the database, and this is it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf

from fleet_server.cabinets.models import Site
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.insertion import Candidate
from fleet_server.dispatch.planner.problem import Commitment, Job, Plan, Problem, TechnicianDay
from fleet_server.dispatch.planner.travel import Place
from fleet_server.dispatch.queries import last_sites, visits_of_technicians
from fleet_server.dispatch.rules import LAST_PLACE_COUNTS, PINNED_WITHIN, SERVICE_SECONDS
from fleet_server.dispatch.states import UNDER_WAY, VisitState
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import start_places
from fleet_server.transactions import Transaction

Row = tuple[Visit, Site]

COMMITMENTS = {
    VisitState.OFFERED: Commitment.OFFERED,
    VisitState.ACCEPTED: Commitment.ACCEPTED,
}


def standing_problem(
    tx: Transaction, technicians: Iterable[Technician], until: Mapping[str, datetime]
) -> Problem:
    """Return what these technicians have to do; without an entry in `until` it has no end."""
    people = {technician.id: technician for technician in technicians}
    visits = visits_of_technicians(tx.session, people)
    starts = {
        key: Place(*place) for key, place in start_places(tx.session, people.values()).items()
    }
    for key, site in last_sites(tx.session, people, tx.now - LAST_PLACE_COUNTS).items():
        starts[key] = Place(site.latitude, site.longitude)
    jobs: list[Job] = []
    days, routes = [], {}
    for key in people:
        waiting = [row for row in visits[key] if row[0].state in COMMITMENTS]
        mine = [job_of(visit, site, tx.now) for visit, site in waiting]
        jobs += mine
        routes[key] = tuple(job.id for job in mine)
        front = routes[key][: pinned_front(tx.now, waiting)]
        days.append(_day(tx.now, key, visits[key], starts[key], until.get(key), front))
    return Problem(tuple(jobs), tuple(days), previous=Plan(routes))


def job_of(visit: Visit, site: Site, now: datetime, wait_weight: float = 0.0) -> Job:
    """Visit as a job of the planner; seconds count from `now`."""
    return Job(
        visit.id,
        Place(site.latitude, site.longitude),
        SERVICE_SECONDS,
        latest_start_seconds=inf if visit.due_at is None else (visit.due_at - now).total_seconds(),
        priority=Priority(visit.priority),
        commitment=COMMITMENTS.get(VisitState(visit.state), Commitment.OPEN),
        wait_weight=wait_weight,
    )


def retime(tx: Transaction, technician: Technician) -> None:
    """Write the arrivals of a technician's route anew after it lost a stop."""
    problem = standing_problem(tx, [technician], {})
    stops = Evaluator(problem).plan(problem.previous).stops
    write_arrivals(tx, ((job_id, stop.arrival_seconds) for job_id, (_, stop) in stops.items()))


def take_place(tx: Transaction, candidate: Candidate) -> None:
    """Write the arrivals of the whole route with the new stop in it."""
    write_arrivals(tx, candidate.arrivals)


def write_arrivals(tx: Transaction, times: Iterable[tuple[str, float]]) -> None:
    """Seconds from now -> `planned_arrival_at` of the visits."""
    for visit_id, seconds in times:
        visit = tx.session.get_one(Visit, visit_id)
        visit.planned_arrival_at, visit.risk_at = _instant(tx.now, seconds), None


def _instant(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=round(seconds))


def _day(
    now: datetime,
    technician_id: str,
    rows: list[Row],
    start: Place,
    until: datetime | None,
    front: tuple[str, ...],
) -> TechnicianDay:
    free = 0.0
    for visit, site in rows:
        if visit.state in UNDER_WAY:
            start, free = Place(site.latitude, site.longitude), free_after(visit, now)
    end = inf if until is None else max((until - now).total_seconds(), free)
    return TechnicianDay(technician_id, technician_id, start, free, end, fixed=front)


def free_after(visit: Visit, now: datetime) -> float:
    """Seconds until somebody under way should be done with this visit."""
    begins = visit.checked_in_at or visit.planned_arrival_at or now
    elapsed = (begins - now).total_seconds()
    if visit.state == VisitState.TRAVELLING:
        elapsed = max(elapsed, 0.0)
    return max(elapsed + SERVICE_SECONDS, 0.0)


def pinned_front(now: datetime, rows: list[Row]) -> int:
    """Length of the front of the route that keeps its place."""
    fixed = [
        index + 1
        for index, (visit, _) in enumerate(rows)
        if visit.state == VisitState.ACCEPTED
        and visit.planned_arrival_at is not None
        and visit.planned_arrival_at <= now + PINNED_WITHIN
    ]
    return max(fixed, default=0)
