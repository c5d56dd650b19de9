"""A technician with a phone: answers offers, travels, checks in, mends, writes the record."""

from datetime import timedelta
from typing import Any

from edge_agent.clock import SystemClock
from simulators.hosts.cabinet_host import CabinetHost
from simulators.people.http import Person
from simulators.waiting import wait_until

OFFER_SECONDS_MAX = 40.0
"""In the story severity M waits 15 s before anyone is asked; the rest is the machine's load."""
SKILLS = ["door", "electronics", "restock", "refrigeration", "lock", "connectivity"]


class Technician:
    """One person, one phone, one home."""

    def __init__(self, name: str, phone: Person, latitude: float, longitude: float) -> None:
        self.name = name
        self.technician_id = ""
        self._phone = phone
        self._home = (latitude, longitude)

    def join(self, admin: Person, password: str) -> None:
        """Be registered: account, skills, a valid qualification, a shift; sign in."""
        grants = [{"role": "technician"}]
        draft = {"username": self.name, "password": password, "grants": grants}
        user = admin.post("/users", draft, key=f"user-{self.name}")
        person = {
            "name": self.name,
            "user_id": user["id"],
            "skills": SKILLS,
            "home_latitude": self._home[0],
            "home_longitude": self._home[1],
        }
        made = admin.post("/technicians", person, key=f"technician-{self.name}")
        self.technician_id = made["id"]
        now = SystemClock().wall()
        qualification = {
            "name": "智能货柜维修 / cabinet repair",
            "expires_at": (now + timedelta(days=365)).isoformat(),
        }
        shift = {
            "starts_at": (now - timedelta(hours=1)).isoformat(),
            "ends_at": (now + timedelta(hours=12)).isoformat(),
        }
        path = f"/technicians/{self.technician_id}"
        admin.post(f"{path}/qualifications", qualification, key=f"qualified-{self.name}")
        admin.post(f"{path}/shifts", shift, key=f"shift-{self.name}")
        self._phone.sign_in(self.name, password)

    def has_offer(self, visit_id: str) -> dict[str, Any] | None:
        """Open offer of a visit on this phone."""
        offers = self._phone.get("/offers", state="offered")["items"]
        return next((offer for offer in offers if offer["visit_id"] == visit_id), None)

    def answer(self, offer: dict[str, Any], answer: str, reason: str = "") -> None:
        """Accept or decline."""
        order = {"answer": answer, "reason": reason}
        self._phone.post(f"/offers/{offer['id']}/answer", order, key=f"{answer}-{offer['id']}")

    def accept_when_asked(self, visit_id: str) -> None:
        """Wait for the offer and accept it."""
        offer = wait_until(
            f"{self.name} is asked", lambda: self.has_offer(visit_id), OFFER_SECONDS_MAX
        )
        self.answer(offer, "accepted")

    def drive(self, visit_id: str) -> None:
        """Set out."""
        self._move(visit_id, {"to": "travelling"})

    def check_in(self, visit_id: str) -> None:
        """Arrive: the phone's position proves it."""
        site = self._phone.get(f"/visits/{visit_id}")["site"]
        here = {"way": "gps", "latitude": site["latitude"], "longitude": site["longitude"]}
        self._move(visit_id, {"to": "on_site", "check_in": here})

    def write_record(self, ticket_id: str, cause: str, measures: str) -> None:
        """Write the service record (table A.1)."""
        now = SystemClock().wall()
        record = {
            "customer": "园区物业 / site office",
            "product": "智能货柜 / smart cabinet",
            "cause_code": cause,
            "measures": measures,
            "parts": [],
            "person": self.name,
            "unit": "Cabinet Fleet service",
            "began_at": (now - timedelta(seconds=5)).isoformat(),
            "finished_at": now.isoformat(),
            "confirmation_way": "code",
            "confirmed_by": "site office",
            "confirmation_reference": "4711",
        }
        self._phone.put(f"/tickets/{ticket_id}/record", record)

    def finish(self, visit_id: str) -> None:
        """Leave: the visit is done."""
        self._move(visit_id, {"to": "done"})

    def at_service_side(self, visit_id: str, cabinet: CabinetHost) -> Person:
        """Show the work order of the visit to the cabinet; the person at its service side."""
        tokens = self._phone.get(f"/visits/{visit_id}/work-order")["tokens"]
        service = Person(cabinet.screen.address, prefix="")
        login = {"work_order": tokens[cabinet.cabinet_id]}
        service.carry(service.post("/service/login", login)["token"])
        return service

    def close(self) -> None:
        """Go home."""
        self._phone.close()

    def _move(self, visit_id: str, order: dict[str, Any]) -> None:
        self._phone.post(f"/visits/{visit_id}/transitions", order)
