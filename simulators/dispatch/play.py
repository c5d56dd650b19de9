"""Let time pass: faults come, people drive, work and go home; the policy says who goes where.

A policy sees what a dispatcher sees (`Desk`): planned times, where people are, when they should be
free. Truth comes out only as things happen.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from typing import Protocol

from fleet_server.dispatch.planner.travel import Place
from simulators.dispatch.scenario import DAY_SECONDS, Case, Person, Scenario

TICK_SECONDS = 300.0
"""Tier 2 (dispatch, When)."""
OVERRUN_SECONDS = 600.0
"""Who is overdue is expected to be free so much later."""


@dataclass(frozen=True)
class Said:
    """What was said of one fault 60 min before it was due.

    `by_rule` is the word of a fixed 4 h rule: open for 4 h, or due within it and nobody has it.
    """

    case_id: str
    late_probability: float
    by_rule: bool


class _Event(IntEnum):
    """What happens; of one instant in this order."""

    FREE = 0
    OPENED = 1
    BEGINS = 2
    TICK = 3


@dataclass
class Worker:
    """A technician as the desk sees them."""

    person: Person
    place: Place
    case_id: str | None = None
    free_seconds: float = 0.0
    """When they should be free, by the plan."""
    is_here: bool = False

    def day_of(self, now: float) -> float:
        """Midnight of the day."""
        return now // DAY_SECONDS * DAY_SECONDS

    def ends_at(self, now: float) -> float:
        """End of today's shift."""
        return self.day_of(now) + self.person.ends


@dataclass(frozen=True)
class Arrival:
    """One visit that took place."""

    case: Case
    person_id: str
    left_seconds: float
    arrived_seconds: float
    way_seconds: float

    @property
    def is_on_time(self) -> bool:
        """Whether it was begun by its due instant."""
        return self.arrived_seconds <= self.case.due_seconds


@dataclass
class Desk:
    """What a dispatcher sees."""

    scenario: Scenario
    now: float = 0.0
    waiting: dict[str, Case] = field(default_factory=dict)
    """Faults nobody is on the way to, oldest first."""
    workers: dict[str, Worker] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    moves: int = 0
    """Jobs that were given to somebody else after somebody had taken them."""

    def may_do(self, worker: Worker, case: Case) -> bool:
        """Whether they have the skill and do not decline."""
        skilled = case.kind in worker.person.skills
        return skilled and not self.scenario.declines(case.id, worker.person.id)

    def expected_free(self, worker: Worker) -> float:
        """When they should be free; later for who is overdue."""
        if worker.case_id is None:
            return self.now
        late = worker.free_seconds <= self.now
        return self.now + OVERRUN_SECONDS if late else worker.free_seconds


class Policy(Protocol):
    """Who goes where."""

    name: str

    def opened(self, desk: Desk, case: Case) -> None:
        """A fault came."""

    def tick(self, desk: Desk) -> None:
        """Five minutes have passed."""

    def next_for(self, desk: Desk, worker: Worker) -> str | None:
        """Which of `desk.waiting` this free person goes to; None: stay where you are."""

    def gone(self, desk: Desk, worker: Worker) -> None:
        """Somebody went home for the day, ill."""


@dataclass(frozen=True)
class Played:
    """What came of a scenario under a policy."""

    policy: str
    scenario: Scenario
    arrivals: tuple[Arrival, ...]
    unserved: tuple[Case, ...]
    """Opened and never reached."""
    moves: int
    said: tuple[Said, ...] = ()
    """What the policy said an hour before each due instant, if it says anything."""


def play(scenario: Scenario, policy: Policy) -> Played:
    """Play a scenario to its end."""
    return _Game(scenario, policy).played()


class _Game:
    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self._scenario, self._policy = scenario, policy
        self._desk = Desk(scenario)
        self._numbers = count()
        self._queue: list[tuple[float, int, int, object]] = []
        self._arrivals: list[Arrival] = []
        for person in scenario.people:
            self._desk.workers[person.id] = Worker(person, person.home)
        for at, event, what in self._beginnings():
            self._put(at, event, what)

    def played(self) -> Played:
        """Take one event after the other."""
        while self._queue:
            at, event, _, what = heapq.heappop(self._queue)
            if at > self._scenario.end_seconds:
                break
            self._desk.now = at
            self._take(_Event(event), what)
        unserved = tuple(self._desk.waiting.values())
        return Played(
            self._policy.name,
            self._scenario,
            tuple(self._arrivals),
            unserved,
            self._desk.moves,
            tuple(self._desk.said),
        )

    def _beginnings(self) -> Iterator[tuple[float, _Event, object]]:
        for case in self._scenario.cases:
            yield case.opened_seconds, _Event.OPENED, case
        for day in range(self._scenario.days):
            midnight = day * DAY_SECONDS
            for person in self._scenario.people:
                yield midnight + person.begins, _Event.BEGINS, person.id
            for number in range(int(DAY_SECONDS / TICK_SECONDS)):
                yield midnight + number * TICK_SECONDS, _Event.TICK, None

    def _put(self, at: float, event: _Event, what: object) -> None:
        heapq.heappush(self._queue, (at, int(event), next(self._numbers), what))

    def _take(self, event: _Event, what: object) -> None:
        desk = self._desk
        if event is _Event.TICK:
            self._send_home()
            self._policy.tick(desk)
        elif isinstance(what, Case):
            desk.waiting[what.id] = what
            self._policy.opened(desk, what)
        elif event is _Event.BEGINS:
            worker = desk.workers[str(what)]
            if desk.now < worker.person.ill_from or self._is_well_again(worker):
                worker.is_here, worker.place = True, worker.person.home
        else:
            desk.workers[str(what)].case_id = None
        self._send()

    def _is_well_again(self, worker: Worker) -> bool:
        return self._desk.now >= worker.day_of(worker.person.ill_from) + DAY_SECONDS

    def _send_home(self) -> None:
        for worker in self._desk.workers.values():
            ill = worker.person.ill_from
            if worker.is_here and ill <= self._desk.now < worker.day_of(ill) + DAY_SECONDS:
                worker.is_here = False
                self._policy.gone(self._desk, worker)
            elif worker.is_here and self._desk.now >= worker.ends_at(self._desk.now):
                worker.is_here = False

    def _send(self) -> None:
        for worker in self._desk.workers.values():
            if worker.is_here and worker.case_id is None:
                chosen = self._policy.next_for(self._desk, worker)
                if chosen is not None:
                    self._leave(worker, self._desk.waiting.pop(chosen))

    def _leave(self, worker: Worker, case: Case) -> None:
        now, scenario = self._desk.now, self._scenario
        way = scenario.way_seconds(worker.place, case, worker.person.id)
        planned = scenario.estimate.seconds(worker.place, case.place) + case.planned_seconds
        arrived, done = now + way, now + way + case.true_seconds
        self._arrivals.append(Arrival(case, worker.person.id, now, arrived, way))
        worker.case_id, worker.place, worker.free_seconds = case.id, case.place, now + planned
        self._put(done, _Event.FREE, worker.person.id)
        left = scenario.again(case, done)
        if left is not None:
            self._put(left.opened_seconds, _Event.OPENED, left)
