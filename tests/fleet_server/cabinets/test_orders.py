"""P-13, P-14: orders to one cabinet, one at a time, never lost by a restart, never fired late."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.orders import WAITING_MAX, expire_orders
from fleet_server.clock import ManualClock
from fleet_server.ingest.models import DeadLetter
from fleet_server.outbox.models import OutboundMessage
from protocol.commands import Command, read_command
from protocol.signatures import Keyring, SignedKind, read_envelope
from protocol.topics import DownKind, down
from protocol.wire import unpack
from tests.registry import add_a_site, speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet
from tests.web_client import Session, WebClient

UNLOCK = {"name": "unlock", "args": {"door": "A1"}}
SYNC = {"name": "sync"}


@dataclass
class Orders:
    """An operator, a cabinet, and what left for it."""

    server: FleetServer
    clock: ManualClock
    cabinet: SpeakingCabinet
    operator: Session

    def give(self, body: dict[str, Any] = SYNC, **more: Any) -> dict[str, Any]:
        given: dict[str, Any] = self.operator.post("/cabinets/C1/commands", {**body, **more})
        return given

    def states(self) -> list[str]:
        """State of each order, first to last."""
        items = self.operator.get("/cabinets/C1/commands")["items"]
        return [one["state"] for one in reversed(items)]

    def sent(self) -> list[Command]:
        """Orders that left, opened as the cabinet opens them."""
        keys = Keyring(self.server.signing.public_keys)
        topic = down("fleet", "C1", DownKind.COMMAND)
        with self.server.transactions.read() as tx:
            found = select(OutboundMessage).where(OutboundMessage.topic == topic)
            rows = list(tx.session.scalars(found.order_by(OutboundMessage.seq)))
        envelopes = [read_envelope(unpack(row.payload)) for row in rows]
        return [
            read_command(keys.open(one, SignedKind.COMMAND, "fleet", "C1")) for one in envelopes
        ]

    def finish(self, order: dict[str, Any], outcome: str = "succeeded", detail: str = "") -> None:
        body = {"command": order["id"], "outcome": outcome, "detail": detail}
        self.cabinet.held_counter = order["counter"]
        self.cabinet.tell("command.finished", body)

    def sweep(self) -> None:
        with self.server.transactions.write("system:test") as tx:
            expire_orders(self.server.signing, tx)


@pytest.fixture
def orders(server: FleetServer, api: WebClient, clock: ManualClock) -> Orders:
    return Orders(server, clock, speaking_cabinet(server), api.as_(Role.OPERATOR))


def test_p13_an_order_leaves_signed_with_all_its_fields(orders: Orders) -> None:
    given = orders.give(ttl_seconds=600)
    (sent,) = orders.sent()
    assert sent.id == given["id"]
    counter = int(orders.clock.now().timestamp()) + 1
    assert (sent.name, sent.args, sent.ttl_s, sent.counter) == ("sync", {}, 600, counter)
    assert (sent.issued_at, sent.session) == (orders.clock.now(), None)
    assert given["state"] == "sent"


def test_p13_at_most_one_unfinished_order_is_under_way(orders: Orders) -> None:
    first, second = orders.give(), orders.give()
    assert orders.states() == ["sent", "created"]
    assert [one.id for one in orders.sent()] == [first["id"]]
    orders.finish(first)
    assert orders.states() == ["succeeded", "sent"]
    assert [one.id for one in orders.sent()] == [first["id"], second["id"]]


def test_p13_counters_of_a_cabinet_strictly_rise(orders: Orders) -> None:
    first, *others = [orders.give()["counter"] for _ in range(3)]
    assert others == [first + 1, first + 2]


def test_p13_a_restored_server_does_not_repeat_a_counter_the_cabinet_has_seen(
    orders: Orders,
) -> None:
    orders.cabinet.held_counter = 2**40 + 1
    orders.cabinet.birth()
    assert orders.give()["counter"] == 2**40 + 2


def test_p13_each_cabinet_has_its_own_counter(orders: Orders, api: WebClient) -> None:
    speaking_cabinet(orders.server, "C2", add_a_site(orders.server, "Second"))
    first, second = orders.give(), orders.give()
    given = api.as_(Role.OPERATOR).post("/cabinets/C2/commands", SYNC)
    assert (given["counter"], given["state"]) == (first["counter"], "sent")
    assert second["counter"] > first["counter"]


def test_p13_a_physical_order_carries_the_session_and_lives_at_most_a_minute(
    orders: Orders,
) -> None:
    orders.cabinet.birth()
    orders.give(UNLOCK, ttl_seconds=3600)
    (sent,) = orders.sent()
    assert (sent.session, sent.ttl_s, sent.args) == (2, 60, {"door": "A1"})


def test_p13_a_physical_order_to_a_cabinet_that_is_offline_is_refused(orders: Orders) -> None:
    orders.cabinet.die()
    answer = orders.operator.try_post("/cabinets/C1/commands", UNLOCK)
    assert answer.status_code == 409
    assert orders.states() == []


def test_p13_a_physical_order_that_waited_its_turn_is_not_born_old(orders: Orders) -> None:
    first = orders.give()
    orders.give(UNLOCK)
    orders.clock.advance(20)
    orders.finish(first)
    sent = orders.sent()[-1]
    assert (sent.name, sent.issued_at, sent.ttl_s) == ("unlock", orders.clock.now(), 60)


def test_p13_a_physical_order_expires_when_the_cabinet_reconnects(orders: Orders) -> None:
    orders.give(UNLOCK)
    orders.cabinet.birth()
    assert orders.states() == ["expired"]
    assert len(orders.sent()) == 1


def test_p13_a_heartbeat_that_crossed_a_physical_order_does_not_end_it(orders: Orders) -> None:
    given = orders.give(UNLOCK)
    orders.cabinet.beat()
    assert orders.states() == ["sent"]
    assert {one.session for one in orders.sent()} == {1}
    orders.finish(given)
    assert orders.states() == ["succeeded"]


def test_p13_a_birth_of_the_same_session_does_not_end_a_physical_order(orders: Orders) -> None:
    """A server that comes back asks for births; the session of the cabinet goes on (P-11)."""
    orders.give(UNLOCK)
    orders.cabinet.session -= 1
    orders.cabinet.birth()
    assert orders.states() == ["sent"]


def test_p13_a_repeated_tale_of_a_finished_order_changes_nothing(orders: Orders) -> None:
    given = orders.give()
    orders.finish(given, "failed", "the bus is busy")
    orders.finish(given)
    (row,) = orders.operator.get("/cabinets/C1/commands")["items"]
    assert (row["state"], row["detail"]) == ("failed", "the bus is busy")
    with orders.server.transactions.read() as tx:
        assert list(tx.session.scalars(select(DeadLetter))) == []


def test_p14_an_order_is_sent_again_when_a_birth_shows_a_lower_counter(orders: Orders) -> None:
    given = orders.give()
    orders.cabinet.birth()
    orders.cabinet.beat()
    assert [one.id for one in orders.sent()] == [given["id"]] * 3
    assert orders.states() == ["sent"]


def test_p14_an_order_the_cabinet_has_seen_is_not_sent_again(orders: Orders) -> None:
    given = orders.give()
    orders.cabinet.held_counter = given["counter"]
    orders.cabinet.birth()
    orders.cabinet.beat()
    assert len(orders.sent()) == 1


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "rejected"])
def test_p14_the_outcome_is_the_state(orders: Orders, outcome: str) -> None:
    given = orders.give()
    orders.finish(given, outcome, "as told")
    (row,) = orders.operator.get("/cabinets/C1/commands")["items"]
    assert (row["state"], row["detail"]) == (outcome, "as told")
    assert row["finished_at"] is not None


def test_p14_an_order_whose_time_ran_out_is_unknown_once_sent_and_expired_before(
    orders: Orders,
) -> None:
    first = orders.give(ttl_seconds=30)
    orders.give(ttl_seconds=30)
    third = orders.give(ttl_seconds=300)
    orders.clock.advance(31)
    orders.sweep()
    assert orders.states() == ["unknown", "expired", "sent"]
    assert orders.sent()[-1].id == third["id"]
    orders.finish(first)
    assert orders.states()[0] == "succeeded"


def test_p13_an_order_whose_time_ran_out_never_leaves(orders: Orders) -> None:
    first = orders.give(ttl_seconds=600)
    orders.give(ttl_seconds=30)
    orders.clock.advance(31)
    orders.finish(first)
    assert orders.states() == ["succeeded", "expired"]
    late = orders.give(ttl_seconds=30)
    orders.clock.advance(31)
    orders.cabinet.beat()
    assert [one.id for one in orders.sent()] == [first["id"], late["id"]]


def test_p14_an_order_that_waits_is_cancelled_and_one_that_left_is_not(orders: Orders) -> None:
    left, waiting = orders.give(), orders.give()
    client = orders.operator._client
    cancelled = client.delete(f"/api/v1/cabinets/C1/commands/{waiting['id']}")
    assert cancelled.json()["state"] == "cancelled"
    refused = client.delete(f"/api/v1/cabinets/C1/commands/{left['id']}")
    assert refused.status_code == 409
    assert refused.json()["state"] == "sent"
    assert "cancelled" not in refused.json()["legal"]
    orders.finish(left)
    assert orders.states() == ["succeeded", "cancelled"]


def test_an_outcome_nobody_knows_is_a_dead_letter_and_the_log_goes_on(orders: Orders) -> None:
    given = orders.give()
    orders.cabinet.record("command.finished", {"command": given["id"], "outcome": "exploded"})
    orders.cabinet.record("door.opened", {"door": "A1", "cause": "sale"})
    orders.cabinet.send()
    assert orders.cabinet.committed == 2
    assert orders.states() == ["sent"]
    with orders.server.transactions.read() as tx:
        letters = tx.session.scalars(select(DeadLetter.seq).order_by(DeadLetter.seq))
        assert list(letters) == [1]


def test_a_cabinet_cannot_tell_the_outcome_of_another_s_order(orders: Orders) -> None:
    given = orders.give()
    other = speaking_cabinet(orders.server, "C2", add_a_site(orders.server, "Second"))
    other.tell("command.finished", {"command": given["id"], "outcome": "succeeded"})
    assert orders.states() == ["sent"]


def test_orders_that_wait_are_bounded(orders: Orders) -> None:
    for _ in range(WAITING_MAX):
        orders.give()
    answer = orders.operator.try_post("/cabinets/C1/commands", SYNC)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "body",
    [
        {"name": "unlock"},
        {"name": "unlock", "args": {"door": "A1", "force": True}},
        {"name": "explode"},
        {"name": "sync", "ttl_seconds": 0},
        {"name": "sync", "color": "red"},
    ],
)
def test_an_order_that_makes_no_sense_is_422_and_nothing_is_kept(
    orders: Orders, body: dict[str, Any]
) -> None:
    assert orders.operator.try_post("/cabinets/C1/commands", body).status_code == 422
    assert orders.states() == []
