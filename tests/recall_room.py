"""The recall room as tests use it: people, protocol-true cabinets, a moved clock, sweeps."""

from datetime import timedelta
from typing import Any

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.clock import ManualClock
from fleet_server.ingest.models import DeadLetter
from fleet_server.rules.queries import active_rules, newest_set
from protocol.events import BlockedSlot, RulesApplied
from protocol.matching import Match
from tests.goods import WRAP, counted, loaded, removed, sold
from tests.registry import add_a_site, speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet
from tests.web_client import Session, WebClient

SCOPE: dict[str, Any] = {"gtins": [WRAP], "lots": {"exact": ["L1"]}}
TEXTS = {"zh": "未标示过敏原（鱼）", "en": "undeclared allergen (fish)"}


def content(**changes: Any) -> dict[str, Any]:
    """A whole draft of a recall."""
    return {
        "title": {"zh": "凯撒鸡肉卷", "en": "Chicken Caesar wrap"},
        "recall_class": "II",
        "initiator": {"type": "producer", "name": "Fresh Foods"},
        "source_document": "FF-2026-3",
        "scope": SCOPE,
        "reason": TEXTS,
        "hazard": TEXTS,
        "action": {"zh": "请勿食用，凭本通知退款", "en": "do not eat; ask for a refund"},
        "remedy": "refund",
        "contact": "400-000-0000",
        **changes,
    }


class RecallRoom:
    """What a test does."""

    def __init__(self, server: FleetServer, api: WebClient, clock: ManualClock) -> None:
        self.server = server
        self.clock = clock
        self.api = api
        self.site: Site = add_a_site(server)

    @property
    def author(self) -> Session:
        """Who writes recalls."""
        return self.api.as_(Role.RECALL_AUTHOR)

    @property
    def approver(self) -> Session:
        """Who approves them."""
        return self.api.as_(Role.RECALL_APPROVER)

    @property
    def operator(self) -> Session:
        """Who sits in the control room."""
        return self.api.as_(Role.OPERATOR)

    @property
    def supervisor(self) -> Session:
        """Who may override."""
        return self.api.as_(Role.SUPERVISOR)

    def cabinet(self, cabinet_id: str = "C1", site: Site | None = None) -> SpeakingCabinet:
        """A cabinet that is online."""
        return speaking_cabinet(self.server, cabinet_id, site or self.site)

    def stocked(
        self, cabinet_id: str = "C1", lot: str | None = "L1", units: int = 5
    ) -> SpeakingCabinet:
        """A cabinet with units of one lot in slot A1."""
        cabinet = self.cabinet(cabinet_id)
        cabinet.tell("stock.loaded", loaded("A1", lot, units))
        return cabinet

    def sell(
        self, cabinet: SpeakingCabinet, sale: str, *, lot: str | None = "L1", contact: str = ""
    ) -> None:
        """One unit of slot A1."""
        cabinet.tell("sale.completed", sold(sale, "A1", lot, contact=contact))

    def draft(self, **changes: Any) -> str:
        """A whole draft."""
        made: str = self.author.post("/recalls", content(**changes))["id"]
        return made

    def active(self, **changes: Any) -> str:
        """A recall that was drafted by one, approved by another, and is active."""
        recall = self.draft(**changes)
        self.step(recall, "pending_approval")
        self.step(recall, "approved", by=self.approver)
        self.step(recall, "active")
        return recall

    def step(self, recall: str, to: str, *, by: Any = None, **more: Any) -> dict[str, Any]:
        """A step that has to succeed, by the author unless told otherwise."""
        taken: dict[str, Any] = (by or self.author).post(
            f"/recalls/{recall}/transitions", {"to": to, **more}
        )
        return taken

    def try_step(self, recall: str, to: str, *, by: Any = None, **more: Any) -> Any:
        """Answer of a step, whatever it is."""
        return (by or self.author).try_post(f"/recalls/{recall}/transitions", {"to": to, **more})

    def board(self, recall: str) -> dict[str, dict[str, Any]]:
        """Cabinets of a recall by id."""
        rows = self.operator.get(f"/recalls/{recall}/cabinets")["items"]
        return {row["cabinet_id"]: row for row in rows}

    def buyers(self, recall: str) -> dict[str, dict[str, Any]]:
        """Buyers of a recall by sale."""
        rows = self.operator.get(f"/recalls/{recall}/buyers")["items"]
        return {row["sale_id"]: row for row in rows}

    def serve(self, recall: str, sale: str, to: str, **more: Any) -> Any:
        """Answer of a step for the buyer of a sale."""
        buyer = self.buyers(recall)[sale]["id"]
        return self.operator.try_post(
            f"/recalls/{recall}/buyers/{buyer}/transitions", {"to": to, **more}
        )

    def move_cabinet(
        self, recall: str, cabinet: str, to: str, *, by: Any = None, **more: Any
    ) -> Any:
        """Answer of a step for a cabinet."""
        path = f"/recalls/{recall}/cabinets/{cabinet}/transitions"
        return (by or self.supervisor).try_post(path, {"to": to, **more})

    def ack(self, cabinet: SpeakingCabinet, *blocked: str, version: int | None = None) -> None:
        """The cabinet applied the newest bundle (or an older one)."""
        with self.server.transactions.read() as tx:
            newest = newest_set(tx.session)
            assert newest is not None
            digest = newest.digest
        slots = [BlockedSlot("A1", recall, Match.YES) for recall in blocked]
        cabinet.tell("rules.applied", RulesApplied(version or newest.version, digest, slots))

    def empty(self, cabinet: SpeakingCabinet, units: int, lot: str | None = "L1") -> None:
        """A technician counts what the book has and takes it out."""
        cabinet.tell("stock.counted", counted("A1", lot, units, units))
        cabinet.tell("stock.removed", removed("A1", lot, units))

    def wait(self, seconds: float = 0.0) -> None:
        """Time passes and every deadline is looked at, as often as things follow each other."""
        self.clock.advance(seconds)
        for _ in range(4):
            self.server.sweep()

    def wait_days(self, days: int) -> None:
        """Whole days pass."""
        self.wait(timedelta(days=days).total_seconds())

    def blocked(self) -> set[str]:
        """Recalls and holds in force."""
        with self.server.transactions.read() as tx:
            return {rule.recall for rule in active_rules(tx.session)}

    def notices(self, by: Any, recall: str = "") -> list[str]:
        """English titles of the notices a person sees, about one thing or all."""
        found = by.get("/notices", limit=500)["items"]
        return [one["title_en"] for one in found if not recall or one["about_id"] == recall]

    def public(self) -> list[dict[str, Any]]:
        """What anybody may read."""
        answer = self.api.anonymous.get("/api/v1/public/recalls")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def dead_letters(self) -> int:
        """Events nobody could handle."""
        with self.server.transactions.read() as tx:
            return tx.session.query(DeadLetter).count()
