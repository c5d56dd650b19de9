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


def test_p13_an_order_of_a_restored_database_lies_above_those_it_has_forgotten(
    orders: Orders,
) -> None:
    """Also before the first word of the cabinet: until then nothing but the clock tells."""
    before = [orders.give()["counter"] for _ in range(3)]
    _forget_all(orders)
    orders.clock.advance(5)  # a restore takes longer
    assert orders.give()["counter"] > max(before)


def test_p13_a_counter_that_was_made_up_does_not_use_up_the_numbers(orders: Orders) -> None:
    orders.cabinet.held_counter = 2 * COUNTER_MAX + 1
    orders.cabinet.birth()
    assert orders.give()["counter"] < COUNTER_MAX


def _forget_all(orders: Orders) -> None:
    with orders.server.transactions.write("system:test") as tx:
        tx.session.execute(delete(CabinetCommand))
