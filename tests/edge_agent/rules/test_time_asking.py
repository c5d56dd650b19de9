"""Time from the server where the clock cannot be trusted (P-18)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from edge_agent.clock import ManualClock
from edge_agent.mqtt_link import LinkMessage
from edge_agent.rules.time_asking import ANSWER_SECONDS_MAX, REFRESH_SECONDS
from protocol.journal import ClockQuality
from protocol.presence import TimeRequest
from protocol.signatures import Signer
from tests.edge_agent.model_server import START
from tests.edge_agent.workbench import Bench, ready

Made = Callable[..., Bench]
NEAR_SECONDS = 1.0
"""The bench carries an answer in the next step, a second later: half of it is the error."""


@pytest.fixture
def lost_in_time(make_bench: Made) -> Bench:
    """A cabinet whose clock stands in 2026-02 and whom nobody tells the time."""
    clock = ManualClock(datetime(2026, 2, 1, tzinfo=UTC))
    bench = make_bench(clock=clock, clock_trusted=False)
    bench.server.tells_time = False
    return ready(bench)


def asked_and_answered(bench: Bench) -> Bench:
    bench.server.tells_time = True
    asked = len(bench.server.requests)
    for _ in range(1_000):
        bench.step()
        if len(bench.server.requests) > asked:
            break
    bench.steps(2)
    return bench


def error_seconds(bench: Bench) -> float:
    now = bench.agent.cabinet.parts.time.now()
    return abs((now - bench.server.now()).total_seconds())


def quality(bench: Bench) -> ClockQuality:
    return bench.agent.cabinet.parts.time.quality()


def test_p18_dated_goods_are_blocked_until_the_server_told_the_time_and_sold_then(
    lost_in_time: Bench,
) -> None:
    bench = lost_in_time
    assert bench.vend("pay-1").reason == "clock"
    asked_and_answered(bench)
    assert error_seconds(bench) <= NEAR_SECONDS
    assert bench.vend("pay-2").outcome == "dispensed"
    sold = bench.server.events("sale.completed")[0]
    assert abs((sold.at - bench.server.now()).total_seconds()) < 10.0
    assert sold.clock is None  # as its batch: synced


def test_p18_the_journal_says_which_monotonic_time_was_when(lost_in_time: Bench) -> None:
    bench = asked_and_answered(lost_in_time)
    (event,) = bench.server.events("clock.anchored")
    body = msgspec.json.decode(event.body)
    assert body["boot"] == bench.agent.outbox.boot
    true = START + timedelta(milliseconds=body["mono_ms"])
    assert abs((datetime.fromisoformat(body["at"]) - true).total_seconds()) <= NEAR_SECONDS


def test_p18_a_trusted_clock_is_never_asked_for(bench: Bench) -> None:
    bench.steps(50, seconds=600.0)
    assert bench.server.requests == []


def test_p18_a_jump_of_the_system_clock_does_not_matter_any_more(lost_in_time: Bench) -> None:
    bench = asked_and_answered(lost_in_time)
    for jump_seconds in (-3e8, 9e8, -1e6):
        bench.clock.jump_wall(jump_seconds)
        bench.steps(2)
        assert quality(bench) is ClockQuality.SYNCED
        assert error_seconds(bench) <= NEAR_SECONDS
    assert bench.vend("pay-1").outcome == "dispensed"


def test_p18_a_forged_answer_changes_nothing_and_raises_a_fault(lost_in_time: Bench) -> None:
    bench = lost_in_time
    forged = bench.server.reply(bench.server.requests[-1], Signer(b"f" * 32))
    bench.link.send(forged)
    bench.steps(2)
    assert quality(bench) is ClockQuality.UNSYNCED
    raised = [(body["code"], body["part"]) for body in bench.bodies("fault.raised")]
    assert ("SIGNATURE_REJECTED", "reply") in raised
    bench.link.send(LinkMessage(forged.topic, b"rubbish"))
    bench.steps(2)
    assert quality(bench) is ClockQuality.UNSYNCED


@pytest.mark.parametrize("asked", [("time", "0" * 32), ("weather", "")])
def test_p18_an_answer_to_another_question_is_ignored(
    lost_in_time: Bench, asked: tuple[str, str]
) -> None:
    nonce = asked[1] or lost_in_time.server.requests[-1].nonce
    lost_in_time.link.send(lost_in_time.server.reply(TimeRequest(1, asked[0], nonce)))
    lost_in_time.steps(2)
    assert quality(lost_in_time) is ClockQuality.UNSYNCED


def test_p18_an_old_answer_replayed_is_ignored(lost_in_time: Bench) -> None:
    bench = asked_and_answered(lost_in_time)
    old = bench.server.replies[0]
    for _ in range(2):
        bench.steps(int(REFRESH_SECONDS / 60), seconds=60.0)
        bench.link.send(old)
        bench.steps(2)
        assert error_seconds(bench) <= NEAR_SECONDS


def test_p18_an_answer_of_an_earlier_boot_is_ignored(lost_in_time: Bench, make_bench: Made) -> None:
    bench = asked_and_answered(lost_in_time)
    bench.crash()
    clock = ManualClock(datetime(2026, 2, 1, tzinfo=UTC))
    bench.server.tells_time = False
    again = make_bench(server=bench.server, clock=clock, clock_trusted=False, seed=2)
    again.steps(3)
    again.link.send(bench.server.replies[0])
    again.steps(2)
    assert quality(again) is ClockQuality.UNSYNCED


def test_p18_an_answer_that_took_too_long_is_not_used(lost_in_time: Bench) -> None:
    bench = lost_in_time
    asked = len(bench.server.requests)
    while len(bench.server.requests) == asked:
        bench.step()
    late = bench.server.reply(bench.server.requests[-1])
    bench.clock.advance(ANSWER_SECONDS_MAX)
    bench.link.send(late)
    bench.steps(1)
    assert quality(bench) is ClockQuality.UNSYNCED


def test_p18_unanswered_it_asks_again_later_and_later(lost_in_time: Bench) -> None:
    lost_in_time.steps(2 * 3600)
    asked = lost_in_time.server.requests
    assert 10 <= len(asked) <= 25
    assert len({request.nonce for request in asked}) == len(asked)


def test_p18_answered_it_asks_again_after_some_hours(lost_in_time: Bench) -> None:
    bench = asked_and_answered(lost_in_time)
    asked = len(bench.server.requests)
    bench.steps(60, seconds=REFRESH_SECONDS / 70)
    assert len(bench.server.requests) == asked
    for number in range(1, 4):
        bench.clock.advance(REFRESH_SECONDS)
        bench.steps(3)
        assert len(bench.server.requests) == asked + number
    assert error_seconds(bench) <= NEAR_SECONDS
    assert {m.qos for m in bench.link.published if m.topic.endswith("/request")} == {1}


def test_p18_a_server_that_went_back_in_time_is_not_believed(lost_in_time: Bench) -> None:
    true = lost_in_time.server.now
    lost_in_time.server.now = lambda: START - timedelta(days=30)
    bench = asked_and_answered(lost_in_time)
    assert quality(bench) is ClockQuality.UNSYNCED
    assert bench.vend("pay-1").reason == "clock"
    bench.server.now = true
    asked_and_answered(bench)
    assert error_seconds(bench) <= NEAR_SECONDS
    bench.server.now = lambda: START - timedelta(days=30)
    bench.clock.advance(REFRESH_SECONDS)
    bench.steps(3)
    bench.server.now = true
    assert quality(bench) is ClockQuality.SYNCED
    assert error_seconds(bench) <= NEAR_SECONDS


def test_p18_an_answer_that_could_not_be_noted_is_asked_for_again(lost_in_time: Bench) -> None:
    bench = lost_in_time
    store = bench.agent.cabinet.parts.store
    store.row("PRAGMA query_only = ON")
    asked_and_answered(bench)
    assert quality(bench) is ClockQuality.UNSYNCED
    store.row("PRAGMA query_only = OFF")
    asked_and_answered(bench)
    assert quality(bench) is ClockQuality.SYNCED
    assert len(bench.bodies("clock.anchored")) == 1
