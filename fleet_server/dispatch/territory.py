"""Rows of a region -> the problem a plan is made from: everybody's shifts, everything to do.

Split from `routes.py`, which looks at a few routes for one visit: this looks at a whole region
over today and the shifts of the next two days, and remembers what it saw, so that a plan made
without a transaction is written only where nothing has changed meanwhile.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from fleet_server.cabinets.models import Site
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.planner.problem import (
    MARGIN_SECONDS,
    Break,
    Commitment,
    Job,
    Plan,
    Problem,
    TechnicianDay,
)
from fleet_server.dispatch.planner.travel import Place
from fleet_server.dispatch.queries import (
    fault_codes_of,
    last_sites,
    planned_in,
    refusals_of,
    visits_of_technicians,
)
from fleet_server.dispatch.routes import COMMITMENTS, Row, free_after, pinned_front
from fleet_server.dispatch.rules import (
    LAST_PLACE_COUNTS,
    SERVICE_SECONDS,
    WAIT_WEIGHTS,
)
from fleet_server.dispatch.states import UNDER_WAY, VisitState
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.models import Technician
from fleet_server.technicians.parts_queries import needs_by_fault, stocks_of
from fleet_server.technicians.queries import abilities, start_places
from fleet_server.technicians.rules import Ability, Span, is_qualified, works_in
from fleet_server.transactions import Transaction

HORIZON = timedelta(days=3)
"""Today and two working days (dispatch, Formulation)."""


@dataclass(frozen=True)
class Seen:
    """What a visit was like when the problem was made; a plan holds while it is still so."""

    state: str
    technician_id: str | None
    priority: str
    due_at: datetime | None
    skills: tuple[str, ...]
    locked_to: str | None


@dataclass(frozen=True)
class Territory:
    """A region as the planner sees it; seconds count from `epoch`."""

    region: str
    epoch: datetime
    problem: Problem
    seen: Mapping[str, Seen]

    def instant(self, seconds: float) -> datetime:
        """Second of the plan as a time."""
        return self.epoch + timedelta(seconds=round(seconds))


def seen_of(visit: Visit) -> Seen:
    """What a plan about a visit rests on."""
    return Seen(
        visit.state,
        visit.technician_id,
        visit.priority,
        visit.due_at,
        tuple(visit.skills),
        visit.locked_to,
    )


def territory(tx: Transaction, region: str) -> Territory:
    """Return the problem of a region as it stands now."""
    return _Surveyor(tx, region).territory()


class _Surveyor:
    """Reads what a problem needs, once each."""

    def __init__(self, tx: Transaction, region: str) -> None:
        self._tx, self._region = tx, region
        self._people = {
            key: (technician, ability)
            for key, (technician, ability) in abilities(tx.session, tx.now).items()
            if works_in(ability, region)
        }
        self._visits = visits_of_technicians(tx.session, self._people)
        technicians = [technician for technician, _ in self._people.values()]
        self._homes = start_places(tx.session, technicians)
        self._last = last_sites(tx.session, self._people, tx.now - LAST_PLACE_COUNTS)
        self._rows = [*planned_in(tx.session, region), *self._standing()]
        self._ids = [visit.id for visit, _ in self._rows]
        self._stock = stocks_of(tx.session, self._people)
        self._needs = self._parts_needed()
        self._gates = {_gate(visit): (visit.skills, visit.level) for visit, _ in self._rows}
        self._refusals = refusals_of(tx.session, self._ids)

    def territory(self) -> Territory:
        days = [day for key in self._people for day in self._days(key)]
        jobs = [self._job(visit, site) for visit, site in self._rows]
        problem = Problem(
            tuple(jobs),
            tuple(days),
            previous=self._previous(days),
            margin_seconds=MARGIN_SECONDS,
        )
        seen = {visit.id: seen_of(visit) for visit, _ in self._rows}
        return Territory(self._region, self._tx.now, problem, seen)

    def _standing(self) -> Iterator[Row]:
        for key in self._people:
            yield from (row for row in self._visits[key] if row[0].state in COMMITMENTS)

    def _parts_needed(self) -> dict[str, dict[str, int]]:
        codes = fault_codes_of(self._tx.session, self._ids)
        known = needs_by_fault(self._tx.session) if codes else {}
        needed: dict[str, dict[str, int]] = {}
        for visit_id, found in codes.items():
            parts = needed.setdefault(visit_id, {})
            for row in (row for code in found for row in known.get(code, [])):
                parts[row.part_code] = parts.get(row.part_code, 0) + row.quantity
        return needed

    def _job(self, visit: Visit, site: Site) -> Job:
        now = self._tx.now
        due, by = _seconds(visit.due_at, now), _seconds(visit.resolve_by, now)
        priority = Priority(visit.priority)
        keeps = visit.technician_id is not None and site.region != self._region
        return Job(
            visit.id,
            Place(site.latitude, site.longitude),
            SERVICE_SECONDS,
            latest_start_seconds=due,
            resolve_by_seconds=by,
            priority=priority,
            # What each technician-day may do says `_able`: by skill, level and certificate.
            skills=frozenset({_gate(visit)}),
            parts=self._carried(visit.id),
            pinned_to=visit.locked_to or (visit.technician_id if keeps else None),
            refused=frozenset(self._refusals.get(visit.id, ())),
            commitment=COMMITMENTS.get(VisitState(visit.state), Commitment.OPEN),
            moves_today=visit.moves if visit.moved_on == now.date() else 0,
            wait_weight=WAIT_WEIGHTS[priority],
        )

    def _carried(self, visit_id: str) -> dict[str, int]:
        """Parts a plan sees to: those that some van holds. A part nobody has sends nobody away."""
        held = {part for stock in self._stock.values() for part in stock}
        return {part: n for part, n in self._needs.get(visit_id, {}).items() if part in held}

    def _days(self, key: str) -> Iterator[TechnicianDay]:
        technician, ability = self._people[key]
        for span in _working(ability, self._tx.now):
            yield self._day(technician, ability, span)

    def _day(self, technician: Technician, ability: Ability, span: Span) -> TechnicianDay:
        now, rows = self._tx.now, self._visits[technician.id]
        today = span.starts_at <= now
        start, free = self._begin(technician, rows, span, today=today)
        end = max((span.ends_at - now).total_seconds(), free)
        waiting = [row for row in rows if row[0].state in COMMITMENTS]
        front = [visit.id for visit, _ in waiting[: pinned_front(now, waiting)]] if today else []
        return TechnicianDay(
            f"{technician.id}/{span.starts_at.isoformat()}",
            technician.id,
            start,
            free,
            end,
            skills=self._able(ability, max(span.starts_at, now)),
            stock=self._stock.get(technician.id, {}),
            breaks=tuple(_breaks(ability, span, now)),
            fixed=tuple(front),
        )

    def _begin(
        self, technician: Technician, rows: Sequence[Row], span: Span, *, today: bool
    ) -> tuple[Place, float]:
        home = Place(*self._homes[technician.id])
        if not today:
            return home, (span.starts_at - self._tx.now).total_seconds()
        for visit, site in rows:
            if visit.state in UNDER_WAY:
                place = Place(site.latitude, site.longitude)
                return place, free_after(visit, self._tx.now)
        last = self._last.get(technician.id)
        return (home if last is None else Place(last.latitude, last.longitude)), 0.0

    def _able(self, ability: Ability, at: datetime) -> frozenset[str]:
        """Gates this person passes then: a lapsed certificate is no skill of the plan."""
        return frozenset(
            gate
            for gate, (skills, level) in self._gates.items()
            if is_qualified(ability, skills, at, level)
        )

    def _previous(self, days: Sequence[TechnicianDay]) -> Plan:
        """Return the plan people know: offered, accepted, and what is meant for whom."""
        routes: dict[str, list[str]] = {day.id: [] for day in days}
        for visit, _ in sorted(self._rows, key=_by_arrival):
            day = _day_of(visit, days, self._tx.now)
            if day is not None:
                routes[day.id].append(visit.id)
        # A fixed front stands first, whatever the arrivals say.
        for day in days:
            rest = [one for one in routes[day.id] if one not in day.fixed]
            routes[day.id] = [*day.fixed, *rest]
        return Plan({key: tuple(route) for key, route in routes.items()})


def _gate(visit: Visit) -> str:
    """What a visit asks of a person, as one word of the planner: skills and level together."""
    return f"{'+'.join(visit.skills)}/{visit.level}"


def _seconds(at: datetime | None, now: datetime) -> float:
    return inf if at is None else (at - now).total_seconds()


def _working(ability: Ability, now: datetime) -> Iterator[Span]:
    """Spans they work within the horizon: shifts without absences; touching ones stay apart."""
    for shift in sorted(ability.shifts, key=lambda one: one.starts_at):
        if shift.starts_at < now + HORIZON and shift.ends_at > now:
            yield from _without(shift, ability.absences)


def _without(span: Span, absences: Iterable[Span]) -> Iterator[Span]:
    begin = span.starts_at
    for absence in sorted(absences, key=lambda one: one.starts_at):
        if not absence.overlaps(Span(begin, span.ends_at)):
            continue
        if absence.starts_at > begin:
            yield Span(begin, absence.starts_at)
        begin = max(begin, absence.ends_at)
    if begin < span.ends_at:
        yield Span(begin, span.ends_at)


def _breaks(ability: Ability, span: Span, now: datetime) -> Iterator[Break]:
    for one in sorted(ability.breaks, key=lambda pause: pause.starts_at):
        if one.overlaps(span) and one.ends_at > now:
            begin = max((one.starts_at - now).total_seconds(), 0.0)
            length = (one.ends_at - max(one.starts_at, now)).total_seconds()
            # An hour of play: a break is taken between two jobs, not in the middle of one.
            yield Break(begin, begin + 3600.0, length)


def _by_arrival(row: Row) -> tuple[bool, float, str]:
    visit, _ = row
    at = visit.planned_arrival_at
    return at is None, 0.0 if at is None else at.timestamp(), visit.id


def _day_of(visit: Visit, days: Sequence[TechnicianDay], now: datetime) -> TechnicianDay | None:
    """Day whose technician has it, the latest one that has begun by its planned arrival."""
    person = visit.technician_id or visit.planned_for
    own = [day for day in days if day.technician_id == person]
    if not own:
        return None
    at = _seconds(visit.planned_arrival_at, now)
    begun = [day for day in own if day.start_seconds <= at]
    return begun[-1] if begun else own[0]
