"""Let a week pass: faults come, plans are made, phones answer, and the server dies now and then.

The clock is moved by minutes; everything else is the product. A kill is a transaction that never
commits and a server that is built anew on the same database: whatever had not been committed is
gone, at whichever statement it happened.
"""

import random  # noqa: TID251  # drawn from a seed
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from fleet_server.app import FleetServer, build
from fleet_server.clock import ManualClock
from fleet_server.dispatch.replanning import BUDGET_SECONDS
from fleet_server.faults.models import Fault
from fleet_server.ingest.events import Received
from fleet_server.seed import Chance
from fleet_server.settings import Settings
from fleet_server.tickets.models import TicketFault
from fleet_server.wiring import event_handlers
from protocol.events import ClearedBy, FaultCleared, FaultRaised
from protocol.faults import CATALOGUE
from tests.soak.fleet_week import checks
from tests.soak.fleet_week.phones import Phone
from tests.soak.fleet_week.town import CODES, Order, Town
from tests.web_client import WebClient

MINUTE = timedelta(minutes=1)
LOOKS_EVERY = 3
CHECK_EVERY = timedelta(hours=1)
FAULTS_A_DAY = 0.07
"""Of one cabinet."""
SELF_CLEARING = 0.25
"""Share of faults that end by themselves within some minutes."""
PARTS_ARRIVE_AFTER = timedelta(hours=4)


class KilledError(BaseException):
    """The server died here. Not an Exception: nothing may catch it on the way."""


@dataclass
class Killing:
    """Kills the server at a random one of the next commits or flushes."""

    chance: random.Random
    left: int = -1
    kills: int = 0

    def arm(self) -> None:
        """Let it die within the next steps."""
        self.left = self.chance.randrange(1, 60)

    def step(self, *_: object) -> None:
        """One durable step; the armed one is the last."""
        if self.left < 0:
            return
        self.left -= 1
        if self.left < 0:
            self.kills += 1
            raise KilledError


@dataclass
class Outcome:
    """What came of it."""

    problems: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    figures: dict[str, float] = field(default_factory=dict)


class Week:
    """One town, one week."""

    def __init__(
        self, settings: Settings, order: Order, seed: int, begin: datetime, kills_a_day: float = 4.0
    ) -> None:
        self._settings, self._order, self._seed = settings, order, seed
        self._chance = random.Random(seed)  # a simulation
        self.clock = ManualClock(begin)
        self._begin, self._kills_a_day = begin, kills_a_day
        self._killing = Killing(self._chance)
        self._seq = 0
        self._ending: list[tuple[datetime, str, FaultRaised]] = []
        self._parts: list[tuple[datetime, str]] = []
        self.outcome = Outcome()
        self.server = self._built()
        self.town = self._settled()
        self._phones = [Phone(person, self._chance, self._repaired) for person in self.town.people]

    def play(
        self,
        tell: Callable[[float], None] = lambda _: None,
        until: timedelta | None = None,
    ) -> Outcome:
        """Play to the end of the days, or for so long; `tell` hears the share that is done."""
        whole = until or timedelta(days=self._order.days)
        with self._mortal():
            while (passed := self.clock.now() - self._begin) < whole:
                self._minute()
                tell(passed / whole)
        self._check(final=True)
        self.outcome.kills = self._killing.kills
        self.close()
        return self.outcome

    def close(self) -> None:
        """End everything."""
        self.town.api.close()
        self.server.replanner.close()
        self.server.close()

    def _minute(self) -> None:
        self.clock.advance(MINUTE.total_seconds())
        if self._chance.random() < self._kills_a_day / 1440:
            self._killing.arm()
        self._survives(self._faults)
        self._survives(self.server_sweeps)
        # A phone is looked at every third minute, not all of them in the same one.
        turn = int(self.clock.now().timestamp() // 60) % LOOKS_EVERY
        for phone in self._phones[turn::LOOKS_EVERY]:
            self._survives(partial(phone.look, self.clock.now()))
        if (self.clock.now() - self._begin) % CHECK_EVERY == timedelta():
            self._check(final=False)

    def server_sweeps(self) -> None:
        """What the worker does each second, once a minute."""
        for name, one in self.server.sweeps:
            with self.server.transactions.write(f"system:{name}") as tx:
                one(tx)
        self.server.replanner.work_off(4)

    def _survives(self, act: Callable[[], None]) -> None:
        """Do it; where the server dies in the middle, build it anew and go on."""
        try:
            act()
        except KilledError:
            self.server.replanner.close()
            self.server.close()
            self.server = self._built()
            self._reconnect()

    def _built(self) -> FleetServer:
        chance = Chance.from_seed(self._chance.getrandbits(32))
        server = build(self._settings, clock=self.clock, chance=chance)
        server.prepare()
        return server

    def _settled(self) -> Town:
        town = Town(self.server, WebClient(self.server), self._order, self._chance)
        town.build(self.clock.now())
        return town

    def _reconnect(self) -> None:
        """Phones and desks speak to the new process; their sessions are rows and still hold."""
        self.town.server = self.server
        for client in self.town.api.clients():
            client.app = self.server.web
            client._transport.app = self.server.web

    @contextmanager
    def _mortal(self) -> Iterator[None]:
        event.listen(Session, "after_flush", self._killing.step)
        event.listen(Session, "before_commit", self._killing.step)
        try:
            yield
        finally:
            event.remove(Session, "after_flush", self._killing.step)
            event.remove(Session, "before_commit", self._killing.step)

    def _faults(self) -> None:
        share = FAULTS_A_DAY / 1440 * _by_hour(self.clock.now())
        for cabinet_id in self.town.cabinets:
            if self._chance.random() < share:
                self._raise(cabinet_id)
        due = [one for one in self._ending if one[0] <= self.clock.now()]
        self._ending = [one for one in self._ending if one[0] > self.clock.now()]
        for _, cabinet_id, body in due:
            self._clear(cabinet_id, body)
        for at, ticket_id in list(self._parts):
            if at <= self.clock.now():
                self._parts.remove((at, ticket_id))
                self._bring_parts(ticket_id)

    def _raise(self, cabinet_id: str) -> None:
        codes = list(CODES)
        (code,) = self._chance.choices(codes, [share for _, share in CODES.values()])
        body = FaultRaised(
            f"f{self._chance.getrandbits(48):x}",
            code,
            CODES[code][0],
            CATALOGUE[code].severity,
            self.clock.now(),
        )
        self._journal("fault.raised", body, cabinet_id)
        if self._chance.random() < SELF_CLEARING:
            after = timedelta(minutes=self._chance.uniform(1, 30))
            self._ending.append((self.clock.now() + after, cabinet_id, body))

    def _clear(self, cabinet_id: str, body: FaultRaised) -> None:
        end = FaultCleared(body.fault, body.code, body.part, ClearedBy.AUTO)
        self._journal("fault.cleared", end, cabinet_id)

    def _repaired(self, ticket_ids: list[str]) -> None:
        """The cabinet sees that its faults are gone, a minute later."""
        with self.server.transactions.read() as tx:
            rows = (
                tx.session.query(Fault)
                .join(TicketFault, TicketFault.fault_id == Fault.id)
                .filter(TicketFault.ticket_id.in_(ticket_ids), Fault.state == "active")
                .all()
            )
            found = [(row.cabinet_id, row.id, row.code, row.part, row.severity) for row in rows]
        for cabinet_id, fault_id, code, part, severity in found:
            body = FaultRaised(fault_id, code, part, severity, self.clock.now())
            self._ending.append((self.clock.now() + MINUTE, cabinet_id, body))

    def _bring_parts(self, ticket_id: str) -> None:
        order = {"to": "triaged", "reason": "parts are there"}
        answer = self.town.dispatcher.try_post(f"/tickets/{ticket_id}/transitions", order)
        assert answer.status_code in {200, 409}, answer.text

    def _wait_for_parts(self) -> None:
        waiting = self.town.dispatcher.get("/tickets", state="waiting_parts", limit=200)["items"]
        known = {ticket_id for _, ticket_id in self._parts}
        for ticket in waiting:
            if ticket["id"] not in known:
                self._parts.append((self.clock.now() + PARTS_ARRIVE_AFTER, ticket["id"]))

    def _journal(self, kind: str, body: Any, cabinet_id: str) -> None:
        self._seq += 1
        site_id = self.town.site_of[cabinet_id]["id"]
        with self.server.transactions.write("system:ingest") as tx:
            one = Received(
                f"e{self._seq}", cabinet_id, site_id, "epoch", self._seq, kind, tx.now, body
            )
            for handler in event_handlers(self.server.signing)[kind]:
                handler(tx, [one])

    def _check(self, *, final: bool) -> None:
        self._survives(self._wait_for_parts)
        with self.server.transactions.read() as tx:
            found = checks.problems(tx.session, self.clock.now())
            if final:
                found += checks.final_problems(tx.session)
                self.outcome.figures = checks.summary(tx.session)
        self.outcome.problems.update(found)


def short_plans() -> None:
    """Let plans think for a moment only: a week has thousands of them."""
    BUDGET_SECONDS.update({1: 0.1, 2: 0.3, 3: 1.0})


def _by_hour(now: datetime) -> float:
    """Cabinets fail when they are used: hours of Shanghai."""
    hour = (now.hour + 8) % 24
    return 1.7 if 8 <= hour < 20 else 0.3
