"""The food-safety hold: latched, through restarts, until someone on site releases it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from edge_agent.clock import ManualClock
from edge_agent.detection.errors import NothingLatchedError
from protocol.commands import CommandName
from protocol.events import ClearedBy, StockMoved
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.workbench import Bench, planned, ready

CODE = "TEMP_SAFETY_HOLD"


def warmed(bench: Bench) -> Bench:
    bench.celsius = 12.0
    bench.steps(200, seconds=10.0)
    bench.celsius = 3.0
    bench.steps(100, seconds=10.0)
    return bench


@pytest.fixture
def held(make_bench: Callable[..., Bench]) -> Bench:
    return warmed(ready(make_bench()))


def test_warm_air_latches_the_hold_and_stops_perishable_goods(held: Bench) -> None:
    assert held.vend("pay-1").reason == "temperature"
    (latched,) = held.bodies("hold.latched")
    assert (latched["code"], latched["part"]) == (CODE, "cabinet")
    assert held.doors.pulses == []


def test_the_hold_survives_a_power_cut(held: Bench, make_bench: Callable[..., Bench]) -> None:
    held.crash()
    again = make_bench()
    again.link.reachable = False
    again.steps(3)
    assert again.vend("pay-1").reason == "temperature"
    assert len(again.bodies("hold.latched")) == 1


def test_a_release_on_site_is_told_and_lets_sale_go_on(held: Bench) -> None:
    held.agent.cabinet.parts.faults.release(
        CODE, "cabinet", by="tech-1", ground="pin", cleared_by=ClearedBy.ONSITE
    )
    (released,) = held.bodies("hold.released")
    assert (released["by"], released["ground"]) == ("tech-1", "pin")
    cleared = [body for body in held.bodies("fault.cleared") if body["code"] == CODE]
    assert [body["cleared_by"] for body in cleared] == ["onsite"]
    assert held.vend("pay-1").outcome == "dispensed"


def test_a_hold_that_is_not_latched_cannot_be_released(bench: Bench) -> None:
    with pytest.raises(NothingLatchedError):
        bench.agent.cabinet.parts.faults.release(
            CODE, "cabinet", by="x", ground="pin", cleared_by=ClearedBy.ONSITE
        )


@pytest.mark.parametrize("allowed", [True, False])
def test_a_remote_order_releases_only_where_the_site_allows_it(
    make_bench: Callable[..., Bench], *, allowed: bool
) -> None:
    held = warmed(ready(make_bench(), remote_release_allowed=allowed))
    args = {"code": CODE, "part": "cabinet", "by": "operator"}
    held.link.send_command(
        held.server.command(CommandName.RELEASE_HOLD, held.clock.wall(), args=args)
    )
    held.steps(2)
    (finished,) = held.bodies("command.finished")
    assert finished["outcome"] == ("succeeded" if allowed else "rejected")
    assert (held.vend("pay-1").outcome == "dispensed") is allowed


def test_the_sale_lease_ends_without_contact_and_comes_back_with_it(bench: Bench) -> None:
    bench.link.reachable = False
    bench.link.cut()
    bench.steps(143, seconds=600.0)
    bench.step()
    assert bench.vend("pay-1").outcome == "dispensed"
    bench.close_doors()
    bench.steps(2, seconds=600.0)
    assert bench.vend("pay-2").reason == "lease"
    bench.link.reachable = True
    bench.steps(70)
    assert bench.vend("pay-3").outcome == "dispensed"


def test_p18_the_clock_never_steps_below_what_was_surely_true(bench: Bench) -> None:
    time = bench.agent.cabinet.parts.time
    newest = bench.agent.outbox.events(0, 1_000)[-1].at
    bench.clock.jump_wall(-400 * 86_400.0)
    assert time.now() == newest
    assert not time.trusted
    bench.clock.jump_wall(400 * 86_400.0)
    assert time.now() > newest
    assert time.trusted


def test_p18_a_clock_that_jumped_years_ahead_blocks_dated_goods_and_heals(bench: Bench) -> None:
    bench.load(slot="A2")
    bench.clock.jump_wall(2 * 365 * 86_400.0)
    bench.steps(2)
    assert bench.vend("pay-1", slot="A2").reason == "clock"
    assert [body["code"] for body in bench.bodies("fault.raised")] == ["CLOCK_UNTRUSTED"]
    bench.clock.jump_wall(-2 * 365 * 86_400.0)
    bench.steps(2)
    assert bench.vend("pay-2", slot="A2").outcome == "dispensed"
    assert [body["code"] for body in bench.bodies("fault.cleared")] == ["CLOCK_UNTRUSTED"]


def test_p18_without_a_trusted_clock_dated_goods_are_blocked_and_others_sold(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench(clock_trusted=False)
    bench.server.tells_time = False
    ready(bench)
    keeps = planned("A2", perishable=False, chilled=False)
    bench.link.send_desired(bench.server.desired(2, [planned("A1"), keeps]))
    bench.steps(2)
    bench.agent.cabinet.load(StockMoved("A2", GTIN_A, "L2", 1, "tester"))
    assert bench.vend("pay-1", slot="A2").outcome == "dispensed"
    assert bench.vend("pay-2").reason == "clock"


def off_for(bench: Bench, make_bench: Callable[..., Bench], hours: float, **more: object) -> Bench:
    """Pull the plug; the clock has no battery and stands still, the server's goes on."""
    bench.crash()
    server, true_now = bench.server, bench.server.now() + timedelta(hours=hours)
    clock = ManualClock(bench.clock.wall(), elapsed=3.0)
    again = make_bench(server=server, clock=clock, clock_trusted=False, seed=9, **more)
    server.now = lambda: true_now + timedelta(seconds=clock.elapsed())
    return again


def test_hours_without_power_latch_the_hold_when_the_server_tells_how_many(
    make_bench: Callable[..., Bench],
) -> None:
    """Without a clock battery nobody knows at boot: the goods were sold again after the answer."""
    bench = ready(make_bench(clock_trusted=False))
    bench.server.tells_time = True
    bench.steps(10)
    again = off_for(bench, make_bench, hours=3)
    again.server.tells_time = False
    again.steps(5)
    assert again.vend("pay-1").reason == "clock"
    third = off_for(again, make_bench, hours=0.01)
    third.server.tells_time = True
    third.steps(5)
    assert third.vend("pay-2").reason == "temperature"
    (latched,) = third.bodies("hold.latched")
    assert 3 * 3_600 <= float(str(latched["reading"])) < 3.1 * 3_600


def test_minutes_without_power_on_a_board_without_a_clock_latch_nothing(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench(clock_trusted=False))
    bench.steps(3_000, seconds=2.0)
    again = off_for(bench, make_bench, hours=0.1)
    again.steps(5)
    assert again.vend("pay-1").outcome == "dispensed"
