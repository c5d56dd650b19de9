"""Random kills, cuts and a lossy wire: the cabinet's journal and the server's are the same.

Goal: nothing lost, nothing doubled, no unit twice. Method: a seeded run of sales on one store, the
agent killed and started anew at random; in the end the wire works and both journals are compared
byte by byte. A failing seed is in the test's name.
"""

from collections.abc import Callable

import msgspec
import pytest

from edge_agent.seed import Chance
from edge_agent.selling.vend_book import VendOrder
from tests.edge_agent.workbench import Bench, ready

TURNS = 120


@pytest.mark.parametrize("seed", range(6))
def test_p07_nothing_is_lost_or_doubled_by_kills_and_a_bad_wire(
    make_bench: Callable[..., Bench], seed: int
) -> None:
    chance = Chance.from_seed(seed)
    short = {"reconnect_spread_seconds": 5.0}
    bench = ready(make_bench(seed=seed, **short))
    bench.load(quantity=200)
    paid = 0
    for turn in range(TURNS):
        bench.link.deliver = lambda _way: int(chance.uniform(0, 2.6))
        if chance.happens(0.4):
            paid += 1
            bench.agent.cabinet.vend(VendOrder(f"pay-{paid}", "A1"))
        if chance.happens(0.1):
            bench.link.cut()
        if chance.happens(0.15):
            bench.crash()
            bench = make_bench(
                server=bench.server,
                seed=1_000 * seed + turn,
                clock=bench.clock,
                doors=bench.doors,
                **short,
            )
        bench.step(chance.uniform(0.1, 8.0))
        if chance.happens(0.7):
            bench.close_doors()
    bench.link.deliver = lambda _way: 1
    bench.close_doors()
    bench.steps(200, seconds=10.0)

    pulses = len(bench.doors.pulses)
    held = {event.seq: event for event in bench.agent.outbox.events(0, 100_000)}
    heard = {event.seq: event for event in bench.server.events()}
    assert heard.keys() == held.keys()
    assert bench.server.journal.doubled == []
    for seq, event in held.items():
        assert bytes(event.body) == bytes(heard[seq].body)
    ended = [
        msgspec.json.decode(event.body)["payment_reference"]
        for event in heard.values()
        if event.type in {"sale.completed", "vend.failed"}
    ]
    assert len(ended) == len(set(ended))
    sold = len(bench.server.events("sale.completed"))
    assert bench.units() == 205 - sold
    assert sold <= pulses <= len(ended)
    assert sold > 5
