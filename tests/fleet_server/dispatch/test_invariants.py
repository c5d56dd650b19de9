"""Random days at the desk: whatever people and cabinets do, no work is lost or doubled."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from fleet_server.tickets.models import Ticket
from fleet_server.tickets.states import TicketState
from protocol.faults import Severity
from tests.desk import Desk, Technician

CODES = [
    ("DOOR_OPEN_LONG", Severity.M),
    ("DOOR_FORCED", Severity.C),
    ("LOCK_NOT_LATCHED", Severity.C),
    ("LOCK_OPEN_FAIL", Severity.M),
]
ACTIONS = ["raise", "clear", "wait", "answer", "refuse", "advance", "abort", "desk"]
DAYS = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11)), max_size=14)


class Day:
    """One desk, two technicians, numbered choices."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.people = [
            desk.technician("one", ["lock", "door"]),
            desk.technician("two", ["lock"], north_degrees=0.2),
        ]
        self.active: list[tuple[str, str]] = []
        self.count = 0

    def act(self, action: str, number: int) -> None:
        if action == "raise":
            code, severity = CODES[number % len(CODES)]
            self.count += 1
            self.active.append((f"f{self.count}", code))
            self.desk.raise_fault(f"f{self.count}", code, severity)
        elif action == "clear" and self.active:
            fault, code = self.active.pop(number % len(self.active))
            self.desk.clear_fault(fault, code)
        elif action == "wait":
            self.desk.wait([1, 61, 301, 901][number % 4])
        elif action == "desk":
            self._desk(number)
        else:
            self._phone(action, self.people[number % 2], number)

    def _phone(self, action: str, person: Technician, number: int) -> None:
        if action in {"answer", "refuse"} and person.offers():
            answer = "accepted" if action == "answer" else "declined"
            path = f"/offers/{person.offers()[0]['id']}/answer"
            person.phone.post(path, {"answer": answer})
        mine = [v for v in person.phone.get("/visits")["items"] if "aborted" in v["actions"]]
        if action == "advance" and mine:
            self._advance(person, mine[0])
        if action == "abort" and mine:
            leave = ["triaged", "waiting_parts", "waiting_site"][number % 3]
            order = {"to": "aborted", "reason": "cannot", "leave_tickets": leave}
            person.phone.post(f"/visits/{mine[0]['id']}/transitions", order)

    def _advance(self, person: Technician, visit: dict[str, Any]) -> None:
        if visit["state"] == "accepted":
            person.go(visit["id"])
            return
        for ticket_id in visit["ticket_ids"]:
            self.desk.record(ticket_id, person.phone)
        person.phone.post(f"/visits/{visit['id']}/transitions", {"to": "done"})

    def _desk(self, number: int) -> None:
        choices = [
            (ticket["id"], step)
            for ticket in self.desk.dispatcher.get("/tickets")["items"]
            for step in ticket["actions"]
            if step in set(TicketState) - {TicketState.RESOLVED}
        ]
        if choices:
            ticket_id, step = choices[number % len(choices)]
            self.desk.dispatcher.post(f"/tickets/{ticket_id}/transitions", {"to": step})

    def check(self) -> None:
        visits = {visit["id"]: visit for visit in self.desk.visits()}
        going = [v for v in visits.values() if v["state"] not in {"done", "aborted"}]
        with self.desk.server.transactions.read() as tx:
            found = select(Ticket.id).where(Ticket.dispatch_at.is_not(None))
            waits = set(tx.session.scalars(found))
        for ticket in self.desk.tickets():
            ticket["waits"] = ticket["id"] in waits
            mine = [visit for visit in going if ticket["id"] in visit["ticket_ids"]]
            states = [visit["state"] for visit in mine]
            self._check_ticket(ticket, states)
        for visit in going:
            assert visit["ticket_ids"] or visit["state"] == "on_site", visit
            waiting = [
                offer
                for offer in self.desk.viewer.get(f"/visits/{visit['id']}")["offers"]
                if offer["state"] == "offered"
            ]
            assert len(waiting) == (visit["state"] == "offered")

    def _check_ticket(self, ticket: dict[str, Any], visits: list[str]) -> None:
        assert len(visits) <= 1, ticket
        state = ticket["state"]
        if state == "triaged" and not ticket["waits"]:
            assert visits in (["planned"], ["offered"]), ticket
        if state == "scheduled":
            assert visits in (["accepted"], ["travelling"]), ticket
            assert ticket["owner"].startswith("user:")
        if state in {"new", "waiting_parts", "waiting_site", "closed", "cancelled", "reopened"}:
            assert visits == [], ticket
        for clock in ticket["clocks"]:
            ended = state in {"closed", "cancelled"}
            assert (clock["stopped_at"] is not None) >= ended, ticket


@pytest.fixture
def day(desk: Desk) -> Day:
    return Day(desk)


@given(DAYS)
@examples(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_ticket_has_its_visit_and_every_visit_its_offer(
    day: Day, actions: list[tuple[str, int]]
) -> None:
    for action, number in actions:
        day.act(action, number)
        day.check()
