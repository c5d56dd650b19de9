"""P-13: a physical order belongs to one session; who gives an order is said by the server."""

from typing import Any

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.auth.models import User
from fleet_server.auth.rules import Role
from fleet_server.clock import ManualClock
from protocol.presence import PresenceCause, PresenceState
from protocol.topics import UpKind
from tests.fleet_server.cabinets.test_orders import UNLOCK, Orders
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

RELEASE: dict[str, Any] = {
    "name": "release_hold",
    "args": {"code": "TEMPERATURE_HOLD", "part": "cold"},
}


@pytest.fixture
def orders(server: FleetServer, api: WebClient, clock: ManualClock) -> Orders:
    return Orders(server, clock, speaking_cabinet(server), api.as_(Role.OPERATOR))


def names_sent(orders: Orders) -> list[str]:
    return [one.name for one in orders.sent()]


def test_p13_a_physical_order_that_waited_in_an_older_session_is_never_signed(
    orders: Orders,
) -> None:
    first = orders.give()
    orders.give(UNLOCK)
    orders.cabinet.birth()
    orders.finish(first)
    assert orders.states() == ["succeeded", "expired"]
    assert "unlock" not in names_sent(orders)


def test_p13_nor_when_the_order_before_it_is_told_finished_beside_the_birth(
    orders: Orders,
) -> None:
    """Ingest hands events over before it repairs: the order itself must know its session."""
    first = orders.give()
    orders.give(UNLOCK)
    cabinet = orders.cabinet
    cabinet.session += 1
    cabinet.record("command.finished", {"command": first["id"], "outcome": "succeeded"})
    birth_message = cabinet.presence(PresenceState.ONLINE, PresenceCause.BIRTH)
    birth = cabinet.inbound(UpKind.PRESENCE, birth_message)
    finished = cabinet.inbound(UpKind.JOURNAL, cabinet.batch(1, 1))
    orders.server.ingest.accept([birth, finished])
    assert orders.states() == ["succeeded", "expired"]
    assert "unlock" not in names_sent(orders)


def test_p13_an_order_that_moves_nothing_outlives_the_session_it_waited_in(
    orders: Orders,
) -> None:
    first = orders.give()
    orders.give()
    orders.cabinet.birth()
    orders.finish(first)
    assert orders.states() == ["succeeded", "sent"]


def test_p13_a_physical_order_that_waited_longer_than_its_ttl_is_given_up(
    orders: Orders,
) -> None:
    first = orders.give(ttl_seconds=600)
    orders.give(UNLOCK, ttl_seconds=30)
    orders.clock.advance(30)
    orders.finish(first)
    assert orders.states() == ["succeeded", "expired"]


def test_p13_the_life_of_a_physical_order_begins_when_it_is_sent(orders: Orders) -> None:
    first = orders.give(ttl_seconds=600)
    orders.give(UNLOCK, ttl_seconds=30)
    orders.clock.advance(29)
    orders.finish(first)
    orders.clock.advance(29)
    orders.sweep()
    assert orders.states() == ["succeeded", "sent"]
    orders.clock.advance(1)
    orders.sweep()
    assert orders.states() == ["succeeded", "unknown"]


def test_p14_orders_that_never_left_are_expired_by_the_sweep_that_ends_the_one_before(
    orders: Orders,
) -> None:
    orders.give(ttl_seconds=30)
    orders.give(ttl_seconds=10)
    orders.give(UNLOCK, ttl_seconds=30)
    orders.clock.advance(30)
    orders.sweep()
    assert orders.states() == ["unknown", "expired", "expired"]
    assert names_sent(orders) == ["sync"]


def test_a_released_hold_names_the_person_who_gave_the_order(orders: Orders) -> None:
    orders.give(RELEASE)
    with orders.server.transactions.read() as tx:
        user_id = tx.session.scalars(select(User.id).where(User.username == "operator")).one()
    (sent,) = orders.sent()
    assert sent.args == {**RELEASE["args"], "by": user_id}


def test_a_released_hold_in_the_name_of_another_is_refused(orders: Orders) -> None:
    forged = {**RELEASE, "args": {**RELEASE["args"], "by": "somebody else"}}
    answer = orders.operator.try_post("/cabinets/C1/commands", forged)
    assert answer.status_code == 422
    assert answer.json()["field"] == "args.by"
    assert orders.states() == []
