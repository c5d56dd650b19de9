"""The people of a run: an operator, an author, an approver, two technicians. One act at a time."""

from datetime import timedelta
from typing import Any

from fleet_server.auth.rules import Role
from simulators.fleet_simulation.cabinet import SLOTS, SimulatedCabinet
from simulators.fleet_simulation.goods import LOTS, SANDWICH, WATER, desired, recall, scope
from simulators.fleet_simulation.ground import Ground
from simulators.fleet_simulation.on_site import OnSite
from simulators.fleet_simulation.person import Person
from simulators.fleet_simulation.server import SimulatedServer

SKILLS = ["door", "electronics", "restock", "refrigeration", "lock", "connectivity"]
TECHNICIANS = 2
COMMANDS = ("sync", "self_test", "identify", "unlock", "unlock")
RECALL_STEPS = ("pending_approval", "approved", "active", "monitoring", "withdrawn_in_error")


class People:
    """Who uses the server."""

    def __init__(
        self,
        ground: Ground,
        server: SimulatedServer,
        hands: OnSite,
        cabinets: dict[str, SimulatedCabinet],
    ) -> None:
        self._dice = ground.dice.stream("people")
        self._ground = ground
        self._server = server
        self._hands = hands
        self._cabinets = cabinets
        self._recalls = 0
        trace = ground.trace
        self.admin = Person("admin", (Role.ADMIN, Role.SUPERVISOR), trace)
        self.operator = Person("operator", (Role.OPERATOR, Role.DISPATCHER), trace)
        self.author = Person("author", (Role.RECALL_AUTHOR,), trace)
        self.approver = Person("approver", (Role.RECALL_APPROVER, Role.RECALL_AUTHOR), trace)
        self.technicians = [
            Person(f"tech-{number}", (Role.TECHNICIAN,), trace) for number in range(TECHNICIANS)
        ]

    def join(self) -> None:
        """Accounts, skills, qualifications, shifts."""
        for person in (self.admin, self.operator, self.author, self.approver, *self.technicians):
            person.join(self._server)
        now = self._ground.timeline.now()
        for number, technician in enumerate(self.technicians):
            user = technician.get("/session")
            facts = {
                "name": technician.name,
                "user_id": user["user_id"],
                "skills": SKILLS,
                "home_latitude": 31.2 + number / 100,
                "home_longitude": 121.4,
            }
            path = f"/technicians/{self.admin.post('/technicians', facts)['id']}"
            ends = (now + timedelta(days=365)).isoformat()
            self.admin.post(f"{path}/qualifications", {"name": "repair", "expires_at": ends})
            shift = {
                "starts_at": (now - timedelta(hours=1)).isoformat(),
                "ends_at": (now + timedelta(hours=12)).isoformat(),
            }
            self.admin.post(f"{path}/shifts", shift)

    def act(self) -> None:
        """One person does one thing."""
        acts = {
            self.work_a_visit: 10.0,
            self.set_hold: 1.5,
            self.lift_hold: 1.0,
            self.give_order: 2.0,
            self.change_prices: 0.7,
            self.draft_recall: 0.7,
            self.move_recall: 2.0,
            self.work_at_desk: 2.0,
            self.settle_letters: 0.5,
        }
        self._server.acting(self._dice.weighted(acts))

    def set_hold(self) -> None:
        """Stop the sale of a lot."""
        gtin, lot = self._dice.one_of((SANDWICH, WATER)), self._dice.one_of(LOTS)
        self.operator.post("/holds", {"scope": scope(gtin, lot), "reason": "a call"})

    def lift_hold(self) -> None:
        """Let goods be sold again."""
        hold = self._one(self.operator.get("/holds", state="active"))
        if hold is not None:
            self.operator.post(f"/holds/{hold['id']}/lift", {"reason": "all is well"})

    def give_order(self) -> None:
        """Order something of a cabinet."""
        cabinet = self._dice.one_of(sorted(self._cabinets))
        name = self._dice.one_of(COMMANDS)
        args = {"door": self._dice.one_of(SLOTS)} if name == "unlock" else {}
        self.operator.post(f"/cabinets/{cabinet}/commands", {"name": name, "args": args})

    def change_prices(self) -> None:
        """A new desired state."""
        cabinet = self._dice.one_of(sorted(self._cabinets))
        wanted = desired(self._dice.number(100, 2000))
        self.admin.put(f"/cabinets/{cabinet}/desired", wanted)

    def draft_recall(self) -> None:
        """Write a recall down."""
        self._recalls += 1
        gtin, lot = self._dice.one_of((SANDWICH, WATER)), self._dice.one_of(LOTS)
        self.author.post("/recalls", recall(gtin, lot, self._recalls))

    def move_recall(self) -> None:
        """Take some step of some recall; who may not is refused."""
        found = self._one(self.author.get("/recalls"))
        if found is None:
            return
        person = self._dice.one_of((self.author, self.approver))
        to = self._dice.one_of(RECALL_STEPS)
        order = {"to": to, "reason": "as agreed", "content_hash": found["content_hash"]}
        person.post(f"/recalls/{found['id']}/transitions", order)

    def work_a_visit(self) -> None:
        """A technician answers an offer, or does the next step of a visit."""
        technician = self._dice.one_of(self.technicians)
        offer = self._one(technician.get("/offers", state="offered"))
        if offer is not None:
            answer = "accepted" if self._dice.happens(0.8) else "declined"
            body = {"answer": answer, "reason": ""}
            technician.post(f"/offers/{offer['id']}/answer", body)
            return
        found = technician.get("/visits")
        rows = [] if found is None else found["items"]
        going = [row for row in rows if row["state"] in ("accepted", "travelling", "on_site")]
        if going:
            self._go_on(technician, self._dice.one_of(going))

    def work_at_desk(self) -> None:
        """The operator takes the next step of a ticket."""
        ticket = self._one(self.operator.get("/tickets"))
        if ticket is None:
            return
        shown = self.operator.get(f"/tickets/{ticket['id']}")
        steps = [] if shown is None else shown.get("steps") or shown.get("actions") or []
        if not steps:
            return
        if ticket["state"] == "in_progress":
            self.operator.put(f"/tickets/{ticket['id']}/record", self._record("operator"))
        to = self._dice.one_of(["triaged", "in_progress", "resolved", "verified", "closed"])
        order = {"to": to, "reason": "looked at", "confirmed_by": "site", "follow_up": "fine"}
        self.operator.post(f"/tickets/{ticket['id']}/transitions", order)

    def settle_letters(self) -> None:
        """Look into a dead letter."""
        letter = self._one(self.admin.get("/dead-letters"))
        if letter is not None:
            self.admin.post(f"/dead-letters/{letter['id']}/settle")

    def _go_on(self, technician: Person, visit: dict[str, Any]) -> None:
        path = f"/visits/{visit['id']}"
        if visit["state"] == "accepted":
            technician.post(f"{path}/transitions", {"to": "travelling"})
            return
        shown = technician.get(path)
        if shown is None:
            return
        if visit["state"] == "travelling":
            site = shown["site"]
            here = {"latitude": site["latitude"], "longitude": site["longitude"]}
            body = {"to": "on_site", "check_in": {"way": "gps", **here}}
            technician.post(f"{path}/transitions", body)
            return
        for cabinet in self._at(shown["site"]["id"]):
            self._hands.mend(cabinet)
            self._hands.remove_blocked(cabinet)
        for ticket in shown["ticket_ids"]:
            technician.put(f"/tickets/{ticket}/record", self._record(technician.name))
        technician.post(f"{path}/transitions", {"to": "done"})

    def _at(self, site: str) -> list[SimulatedCabinet]:
        return [one for one in self._cabinets.values() if one.site == site]

    def _record(self, person: str) -> dict[str, object]:
        now = self._ground.timeline.now()
        return {
            "customer": "site office",
            "product": "cabinet",
            "cause_code": "component_failure",
            "measures": "mended",
            "parts": [],
            "person": person,
            "unit": "service",
            "began_at": (now - timedelta(seconds=5)).isoformat(),
            "finished_at": now.isoformat(),
            "confirmation_way": "code",
            "confirmed_by": "site office",
            "confirmation_reference": "4711",
        }

    def _one(self, page: Any) -> Any:
        """One item of a page, if there is one."""
        return self._dice.one_of(page["items"]) if page and page["items"] else None
