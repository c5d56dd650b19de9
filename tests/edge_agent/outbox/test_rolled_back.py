"""A store that is an older copy of itself begins a new epoch and goes on (P-5, ADR 0008)."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.clock import ManualClock
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.store import Store
from protocol.events import DoorCause, DoorMoved
from protocol.journal import Lane
from tests.edge_agent.model_server import START
from tests.edge_agent.workbench import Bench, copied_store, ready

Made = Callable[..., Bench]


def rolled_back(make_bench: Made, tmp_path: Path, *, sales_offline: int) -> Bench:
    """A cabinet that was restored from a copy, after its server had heard more."""
    first = ready(make_bench(tmp_path / "first"))
    first.vend("pay-1")
    first.close_doors()
    first.steps(5)
    copy = copied_store(tmp_path / "first")
    for number in range(10):
        first.vend(f"lost-{number}", slot="A2")
    first.steps(20)
    first.crash()
    again = make_bench(copy, server=first.server, clock=first.clock, seed=2)
    again.link.reachable = False
    again.steps(3)
    for number in range(sales_offline):
        again.vend(f"offline-{number}")
        again.close_doors()
        again.steps(3)
    again.link.reachable = True
    again.link.cut()
    again.steps(90)
    return again


@pytest.mark.parametrize("sales_offline", [0, 4])
def test_p05_events_written_since_reach_the_server_in_a_new_epoch(
    make_bench: Made, tmp_path: Path, sales_offline: int
) -> None:
    bench = rolled_back(make_bench, tmp_path, sales_offline=sales_offline)
    server = bench.server.journal
    here = bench.agent.outbox.position(Lane.JOURNAL)
    assert len({epoch for epoch, _ in server.entries}) == 2
    assert (server.epoch, server.committed, here.floor) == (here.epoch, here.head, 1)
    sold = [msgspec.json.decode(event.body) for event in bench.server.events("sale.completed")]
    references = [sale["payment_reference"] for sale in sold]
    wanted = ["pay-1", *(f"offline-{number}" for number in range(sales_offline))]
    assert [reference for reference in references if "lost" not in reference] == wanted
    telemetry = bench.agent.outbox.position(Lane.TELEMETRY)
    assert bench.server.telemetry.position.epoch == telemetry.epoch
    bench.vend("after")
    bench.steps(5)
    assert bench.server.journal.committed == bench.agent.outbox.position(Lane.JOURNAL).head


def test_p05_a_rolled_back_store_is_found_although_the_answer_to_its_birth_is_lost(
    make_bench: Made, tmp_path: Path
) -> None:
    """Found by the fleet simulation (seed 1 of its first day): it sent its first batch unasked.

    The server took only the rest of that batch, beyond what it had from before, and the events in
    between were lost.
    """
    first = ready(make_bench(tmp_path / "first"))
    copy = copied_store(tmp_path / "first")
    for number in range(3):
        first.vend(f"lost-{number}")
        first.close_doors()
        first.steps(3)
    first.crash()
    again = make_bench(copy, server=first.server, clock=first.clock, seed=2)
    again.link.deliver = lambda way: 0 if way == "down" else 1
    for number in range(8):
        again.vend(f"unheard-{number}")
        again.close_doors()
        again.steps(3)
    again.link.deliver = lambda _way: 1
    again.steps(60)
    refused = again.bodies("sale.refused")
    assert len({epoch for epoch, _ in again.server.journal.entries}) == 2
    assert len(again.server.events("sale.refused")) >= len(refused) > 0
    here = again.agent.outbox.position(Lane.JOURNAL)
    assert (again.server.journal.epoch, again.server.journal.committed) == (here.epoch, here.head)


def test_p16_what_the_store_forgot_nobody_knows_so_the_hold_is_latched(
    make_bench: Made, tmp_path: Path
) -> None:
    bench = rolled_back(make_bench, tmp_path, sales_offline=1)
    assert bench.vend("after").reason == "temperature"
    (latched,) = bench.bodies("hold.latched")
    assert latched["reading"] == "store_lost"
    bench.crash()
    again = make_bench(bench.directory, server=bench.server, clock=bench.clock, seed=3)
    again.steps(5)
    assert again.vend("later").reason == "temperature"
    assert len(again.bodies("hold.latched")) == 1


@settings(max_examples=25, deadline=None)
@given(head=st.integers(0, 40), share=st.floats(0, 1))
def test_a_new_epoch_keeps_what_is_not_acknowledged_in_its_order(head: int, share: float) -> None:
    committed = int(head * share)
    with tempfile.TemporaryDirectory() as directory:
        store = Store.open(Path(directory), SCHEMA_STEPS, now=START)
        time = Timekeeper(store, ManualClock(START), trusted=True)
        outbox = Outbox(store, time, Chance.from_seed(1), "boot")
        with store.transaction():
            for number in range(head):
                outbox.append("door.opened", DoorMoved(f"door-{number}", DoorCause.UNKNOWN))
        before = outbox.position(Lane.JOURNAL).epoch
        kept = [bytes(event.body) for event in outbox.events(committed, 100)]
        outbox.committed = committed
        outbox.begin_anew()
        after, events = outbox.position(Lane.JOURNAL), outbox.events(0, 100)
        lost = store.lost
        store.close()
    assert lost
    assert after.epoch != before
    assert (after.floor, after.head) == (1, head - committed)
    assert [event.seq for event in events] == list(range(1, head - committed + 1))
    assert [bytes(event.body) for event in events] == kept
