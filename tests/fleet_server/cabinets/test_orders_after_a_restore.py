"""P-13, P-14: orders of a database that was restored, and of the one before it (ADR 0021)."""

import pytest
from sqlalchemy import delete, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import CabinetCommand
from fleet_server.cabinets.orders import COUNTER_MAX
from fleet_server.clock import ManualClock
from fleet_server.ingest.models import DeadLetter
from tests.fleet_server.cabinets.test_orders import Orders
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

FORGOTTEN = "given after the backup"


@pytest.fixture
def orders(server: FleetServer, api: WebClient, clock: ManualClock) -> Orders:
    return Orders(server, clock, speaking_cabinet(server), api.as_(Role.OPERATOR))


def test_an_outcome_of_a_forgotten_order_is_taken_and_marked_in_the_timeline(
    orders: Orders,
) -> None:
    """It is no poison: after a restore every such order would open a ticket."""
    given = orders.give()
    orders.cabinet.record("command.finished", {"command": FORGOTTEN, "outcome": "succeeded"})
    orders.finish(given)
    assert orders.cabinet.committed == 2
    assert orders.states() == ["succeeded"]
    with orders.server.transactions.read() as tx:
        assert list(tx.session.scalars(select(DeadLetter))) == []
    entries = orders.operator.get("/cabinets/C1/timeline?type=command.finished")["items"]
    marked = {entry["body"]["command"]: entry["unknown_order"] for entry in entries}
    assert marked == {given["id"]: False, FORGOTTEN: True}


def test_p13_an_order_out_under_a_number_the_cabinet_has_passed_gets_the_next_one(
    orders: Orders,
) -> None:
    """Given before the first word of the cabinet: the restored database knew no better."""
    given = orders.give()
    orders.cabinet.held_counter = 7
    orders.cabinet.birth()
    first, again = orders.sent()
    assert (first.id, first.counter) == (given["id"], 1)
    assert (again.id, again.counter) == (given["id"], 8)
    orders.finish({**given, "counter": 8})
    assert orders.states() == ["succeeded"]


def test_p13_orders_that_wait_are_numbered_above_the_cabinet_when_their_turn_comes(
    orders: Orders,
) -> None:
    first, second = orders.give(), orders.give()
    orders.cabinet.held_counter = 7
    orders.cabinet.birth()
    orders.finish({**first, "counter": 8})
    assert [one.counter for one in orders.sent()] == [1, 8, 9]
    orders.finish({**second, "counter": 9})
    assert orders.states() == ["succeeded", "succeeded"]


def test_p14_an_order_the_cabinet_is_busy_with_is_not_numbered_anew(orders: Orders) -> None:
    given = orders.give()
    orders.cabinet.held_counter = given["counter"]
    orders.cabinet.beat()
    assert [one.counter for one in orders.sent()] == [given["counter"]]


def test_p13_a_counter_that_was_made_up_does_not_use_up_the_numbers(orders: Orders) -> None:
    orders.cabinet.held_counter = 2 * COUNTER_MAX + 1
    orders.cabinet.birth()
    assert orders.give()["counter"] == 1


def test_p13_a_new_order_lies_above_what_the_cabinet_told(orders: Orders) -> None:
    orders.finish(orders.give())
    orders.cabinet.birth()
    with orders.server.transactions.write("system:test") as tx:  # as an older copy knows none
        tx.session.execute(delete(CabinetCommand))
    assert orders.give()["counter"] == 2
