"""One decision of the gate with 1,000 active recall rules and 60 slots, on a real store.

Worst case on purpose: before each look the bundle is a new one, so nothing is remembered.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from edge_agent.settings import BusSettings, DeviceSettings
from protocol.events import StockMoved
from protocol.gtin import check_digit
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.workbench import EXPIRY, Bench, FakeDoors, planned

RULES = 1_000
SLOTS = 60
ROUNDS = 30
PERCENTILES = 100
MILLISECONDS = 1_000
PRODUCTS = 40


def gtin(number: int) -> str:
    """A GTIN of its own for each number."""
    body = f"0690123{number:06d}"
    return f"{body}{check_digit(body)}"


def rules(version: int) -> list[Rule]:
    """Every product is meant by 25 rules, none of which matches its lot."""
    return [
        Rule(
            f"R-{number}",
            version,
            BlockKind.RECALL,
            Terms(gtins=[gtin(number % PRODUCTS)], lots=Lots(exact=[f"X{number}"], prefix=["Z"])),
            Notice("请勿食用", "do not eat"),
        )
        for number in range(RULES)
    ]


def gate_p99_ms() -> float:
    """99th percentile of one decision, in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="bench-gate-") as folder:
        slots = [f"A{number}" for number in range(1, SLOTS + 1)]
        doors = {slot: number for number, slot in enumerate(slots, start=1)}
        board = DeviceSettings("locks", "winnsen", 0, doors)
        bench = Bench(
            Path(folder) / "cabinet",
            doors=FakeDoors(slots),
            buses=[BusSettings("nowhere", [board])],
        )
        try:
            return _measured(bench, slots)
        finally:
            bench.crash()


def _measured(bench: Bench, slots: list[str]) -> float:
    bench.server.rules_version = 1
    bench.steps(3)
    plan = [planned(slot, gtin(number % PRODUCTS)) for number, slot in enumerate(slots)]
    bench.link.send_desired(bench.server.desired(1, plan))
    bench.link.send_rules(bench.server.rules(1, []))
    bench.steps(3)
    for number, slot in enumerate(slots):
        moved = StockMoved(slot, gtin(number % PRODUCTS), "L1", 5, "bench", expiry=EXPIRY)
        bench.agent.cabinet.load(moved)
    times: list[float] = []
    decide: Callable[[str], object] = bench.agent.cabinet.decide
    for version in range(2, ROUNDS + 2):
        bench.link.send_rules(bench.server.rules(version, rules(version)))
        bench.server.rules_version = version
        bench.step()
        for slot in slots:
            began = time.perf_counter()  # noqa: TID251  # a benchmark measures
            decide(slot)
            times.append(time.perf_counter() - began)  # noqa: TID251  # same
    return statistics.quantiles(times, n=PERCENTILES)[-1] * MILLISECONDS
