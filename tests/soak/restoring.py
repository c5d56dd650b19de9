"""A server that is put back to an older copy of its database, in traffic (P-3, P-7, ADR 0021).

`keep`: the copy. `go_on`: what the copy will not know: a hold, a desired state, an order, and one
cabinet that deletes what was acknowledged. `put_back`: the older copy, and before a word of any
cabinet is heard somebody changes the same things, so that the same numbers name other content.
`prove`: everything a person wants from then on is obeyed.
"""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from fleet_server.faults.models import Fault
from fleet_server.ingest.models import JournalEvent, JournalGap
from fleet_server.recalls.models import RulesHeld
from fleet_server.rules.models import RuleSet
from fleet_server.sales.models import Sale
from protocol.journal import Lane
from simulators.hosts.cabinet_host import CabinetHost
from simulators.hosts.database_copy import DatabaseCopy
from simulators.story.proofs import Row, server_rows
from simulators.story.stage import SANDWICH, WATER, Stage
from simulators.waiting import wait_until

OBEYED_SECONDS_MAX = 240.0
"""A message that a kill swallowed is sent again 30 s later, then with doubled pauses (P-0);
foreign versions of the fleet are followed once a minute."""

PLAN = {"A1": SANDWICH, "A2": WATER}

Versions = tuple[int, int]
"""Rules, desired state."""


@dataclass
class Restored:
    """What a restore came to; zeros, if all is well, but for the first three."""

    restored: int = 0
    gap_events: int = 0
    """Events nobody holds any more, each inside a recorded gap."""
    forgotten_sales: int = 0
    unrecorded: int = 0
    """Events nobody holds any more, and no gap says so; or a gap that is none."""
    versions_back: int = 0
    disobeyed: int = 0
    """Orders that did not end well, before the restore and after it."""

    @property
    def wrong(self) -> int:
        """All that should be zero, added up."""
        return self.unrecorded + self.versions_back + self.disobeyed


@dataclass
class Restoring:
    """One restore of one stage."""

    stage: Stage
    cabinets: list[CabinetHost]
    found: Restored = field(default_factory=Restored)
    lost_rows: Counter[Row] = field(default_factory=Counter)
    """Journal of the database that was lost."""
    _lost_sales: set[str] = field(default_factory=set)
    _held: dict[str, Versions] = field(default_factory=dict)
    _changes: int = 0

    def keep(self) -> None:
        """Make the backup."""
        self._copy = DatabaseCopy(self.stage.server.database_url)
        self._copy.keep()

    def go_on(self) -> None:
        """Change what cabinets obey; one cabinet deletes what was acknowledged."""
        self.stage.server.wait_ready()
        self.change()
        self._wait_obeyed()
        self._order()
        self._look_at_versions()
        forgetful = self.cabinets[0]
        forgetful.agent.kill()
        forgetful.forget_acknowledged()
        forgetful.agent.start()

    def put_back(self) -> None:
        """Put the older copy back; every part of the server is stopped."""
        self._copy.put_back()
        self.found.restored += 1
        self.lost_rows = server_rows(self._copy.lost_url)
        engine = create_engine(self._copy.lost_url)
        with Session(engine) as session:
            self._lost_sales = set(session.scalars(select(Sale.payment_reference)))
        engine.dispose()

    def change(self) -> None:
        """A hold, and a desired state for each cabinet: the next version of both."""
        self._changes += 1
        number = self._changes
        lot = f"never loaded {number}"
        hold = {
            "scope": {"gtins": [SANDWICH.gtin], "lots": {"exact": [lot]}},
            "reason": f"hold {number} of the soak",
            "notice": {"zh": "暂停销售", "en": "On hold"},
        }
        self.stage.operator.post("/holds", hold, key=f"restore-hold-{number}")
        for cabinet in self.cabinets:
            self.stage.put_plan(cabinet, PLAN)

    def prove(self) -> None:
        """After the restore: the changes are obeyed, so is one more of each, and each order."""
        self.stage.server.wait_ready()
        self._wait_obeyed()
        self._look_at_versions()
        self.change()
        self._wait_obeyed()
        self._look_at_versions()
        self._order()

    def judge(self) -> set[str]:
        """Hold journal and gaps against each other; payments the server has lost with a gap."""
        engine = create_engine(self.stage.server.database_url)
        with Session(engine) as session:
            for cabinet in self.cabinets:
                self._judge_gaps(session, cabinet)
            paid = set(session.scalars(select(Sale.payment_reference)))
        engine.dispose()
        forgotten = self._lost_sales - paid
        self.found.forgotten_sales = len(forgotten)
        self.found.unrecorded += max(0, len(forgotten) - self.found.gap_events)
        return forgotten

    def _judge_gaps(self, session: Session, cabinet: CabinetHost) -> None:
        """Each event of the journal is at the server, or inside a gap that is told; never both."""
        journal, name = cabinet.state()["journal"], cabinet.cabinet_id
        there = select(JournalEvent.seq).where(
            JournalEvent.cabinet_id == name, JournalEvent.epoch == journal["epoch"]
        )
        gaps = select(JournalGap).where(
            JournalGap.cabinet_id == name,
            JournalGap.lane == Lane.JOURNAL,
            JournalGap.epoch == journal["epoch"],
        )
        missing = [seq for gap in session.scalars(gaps) for seq in range(gap.first, gap.last + 1)]
        told = select(Fault).where(Fault.cabinet_id == name, Fault.code == "JOURNAL_GAP")
        self.found.gap_events += len(missing)
        self.found.unrecorded += bool(missing) and session.scalars(told).first() is None
        known = Counter([*session.scalars(there), *missing])
        everything = set(range(1, journal["head"] + 1))
        self.found.unrecorded += len(everything ^ known.keys())
        self.found.unrecorded += sum(count - 1 for count in known.values())

    def _wait_obeyed(self) -> None:
        """Wait until each cabinet says that it applied the newest rules and desired state."""
        self.stage.server.wait_ready()
        wait_until("the newest versions are obeyed", self._are_obeyed, OBEYED_SECONDS_MAX)

    def _are_obeyed(self) -> bool:
        engine = create_engine(self.stage.server.database_url)
        with Session(engine) as session:
            newest = session.scalar(select(func.max(RuleSet.version)))
            held = {row.cabinet_id: row.version for row in session.scalars(select(RulesHeld))}
        engine.dispose()
        shown = {one.cabinet_id: self.stage.shown(one) for one in self.cabinets}
        return all(
            held.get(name) == newest and one["desired_applied_version"] == one["desired_version"]
            for name, one in shown.items()
        )

    def _look_at_versions(self) -> None:
        for cabinet in self.cabinets:
            state = cabinet.state()
            now = state["rules_version"], state["desired_version"]
            before = self._held.get(cabinet.cabinet_id, (0, 0))
            self.found.versions_back += now[0] < before[0] or now[1] < before[1]
            self._held[cabinet.cabinet_id] = now

    def _order(self) -> None:
        """Give each cabinet an order, and wait until it was carried out."""
        for cabinet in self.cabinets:
            path = f"/cabinets/{cabinet.cabinet_id}/commands"
            given = self.stage.operator.post(path, {"name": "sync", "ttl_seconds": 3_600})
            ended = wait_until(
                f"{cabinet.cabinet_id} ends its order",
                lambda path=path, order=given["id"]: self._ended(path, order),  # type: ignore[misc]
                OBEYED_SECONDS_MAX,
            )
            self.found.disobeyed += ended != "succeeded"

    def _ended(self, path: str, order: str) -> str:
        orders = self.stage.operator.get(path)["items"]
        state = next(str(one["state"]) for one in orders if one["id"] == order)
        return "" if state in {"created", "sent"} else state
