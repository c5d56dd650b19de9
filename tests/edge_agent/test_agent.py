"""The whole agent on a bench: it sells, tells, stops, and starts again."""

from collections.abc import Callable

import msgspec

from protocol.sealing import unseal
from tests.edge_agent.workbench import Bench, ready


def test_a_paid_unit_is_dispensed_proven_by_the_door_and_told_to_the_server(bench: Bench) -> None:
    answer = bench.vend("pay-1", contact="13800000000", buyer_reference="buyer")
    assert answer.outcome == "dispensed"
    assert bench.units() == 4
    bench.steps(2)
    (event,) = bench.server.events("sale.completed")
    sale = msgspec.json.decode(event.body)
    assert (sale["total_minor"], sale["payment_reference"]) == (1250, "pay-1")
    assert sale["lines"][0]["lot"] == "L1"
    assert sale["lines"][0]["lot_confidence"] == "single"
    assert unseal(sale["sealed_contact"], bytes(bench.server.sealing)) == "13800000000"


def test_the_door_of_a_sale_is_told_with_its_cause_and_duration(bench: Bench) -> None:
    bench.vend("pay-1")
    bench.steps(3)
    bench.close_doors()
    bench.steps(1)
    assert bench.bodies("door.opened") == [{"door": "A1", "cause": "sale"}]
    (closed,) = bench.bodies("door.closed")
    assert closed["cause"] == "sale"
    assert closed["open_seconds"] == 5.0


def test_p01_nothing_is_published_before_it_is_in_the_store(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    held = {event.seq: bytes(event.body) for event in bench.agent.outbox.events(0, 1000)}
    assert {event.seq: bytes(event.body) for event in bench.server.events()} == held


def test_a_clean_stop_says_goodbye_and_ends_with_an_event(bench: Bench) -> None:
    bench.stop()
    assert bench.server.presences[-1].why == "stop"
    assert bench.server.presences[-1].journal.head == bench.server.journal.committed
    assert len(bench.server.events("agent.stopped")) == 1


def test_start_reasons_tell_a_power_cut_from_a_restart(make_bench: Callable[..., Bench]) -> None:
    first = make_bench()
    first.stop()
    second = make_bench()
    reasons = [body["reason"] for body in second.bodies("agent.started")]
    assert reasons == ["power", "restart"]


def test_a_door_left_open_becomes_a_fault_at_the_server_and_clears_when_closed(
    bench: Bench,
) -> None:
    bench.vend("pay-1")
    bench.steps(200)
    (raised,) = bench.server.events("fault.raised")
    body = msgspec.json.decode(raised.body)
    assert (body["code"], body["part"], body["severity"]) == ("DOOR_OPEN_LONG", "A1", "M")
    bench.close_doors()
    bench.steps(15)
    (cleared,) = bench.server.events("fault.cleared")
    assert msgspec.json.decode(cleared.body)["fault"] == body["fault"]


def test_an_open_fault_is_neither_forgotten_nor_repeated_by_a_power_cut(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    bench.vend("pay-1")
    bench.steps(200)
    bench.crash()
    again = make_bench(server=bench.server, clock=bench.clock, doors=bench.doors)
    again.steps(60)
    assert len(again.bodies("fault.raised")) == 1
    again.close_doors()
    again.steps(15)
    assert len(again.bodies("fault.cleared")) == 1
