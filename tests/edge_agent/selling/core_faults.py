"""How the core raises and ends each fault that it sees itself; `test_self_watch.py` plays them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from protocol.commands import CommandName
from protocol.events import StockMoved
from protocol.faults import Severity
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from protocol.signatures import Signer
from tests.edge_agent.model_server import GTIN_A, START
from tests.edge_agent.test_store import fill
from tests.edge_agent.workbench import Bench, planned

HOUR = 3_600.0
FORGER = Signer(b"f" * 32)

Deed = Callable[[Bench], None]


@dataclass(frozen=True)
class CoreFault:
    """What raises a code on a part of a cabinet that sells, and what ends it."""

    part: str
    severity: Severity
    raises: Deed
    ends: Deed
    outlives: bool = True
    """Whether it is still so when the agent started anew."""


def moved(slot: str = "A1", quantity: int = 5, lot: str = "L1") -> StockMoved:
    return StockMoved(slot, GTIN_A, lot, quantity, "tester")


def plan_more_than_there_is(bench: Bench) -> None:
    rows = [planned("A1", par=6), planned("A2")]
    bench.link.send_desired(bench.server.desired(2, rows))
    bench.steps(3)


def recall(bench: Bench) -> None:
    terms = Terms(gtins=[GTIN_A], lots=Lots(exact=["L1"]))
    rule = Rule("R-1", 1, BlockKind.RECALL, terms, Notice("召回", "recalled"))
    bench.server.rules_version = 2
    bench.link.send_rules(bench.server.rules(2, [rule]))
    bench.steps(3)


def let_goods_expire(bench: Bench) -> None:
    tomorrow = START.date() + timedelta(days=1)
    bench.agent.cabinet.load(StockMoved("A2", GTIN_A, "L9", 2, "tester", expiry=tomorrow))
    bench.steps(40, seconds=HOUR)


def fail_three_vends(bench: Bench) -> None:
    bench.doors.refusing = True
    for number in range(3):
        bench.vend(f"pay-{number}")
    bench.doors.refusing = False


def lose_every_receipt(bench: Bench) -> None:
    bench.server.answers = False
    for _ in range(40):
        have_something_to_send(bench, 300.0)


def hear_from_the_server_for_a_day(bench: Bench) -> None:
    bench.server.answers = True
    for _ in range(80):
        have_something_to_send(bench, HOUR)


def have_something_to_send(bench: Bench, seconds: float) -> None:
    bench.agent.cabinet.count(moved())
    bench.step(seconds)


def service(bench: Bench, *, on: bool) -> None:
    command = bench.server.command(CommandName.SERVICE_MODE, bench.clock.wall(), args={"on": on})
    bench.link.send_command(command)


def make_room(bench: Bench) -> None:
    bench.agent.cabinet.parts.store.row("PRAGMA max_page_count = 1000000")
    bench.steps(25)


def forge_rules(bench: Bench) -> None:
    bench.link.send_rules(bench.server.rules(9, [], signer=FORGER))


CORE_FAULTS: Mapping[str, CoreFault] = {
    "SLOT_EMPTY": CoreFault(
        "A1",
        Severity.M,
        lambda bench: bench.agent.cabinet.remove(moved()),
        lambda bench: bench.load(),
    ),
    "SLOT_LOW": CoreFault(
        "A1", Severity.N, plan_more_than_there_is, lambda bench: bench.load(quantity=1)
    ),
    "STOCK_MISMATCH": CoreFault(
        "A1",
        Severity.N,
        lambda bench: bench.agent.cabinet.count(moved(quantity=4)),
        lambda bench: bench.agent.cabinet.count(moved(quantity=4)),
    ),
    "RECALL_LOCK": CoreFault(
        "A1", Severity.C, recall, lambda bench: bench.agent.cabinet.remove(moved())
    ),
    "EXPIRY_LOCK": CoreFault(
        "A2",
        Severity.C,
        let_goods_expire,
        lambda bench: bench.agent.cabinet.remove(moved("A2", 2, "L9")),
    ),
    "VEND_FAIL": CoreFault("A1", Severity.M, fail_three_vends, lambda bench: bench.load()),
    "COMMS_POOR": CoreFault("link", Severity.N, lose_every_receipt, hear_from_the_server_for_a_day),
    "SERVICE_MODE": CoreFault(
        "cabinet",
        Severity.I,
        lambda bench: service(bench, on=True),
        lambda bench: service(bench, on=False),
    ),
    "CLOCK_UNTRUSTED": CoreFault(
        "clock",
        Severity.I,
        lambda bench: bench.clock.jump_wall(301.0),
        lambda bench: bench.clock.jump_wall(-301.0),
        outlives=False,
    ),
    # A disk opened anew has room again: the test's own limit was of the connection.
    "STORAGE_FULL": CoreFault("storage", Severity.C, fill, make_room, outlives=False),
    "SIGNATURE_REJECTED": CoreFault(
        "rules", Severity.M, forge_rules, lambda bench: bench.steps(2, seconds=12.1 * HOUR)
    ),
}
