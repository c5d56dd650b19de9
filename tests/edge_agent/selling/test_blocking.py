"""Whatever happens in whatever order, blocked goods never leave the cabinet."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent.rules.documents import VersionRefusedError
from edge_agent.selling.errors import StockRefusedError
from protocol.events import StockMoved
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.model_server import GTIN_A, START
from tests.edge_agent.workbench import Bench, ready

LOTS = ["L1", "L2", "L3", None]
lots = st.sampled_from(LOTS)
TODAY = START.date()


class Selling(RuleBasedStateMachine):
    """Loads, recalls, withdrawals, sales, restarts; the model remembers what is blocked."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.bench = ready(Bench(Path(self.directory.name)))
        self.version = 1
        self.blocked: set[str] = set()
        self.sales = 0
        self.restarts = 0
        self.told = 0

    @rule(lot=lots, days=st.sampled_from([-1, 0, 5, None]))
    def load(self, lot: str | None, days: int | None) -> None:
        expiry = None if days is None else TODAY + timedelta(days=days)
        moved = StockMoved("A1", GTIN_A, lot, 1, "tester", expiry=expiry)
        try:
            self.bench.agent.cabinet.load(moved)
        except StockRefusedError:
            return
        assert lot not in self.blocked
        assert days not in {None, -1}

    @rule(recalled=st.sets(st.sampled_from(["L1", "L2", "L3"])), step=st.sampled_from([-1, 0, 1]))
    def publish(self, recalled: set[str], step: int) -> None:
        terms = Terms(gtins=[GTIN_A], lots=Lots(exact=sorted(recalled)))
        notice = Notice("召回", "recalled")
        rules = [Rule("R", 1, BlockKind.RECALL, terms, notice)] if recalled else []
        version = max(1, self.version + step)
        try:
            new = self.bench.agent.cabinet.take_rules(self.bench.server.rules(version, rules))
        except VersionRefusedError:
            assert version <= self.version
            return
        if new:
            assert version > self.version
            self.version, self.blocked = version, recalled

    @rule()
    def buy(self) -> None:
        before = self.bench.lots()
        self.sales += 1
        answer = self.bench.vend(f"pay-{self.sales}")
        self.bench.close_doors()
        self.bench.steps(2)
        if answer.outcome == "dispensed":
            assert not self.blocked & {lot.lot for lot in before}
            assert not (self.blocked and any(lot.lot is None for lot in before))

    @rule()
    def restart(self) -> None:
        self.bench.crash()
        self.restarts += 1
        seed = 1 + self.restarts  # each start draws other ids
        self.bench = Bench(
            Path(self.directory.name), self.bench.server, clock=self.bench.clock, seed=seed
        )
        self.bench.server.rules_version = 1
        self.bench.steps(3)

    @invariant()
    def the_version_never_decreases(self) -> None:
        assert self.bench.agent.cabinet.parts.rules.version == self.version

    def teardown(self) -> None:
        self.bench.crash()
        self.directory.cleanup()


TestSelling = Selling.TestCase
TestSelling.settings = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
