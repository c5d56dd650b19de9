"""The conversation with the server (P-0, P-9, P-10, P-11, P-17)."""

from collections.abc import Callable

from edge_agent.outbox.hearing import DEAF_SECONDS
from edge_agent.selling.gate import Allowed, Refused
from protocol.events import RefusalReason
from protocol.presence import PresenceCause, PresenceState
from tests.edge_agent.workbench import Bench, ready


def refusal(bench: Bench, slot: str = "A1") -> RefusalReason | None:
    decision = bench.agent.cabinet.decide(slot)
    return decision.reason if isinstance(decision, Refused) else None


def test_p00_each_kind_has_its_quality_of_service(bench: Bench) -> None:
    bench.steps(20)
    levels = {message.topic.rsplit("/", 1)[-1]: message.qos for message in bench.link.published}
    assert levels == {"presence": 1, "heartbeat": 0, "journal": 1, "telemetry": 1}


def test_p00_nothing_is_published_while_disconnected(bench: Bench) -> None:
    bench.link.reachable = False
    bench.link.cut()
    before = len(bench.link.published)
    bench.vend("pay-1")
    bench.steps(100)
    assert len(bench.link.published) == before
    bench.link.reachable = True
    bench.steps(90)
    assert [event.type for event in bench.server.events("sale.completed")] == ["sale.completed"]


def test_p09_every_connection_has_the_next_session_number_and_its_own_will(bench: Bench) -> None:
    first = bench.agent.uplink.session
    bench.link.cut()
    assert (bench.server.presences[-1].why, bench.server.presences[-1].session) == (
        PresenceCause.WILL,
        first,
    )
    bench.steps(70)
    assert bench.agent.uplink.session == first + 1
    assert bench.server.presences[-1].session == first + 1
    assert bench.server.presences[-1].state is PresenceState.ONLINE


def test_p09_the_session_number_survives_a_restart(make_bench: Callable[..., Bench]) -> None:
    first = ready(make_bench())
    first.stop()
    second = make_bench()
    second.steps(2)
    assert second.agent.uplink.session == first.agent.uplink.session + 1


def test_p09_a_number_that_no_broker_saw_is_used_again(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    bench.link.reachable = False
    bench.steps(300)
    assert bench.link.opened > 3
    assert bench.agent.uplink.session == 1


def test_p10_heartbeats_come_every_fifteen_seconds_on_wire(bench: Bench) -> None:
    bench.server.heartbeats.clear()
    bench.steps(150)
    assert len(bench.server.heartbeats) == 10
    assert bench.server.heartbeats[-1].rules_version == 1


def test_p11_after_a_lost_server_it_waits_a_random_time_up_to_the_spread(bench: Bench) -> None:
    waits = []
    for _ in range(12):
        bench.link.cut()
        cut_at, opened = bench.clock.elapsed(), bench.link.opened
        while bench.link.opened == opened:
            bench.step()
        waits.append(bench.clock.elapsed() - cut_at)
        bench.steps(3)
    assert max(waits) <= 62
    assert max(waits) - min(waits) > 20


def test_p11_a_server_that_comes_back_is_answered_with_a_birth_after_a_random_time(
    bench: Bench,
) -> None:
    births = len(bench.server.presences)
    bench.link.send(bench.server.online())
    bench.steps(62)
    assert len(bench.server.presences) == births + 1


def test_a_receipt_of_a_new_server_is_answered_with_a_birth(bench: Bench) -> None:
    births = len(bench.server.presences)
    bench.server.epoch = "server-2"
    bench.link.send(bench.server.receipt())
    bench.steps(62)
    assert len(bench.server.presences) == births + 1


def test_p17_from_a_birth_on_the_gate_waits_for_the_receipt(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    bench.server.answers = False
    bench.link.cut()
    bench.steps(1)
    assert refusal(bench) is None
    while not bench.agent.uplink.connected:
        bench.step()
    bench.step()
    assert refusal(bench) is RefusalReason.RULES_PENDING
    bench.server.answers = True
    bench.link.send(bench.server.receipt())
    bench.steps(1)
    assert isinstance(bench.agent.cabinet.decide("A1"), Allowed)


def test_p17_a_newer_version_the_receipt_names_is_waited_for_even_offline_and_after_a_restart(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    bench.server.rules_version = 2
    bench.link.send(bench.server.receipt())
    bench.steps(1)
    assert refusal(bench) is RefusalReason.RULES_PENDING
    bench.link.reachable = False
    bench.link.cut()
    bench.steps(200)
    assert refusal(bench) is RefusalReason.RULES_PENDING
    bench.crash()
    again = make_bench()
    again.link.reachable = False
    again.steps(2)
    assert refusal(again) is RefusalReason.RULES_PENDING


def test_a_broker_without_a_server_behind_it_does_not_stop_sale_for_ever(bench: Bench) -> None:
    bench.server.answers = False
    bench.link.cut()
    bench.steps(62)
    bench.steps(62)
    assert refusal(bench) is None


def test_a_dead_way_down_is_given_up_and_opened_anew(bench: Bench) -> None:
    bench.link.deliver = lambda way: 0 if way == "down" else 1
    opened, session = bench.link.opened, bench.agent.uplink.session
    bench.agent.cabinet.parts.faults.notice("DOOR_FORCED", "A1", bad=True)
    bench.steps(int(DEAF_SECONDS))
    assert bench.link.opened == opened
    bench.steps(70)
    assert (bench.link.opened, bench.agent.uplink.session) == (opened + 1, session + 1)
    bench.link.deliver = lambda _way: 1
    bench.steps(200)
    assert bench.link.opened <= opened + 2
    assert bench.agent.outbox.committed == bench.agent.uplink.standing().journal.head


def test_while_the_server_answers_the_link_is_never_given_up(bench: Bench) -> None:
    opened = bench.link.opened
    for number in range(60):
        bench.vend(f"pay-{number}", slot="A2")
        bench.steps(60)
    assert bench.link.opened == opened


def test_a_server_that_is_away_for_a_day_costs_few_connections_and_one_wait_of_the_gate(
    bench: Bench,
) -> None:
    bench.server.answers = False
    opened, pending_seconds = bench.link.opened, 0
    for _ in range(24 * 360):
        bench.step(10.0)
        if refusal(bench) is RefusalReason.RULES_PENDING:
            pending_seconds += 10
    assert 5 <= bench.link.opened - opened <= 35
    assert pending_seconds <= 70


def test_p17_after_a_link_that_broke_by_itself_the_gate_always_waits(bench: Bench) -> None:
    bench.server.answers = False
    for _ in range(3):
        bench.link.cut()
        bench.step()
        while not bench.agent.uplink.connected:
            bench.step()
        bench.step()
        assert refusal(bench) is RefusalReason.RULES_PENDING
        bench.steps(62)
        assert refusal(bench) is None


def test_rubbish_from_the_server_changes_nothing(bench: Bench) -> None:
    for topic in ("receipt", "rules", "desired", "command", "server", "other"):
        for payload in (b"", b"{", b"\x1f\x8brubbish", b'{"v":"x"}', b"\xff" * 100):
            message = bench.server.receipt()
            bench.link.send(type(message)(f"fleet/v1/00/down/cab-1/{topic}", payload))
    bench.steps(3)
    assert refusal(bench) is None
    assert bench.agent.uplink.connected
