"""The service desk as tests use it: a whole server, people at phones and desks, a moved clock.

Facts reach the features as in production: journal events through their handlers, everything else
through HTTP and the sweeps.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import cabinet_by_id
from fleet_server.clock import ManualClock
from fleet_server.ingest.events import Received
from fleet_server.notifications.models import Notice
from fleet_server.settings import Settings
from fleet_server.technicians.queries import technician_by_id
from fleet_server.technicians.rules import Span
from fleet_server.technicians.working_time import add_shift
from fleet_server.transactions import Transaction
from fleet_server.wiring import event_handlers
from protocol.events import ClearedBy, DoorCause, DoorMoved, FaultCleared, FaultRaised
from protocol.faults import Severity
from tests.registry import add_a_cabinet, add_a_site
from tests.web_client import Session, WebClient

RECORD = {
    "cause_code": "left_open",
    "measures": "door closer adjusted",
    "parts": [{"name": "door closer", "quantity": 1}],
    "unit": "East service",
    "confirmation_way": "code",
    "confirmed_by": "site desk",
    "confirmation_reference": "4711",
}


SHIFTS = 6
"""Of 12 h, one after the other: three days, as nobody could work them, so that tests need not."""


class Technician:
    """A technician and their phone."""

    def __init__(self, technician_id: str, phone: Session) -> None:
        self.id = technician_id
        self.phone = phone

    def offers(self) -> list[dict[str, Any]]:
        """Offers that wait for an answer."""
        found: list[dict[str, Any]] = self.phone.get("/offers", state="offered")["items"]
        return found

    def answer(self, answer: str) -> None:
        """Answer the one offer that waits."""
        (offer,) = self.offers()
        self.phone.post(f"/offers/{offer['id']}/answer", {"answer": answer, "reason": "busy"})

    def go(self, visit_id: str) -> None:
        """Travel to the site and check in by GPS."""
        visit = self.phone.post(f"/visits/{visit_id}/transitions", {"to": "travelling"})
        here = {
            "way": "gps",
            "latitude": visit["site"]["latitude"],
            "longitude": visit["site"]["longitude"],
        }
        self.phone.post(f"/visits/{visit_id}/transitions", {"to": "on_site", "check_in": here})


class Desk:
    """What a test does to the server."""

    def __init__(self, server: FleetServer, api: WebClient, clock: ManualClock) -> None:
        self.server = server
        self.api = api
        self.clock = clock
        self.dispatcher = api.as_(Role.DISPATCHER)
        self.supervisor = api.as_(Role.SUPERVISOR)
        self.viewer = api.as_(Role.VIEWER)
        self.site = add_a_site(server)
        add_a_cabinet(server, self.site, "C1")
        self._seq = 0

    def add_site(self, name: str, cabinet_id: str) -> Site:
        """One more site with one cabinet."""
        site = add_a_site(self.server, name)
        add_a_cabinet(self.server, site, cabinet_id)
        return site

    def add_cabinet(self, cabinet_id: str) -> None:
        """One more cabinet at the first site."""
        add_a_cabinet(self.server, self.site, cabinet_id)

    def resolved_ticket(self) -> str:
        """Id of the door ticket whose visit is done while the cabinet still has the fault."""
        one = self.technician("fixer", ["door"])
        self.raise_fault()
        self.wait(900)
        one.answer("accepted")
        (visit,) = self.visits()
        one.go(visit["id"])
        (ticket_id,) = visit["ticket_ids"]
        self.record(ticket_id, one.phone)
        one.phone.post(f"/visits/{visit['id']}/transitions", {"to": "done"})
        found: str = ticket_id
        return found

    def closed_ticket(self) -> dict[str, Any]:
        """The door ticket, walked to its end."""
        ticket_id = self.resolved_ticket()
        self.clear_fault()
        closing = {"to": "closed", "follow_up": "fine"}
        closed: dict[str, Any] = self.supervisor.post(f"/tickets/{ticket_id}/transitions", closing)
        return closed

    def technician(
        self,
        name: str,
        skills: list[str],
        *,
        qualified: bool = True,
        north_degrees: float = 0.01,
        region: str | None = None,
    ) -> Technician:
        """A technician on shift for three days, so far north of the first site."""
        phone = self.api.as_(Role.TECHNICIAN, name=name)
        made = self.dispatcher.post(
            "/technicians",
            {
                "name": name,
                "user_id": phone.get("/session")["user_id"],
                "skills": skills,
                "region": region,
                "home_latitude": self.site.latitude + north_degrees,
                "home_longitude": self.site.longitude,
            },
        )
        path = f"/technicians/{made['id']}"
        now = self.clock.now()
        if qualified:
            until = (now + timedelta(days=90)).isoformat()
            self.dispatcher.post(
                f"{path}/qualifications", {"name": "on-post exam", "expires_at": until}
            )
        with self.server.transactions.write("system:test") as tx:
            for half_day in range(SHIFTS):
                starts = now + timedelta(hours=12 * half_day)
                add_shift(tx, made["id"], Span(starts, starts + timedelta(hours=12)), [])
        return Technician(made["id"], phone)

    def raise_fault(
        self,
        fault: str = "f1",
        code: str = "DOOR_OPEN_LONG",
        severity: Severity = Severity.M,
        cabinet_id: str = "C1",
        event: str = "fault.raised",
    ) -> None:
        """Let a cabinet report a fault."""
        body = FaultRaised(fault, code, "door1", severity, self.clock.now())
        self.journal(event, body, cabinet_id)

    def clear_fault(
        self, fault: str = "f1", code: str = "DOOR_OPEN_LONG", by: ClearedBy = ClearedBy.AUTO
    ) -> None:
        """Let a cabinet report the end of a fault."""
        self.journal("fault.cleared", FaultCleared(fault, code, "door1", by), "C1")

    def open_service_door(self, cabinet_id: str = "C1") -> None:
        """Let a cabinet see its door opened for service."""
        self.journal("door.opened", DoorMoved("1", DoorCause.SERVICE), cabinet_id)

    def journal(self, kind: str, body: msgspec.Struct, cabinet_id: str) -> None:
        """Hand one event over as ingest does."""
        self._seq += 1
        with self.server.transactions.write(f"cabinet:{cabinet_id}") as tx:
            site_id = self.site_of(tx, cabinet_id)
            event = Received(
                f"e{self._seq}", cabinet_id, site_id, "epoch", self._seq, kind, tx.now, body
            )
            for handler in event_handlers(self.server.signing)[kind]:
                handler(tx, [event])

    def site_of(self, tx: Transaction, cabinet_id: str) -> str:
        """Site of a cabinet."""
        return cabinet_by_id(tx.session, cabinet_id).site_id

    def announce(self, fact: object) -> None:
        """Let an earlier feature say something."""
        with self.server.transactions.write("system:test") as tx:
            tx.announce(fact)

    def sweep(self) -> None:
        """Look at every deadline once, as the worker does."""
        for name, one in self.server.sweeps:
            with self.server.transactions.write(f"system:{name}") as tx:
                one(tx)

    def wait(self, seconds: float, steps: int = 1) -> None:
        """Let time pass, with a look at the deadlines after each step."""
        for _ in range(steps):
            self.clock.advance(seconds / steps)
            self.sweep()

    def tickets(self, **filters: str) -> list[dict[str, Any]]:
        """Tickets as the desk sees them, oldest first."""
        found: list[dict[str, Any]] = self.viewer.get("/tickets", **filters)["items"]
        return found[::-1]

    def ticket(self) -> dict[str, Any]:
        """The one ticket, whole."""
        (ticket,) = self.tickets()
        shown: dict[str, Any] = self.viewer.get(f"/tickets/{ticket['id']}")
        return shown

    def visits(self, **filters: str) -> list[dict[str, Any]]:
        """Visits as the desk sees them, oldest first."""
        found: list[dict[str, Any]] = self.viewer.get("/visits", **filters)["items"]
        return found[::-1]

    def record(self, ticket_id: str, by: Session) -> None:
        """Write a whole service record."""
        now = self.clock.now()
        times = {
            "began_at": (now - timedelta(minutes=20)).isoformat(),
            "finished_at": now.isoformat(),
        }
        by.put(f"/tickets/{ticket_id}/record", {**RECORD, **times})

    def notices(self, audience: str) -> list[str]:
        """English titles of the notices to an audience, oldest first."""
        with self.server.transactions.read() as tx:
            found = select(Notice.title_en).where(Notice.audience == audience)
            return list(tx.session.scalars(found.order_by(Notice.created_at, Notice.id)))

    def audience_of(self, technician: Technician) -> str:
        """Audience of a technician with a login."""
        with self.server.transactions.read() as tx:
            user_id = technician_by_id(tx.session, technician.id).user_id
            return f"user:{user_id}"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """People stay signed in while weeks pass in a test."""
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        session_lifetime=timedelta(days=400),
    )


@pytest.fixture
def desk(server: FleetServer, api: WebClient, clock: ManualClock) -> Desk:
    return Desk(server, api, clock)
