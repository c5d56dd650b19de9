"""Technicians as they are: most say yes, some no, some nothing; they drive, work and write it down.

Everything goes through the HTTP API. What a phone remembers is only what its owner would.
"""

import random  # noqa: TID251  # drawn from a seed
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleet_server.dispatch.planner.travel import Estimate, Place
from tests.soak.fleet_week.town import Person

DECLINES, IGNORES, NEEDS_PARTS = 0.06, 0.04, 0.04
ANSWERS_AFTER = (60.0, 420.0)
"""Seconds until somebody looks at the phone."""
WORK_MINUTES = (15.0, 70.0)
RECORD = {
    "cause_code": "component_failure",
    "measures": "replaced and tested",
    "parts": [],
    "unit": "City service",
    "confirmation_way": "code",
    "confirmed_by": "site desk",
    "confirmation_reference": "4711",
}


@dataclass
class _Work:
    """A visit somebody is on."""

    visit: dict[str, Any]
    until: datetime
    on_site: bool = False


class Phone:
    """One technician and their day."""

    def __init__(
        self,
        person: Person,
        chance: random.Random,
        repaired: Callable[[list[str]], None],
    ) -> None:
        """`repaired` is called with the tickets whose faults were mended."""
        self.person = person
        self._chance = chance
        self._repaired = repaired
        self._answers: dict[str, tuple[datetime, str]] = {}
        self._work: _Work | None = None
        self._place: Place | None = None
        self.answered = 0

    def look(self, now: datetime) -> None:
        """Do what is to be done at this minute."""
        self._answer(now)
        if self._work is not None:
            if now >= self._work.until:
                self._go_on(now)
        else:
            self._begin(now)

    def _answer(self, now: datetime) -> None:
        offers = self.person.phone.get("/offers", state="offered")["items"]
        for offer in offers:
            at, answer = self._answers.setdefault(offer["id"], self._made_up(now))
            if now >= at and answer != "ignored":
                body = {"answer": answer, "reason": "" if answer == "accepted" else "too far"}
                found = self.person.phone.try_post(f"/offers/{offer['id']}/answer", body)
                assert found.status_code in {200, 409}, found.text
                self.answered += found.status_code == 200

    def _made_up(self, now: datetime) -> tuple[datetime, str]:
        at = now + timedelta(seconds=self._chance.uniform(*ANSWERS_AFTER))
        drawn = self._chance.random()
        if drawn < DECLINES:
            return at, "declined"
        return at, "ignored" if drawn < DECLINES + IGNORES else "accepted"

    def _begin(self, now: datetime) -> None:
        mine = self.person.phone.get("/visits", technician_id=self.person.id, state="accepted")
        visits = sorted(mine["items"], key=lambda one: (one["planned_arrival_at"] or "", one["id"]))
        if not visits:
            return
        visit = visits[0]
        moved = self._step(visit, {"to": "travelling"})
        if moved is None:
            return
        there = Place(visit["site"]["latitude"], visit["site"]["longitude"])
        way = Estimate().seconds(self._place or there, there) * self._chance.uniform(0.8, 1.4)
        self._work = _Work(visit, now + timedelta(seconds=way))

    def _go_on(self, now: datetime) -> None:
        work = self._work
        assert work is not None
        if not work.on_site:
            self._arrive(now, work)
            return
        self._work = None
        if self._chance.random() < NEEDS_PARTS:
            order = {"to": "aborted", "reason": "part missing", "leave_tickets": "waiting_parts"}
            self._step(work.visit, order)
            return
        shown = self.person.phone.try_get(f"/visits/{work.visit['id']}")
        if shown.status_code != 200:
            return
        tickets = [one["id"] for one in shown.json()["tickets"] if one["state"] == "in_progress"]
        times = {
            "began_at": (now - timedelta(minutes=30)).isoformat(),
            "finished_at": now.isoformat(),
        }
        for ticket_id in tickets:
            written = self.person.phone.try_put(f"/tickets/{ticket_id}/record", RECORD | times)
            assert written.status_code in {200, 403, 409}, written.text
        if self._step(work.visit, {"to": "done"}) is not None:
            self._repaired(tickets)

    def _arrive(self, now: datetime, work: _Work) -> None:
        site = work.visit["site"]
        here = {"way": "gps", "latitude": site["latitude"], "longitude": site["longitude"]}
        if self._step(work.visit, {"to": "on_site", "check_in": here}) is None:
            self._work = None
            return
        self._place = Place(site["latitude"], site["longitude"])
        work.on_site = True
        work.until = now + timedelta(minutes=self._chance.uniform(*WORK_MINUTES))

    def _step(self, visit: dict[str, Any], order: dict[str, Any]) -> dict[str, Any] | None:
        """Take a step; None where the visit was taken away meanwhile."""
        found = self.person.phone.try_post(f"/visits/{visit['id']}/transitions", order)
        if found.status_code in {403, 409}:
            return None
        assert found.status_code == 200, found.text
        shown: dict[str, Any] = found.json()
        return shown
