"""Random weeks at the desk: whatever people do, every ticket has one accountable owner.

All acts go over HTTP, in any order, also the ones that make no sense: those are refused with a
status of their own and change nothing. After each of them the books must be in order.
"""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from fleet_server.app import build
from fleet_server.clock import ManualClock
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.queries import ticket_ids_of
from fleet_server.dispatch.states import UNENDED, VisitState
from fleet_server.rules.service import ensure_first_bundle
from fleet_server.seed import Chance
from fleet_server.service_levels.clocks import replayed
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.queries import reading_of, scales, steps_of
from fleet_server.settings import Settings
from fleet_server.technicians.models import Technician as Row
from fleet_server.technicians.queries import audience_of
from fleet_server.tickets.models import Ticket, TicketFault
from fleet_server.tickets.queries import hand_overs_of
from fleet_server.tickets.states import OPEN, TicketState
from fleet_server.transactions import Transaction
from protocol.faults import Severity
from tests.desk import Desk, Technician
from tests.server_fixtures import MONDAY_MORNING
from tests.web_client import Session, WebClient

CODES = [
    ("DOOR_OPEN_LONG", Severity.M),
    ("LOCK_NOT_LATCHED", Severity.C),
    ("LOCK_OPEN_FAIL", Severity.M),
    ("DOOR_FORCED", Severity.C),
]
REFUSALS = {403, 404, 409, 422}
numbers = st.integers(0, 23)


class Week(RuleBasedStateMachine):
    """One desk, one site with two cabinets, two technicians; numbers choose among what is there."""

    template: Path
    folder: Path
    count = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        shutil.copyfile(self.template, folder / "fleet.sqlite")
        clock = ManualClock(MONDAY_MORNING)
        settings = Settings(data_dir=folder, session_lifetime=timedelta(days=400))
        self.server = build(settings, clock=clock, chance=Chance.from_seed(1))
        with self.server.transactions.write("system:test") as tx:
            ensure_first_bundle(tx, self.server.signing)
        self.api = WebClient(self.server)
        self.desk = Desk(self.server, self.api, clock)
        self.desk.add_cabinet("C2")
        self.people = [
            self.desk.technician("one", ["lock", "door"]),
            self.desk.technician("two", ["lock"], north_degrees=0.2),
        ]
        self.active: list[tuple[str, str]] = []
        self.raised = 0

    def teardown(self) -> None:
        """Let go of the database."""
        self.api.close()
        self.server.close()

    @rule(number=numbers)
    def raise_a_fault(self, number: int) -> None:
        code, severity = CODES[number % len(CODES)]
        self.raised += 1
        self.active.append((f"f{self.raised}", code))
        cabinet = f"C{1 + number % 2}"
        self.desk.raise_fault(f"f{self.raised}", code, severity, cabinet)

    @rule(number=numbers)
    def clear_a_fault(self, number: int) -> None:
        mine = [one for one in self.active if self._cabinet(one[0]) == "C1"]
        if mine:
            one = mine[number % len(mine)]
            self.active.remove(one)
            self.desk.clear_fault(*one)

    @rule(number=numbers)
    def let_time_pass(self, number: int) -> None:
        self.desk.wait([1, 61, 301, 901, 7200, 90_000][number % 6])

    @rule(number=numbers, answer=st.sampled_from(["accepted", "declined"]))
    def answer_an_offer(self, number: int, answer: str) -> None:
        one = self.people[number % 2]
        for offer in one.offers()[:1]:
            self._try(one.phone, f"/offers/{offer['id']}/answer", {"answer": answer})

    @rule(number=numbers)
    def go_on_with_a_visit(self, number: int) -> None:
        one = self.people[number % 2]
        visit = self._visit_of(one)
        if visit is None:
            return
        if visit["state"] == "accepted":
            one.go(visit["id"])
            return
        for ticket_id in visit["ticket_ids"]:
            if "edit_record" in one.phone.get(f"/tickets/{ticket_id}")["actions"]:
                self.desk.record(ticket_id, one.phone)
        self._try(one.phone, f"/visits/{visit['id']}/transitions", {"to": "done"})

    @rule(number=numbers, leave=st.sampled_from(["triaged", "waiting_parts", "waiting_site"]))
    def give_a_visit_back(self, number: int, leave: str) -> None:
        one = self.people[number % 2]
        visit = self._visit_of(one)
        if visit is not None:
            order = {"to": "aborted", "reason": "cannot", "leave_tickets": leave}
            self._try(one.phone, f"/visits/{visit['id']}/transitions", order)

    @rule(number=numbers, needs_visit=st.booleans())
    def open_by_hand(self, number: int, needs_visit: bool) -> None:  # noqa: FBT001  # drawn
        order = {
            "kind": ["fault", "inspection"][number % 2],
            "title_zh": "查看",
            "title_en": "look",
            "cabinet_id": f"C{1 + number % 2}",
            "component": "door",
            "skill": "door",
            "needs_visit": needs_visit,
        }
        self._try(self.desk.dispatcher, "/tickets", order)

    @rule(number=numbers, step=st.sampled_from(TicketState), by=st.integers(0, 2))
    def step_a_ticket(self, number: int, step: TicketState, by: int) -> None:
        who = [self.desk.dispatcher, self.desk.supervisor, self.people[0].phone][by]
        ticket = self._ticket(number)
        if ticket is None:
            return
        legal = set(self._seen(who, ticket).get("actions", []))
        answer = self._try(who, f"/tickets/{ticket}/transitions", {"to": step})
        if answer.status_code == 409 and "legal" in answer.json():
            assert set(answer.json()["legal"]) <= legal
            assert step not in answer.json()["legal"]

    @rule(number=numbers, other=numbers)
    def merge_two(self, number: int, other: int) -> None:
        self._act(number, "merge", {"into": self._ticket(other) or "nothing"})

    @rule(number=numbers, other=numbers)
    def split_one(self, number: int, other: int) -> None:
        ticket = self._ticket(number)
        if ticket is not None:
            faults = self._seen(self.desk.viewer, ticket)["faults"]
            ids = [fault["id"] for fault in faults][: 1 + other % 2] or ["f0"]
            order = {"fault_ids": ids, "title_zh": "另一件", "title_en": "another"}
            self._act(number, "split", order)

    @rule(number=numbers, taker=st.integers(0, 4))
    def hand_over(self, number: int, taker: int) -> None:
        takers = [
            "role:dispatcher",
            "role:operator",
            f"user:{self.desk.supervisor.get('/session')['user_id']}",
            self.desk.audience_of(self.people[1]),
            "user:nobody",
        ]
        self._act(number, "hand-overs", {"to": takers[taker], "reason": "their field"})

    @rule(number=numbers, priority=st.sampled_from(["P1", "P2", "P3"]))
    def prioritise(self, number: int, priority: str) -> None:
        ticket = self._ticket(number)
        order = {"priority": priority, "reason": "says the site"}
        answer = self.desk.dispatcher.try_put(f"/tickets/{ticket}/priority", order)
        assert answer.is_success or answer.status_code in REFUSALS, answer.text

    @rule(number=numbers)
    def appoint(self, number: int) -> None:
        start = self.desk.clock.now() + timedelta(hours=number)
        when = {"from": start.isoformat(), "to": (start + timedelta(hours=2)).isoformat()}
        self._act(number, "appointment", when)

    @rule(number=numbers)
    def wait_until(self, number: int) -> None:
        until = (self.desk.clock.now() + timedelta(hours=1 + number)).isoformat()
        state = ["waiting_parts", "waiting_site"][number % 2]
        self._act(number, "transitions", {"to": state, "expected_at": until})

    @rule(number=numbers, release=st.booleans())
    def let_somebody_go(self, number: int, release: bool) -> None:  # noqa: FBT001  # drawn
        one = self.people[number % 2]
        order = {"active": False, "release_visits": release}
        answer = self.desk.dispatcher.try_patch(f"/technicians/{one.id}", order)
        if not answer.is_success:
            assert (answer.status_code, release) == (409, False)
            assert answer.json()["visit_ids"]

    @rule(number=numbers)
    def take_somebody_back(self, number: int) -> None:
        self.desk.dispatcher.patch(f"/technicians/{self.people[number % 2].id}", {"active": True})

    @rule(number=numbers)
    def be_away(self, number: int) -> None:
        now = self.desk.clock.now()
        away = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=4)).isoformat()}
        one = self.people[number % 2]
        self._try(one.phone, f"/technicians/{one.id}/absences", away)

    @invariant()
    def books_are_in_order(self) -> None:
        with self.server.transactions.read() as tx:
            gone = {
                audience_of(row)
                for row in tx.session.scalars(select(Row).where(Row.active.is_(False)))
            }
            visits = list(tx.session.scalars(select(Visit).where(Visit.state.in_(UNENDED))))
            carried = ticket_ids_of(tx.session, [visit.id for visit in visits])
            for ticket in tx.session.scalars(select(Ticket)):
                self._check_owner(tx, ticket, gone)
                mine = [visit for visit in visits if ticket.id in carried[visit.id]]
                self._check_visit(tx, ticket, mine)
            self._check_visits(tx, visits)
            self._check_faults(tx)
            self._check_clocks(tx)

    def _check_owner(self, tx: Transaction, ticket: Ticket, gone: set[str]) -> None:
        rows = hand_overs_of(tx.session, ticket.id)
        assert rows[0].giver is None
        assert [row.giver for row in rows[1:]] == [row.taker for row in rows[:-1]]
        assert rows[-1].taker == ticket.owner
        assert ticket.owner.partition(":")[0] in {"user", "role"}
        assert ticket.state not in OPEN or ticket.owner not in gone, ticket.id
        if ticket.merged_into is not None:
            assert ticket.state == TicketState.CANCELLED

    def _check_visit(self, tx: Transaction, ticket: Ticket, visits: list[Visit]) -> None:
        states = [visit.state for visit in visits]
        assert len(visits) <= 1, (ticket.id, states)
        if ticket.state == TicketState.SCHEDULED:
            assert states in (["accepted"], ["travelling"]), (ticket.id, states)
            technician = tx.session.get_one(Row, visits[0].technician_id)
            assert ticket.owner == audience_of(technician)
        elif ticket.state == TicketState.TRIAGED and ticket.needs_visit:
            assert ticket.dispatch_at or states in (["planned"], ["offered"]), (ticket.id, states)
        elif ticket.state != TicketState.IN_PROGRESS:
            assert set(states) <= {VisitState.ON_SITE}, (ticket.id, ticket.state, states)

    def _check_visits(self, tx: Transaction, visits: list[Visit]) -> None:
        for visit in visits:
            if visit.technician_id is not None:
                assert tx.session.get_one(Row, visit.technician_id).active, visit.id

    def _check_faults(self, tx: Transaction) -> None:
        linked = set(tx.session.scalars(select(TicketFault.fault_id)))
        assert linked == {f"f{number + 1}" for number in range(self.raised)}

    def _check_clocks(self, tx: Transaction) -> None:
        for clock in tx.session.scalars(select(ServiceClock)):
            assert replayed(steps_of(tx.session, clock.id), scales(tx.session)) == reading_of(
                clock
            ), clock.name

    def _act(self, number: int, verb: str, order: dict[str, Any]) -> None:
        """Do it by the dispatcher, sense or not."""
        ticket = self._ticket(number)
        if ticket is not None:
            answer = self._try(self.desk.dispatcher, f"/tickets/{ticket}/{verb}", order)
            if answer.status_code == 409 and "legal" in answer.json():
                assert answer.json()["state"]

    def _try(self, who: Session, path: str, order: dict[str, Any]) -> Any:
        answer = who.try_post(path, order)
        assert answer.is_success or answer.status_code in REFUSALS, answer.text
        return answer

    def _seen(self, who: Session, ticket_id: str) -> Any:
        answer = who.try_get(f"/tickets/{ticket_id}")
        return answer.json() if answer.is_success else {}

    def _ticket(self, number: int) -> str | None:
        """One of the newest tickets."""
        found = self.desk.tickets()[-5:]
        return found[number % len(found)]["id"] if found else None

    def _visit_of(self, one: Technician) -> dict[str, Any] | None:
        visits: list[dict[str, Any]] = one.phone.get("/visits")["items"]
        return next((visit for visit in visits if "aborted" in visit["actions"]), None)

    def _cabinet(self, fault_id: str) -> str:
        found = self.desk.viewer.get(f"/faults/{fault_id}")
        return str(found["cabinet_id"])


def test_every_ticket_has_one_accountable_owner_whatever_people_do(
    sqlite_template: Path, tmp_path: Path
) -> None:
    class Here(Week):
        template = sqlite_template
        folder = tmp_path

    run_state_machine_as_test(
        Here,
        settings=examples(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
