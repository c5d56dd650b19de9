"""Refunds: once for each purpose, never more than was paid, accepted is not succeeded."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_server.clock import ManualClock
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.payments.queries import history_of, promised_minor
from fleet_server.payments.service import Refund, VisibleRoute, request, settle_refunds
from fleet_server.payments.states import REFUND_LIFE
from fleet_server.transactions import Transactions
from tests.fleet_server.life_cycle_checks import ends, reachable


def refund(purpose: str = "p", amount: int = 100, *, charge: str = "S/1", way: str = "") -> Refund:
    return Refund(purpose, charge, 150, amount, "CNY", f"pay{way}")


def walk(transactions: Transactions, clock: ManualClock, wanted: Refund) -> list[str]:
    with transactions.write("system:test") as tx:
        order = request(tx, wanted)
    for _ in range(3):
        with transactions.write("system:test") as tx:
            settle_refunds(VisibleRoute(), tx)
        clock.advance(60)
    with transactions.read() as tx:
        return [step.state for step in history_of(tx.session, order.id)]


@pytest.mark.parametrize(
    ("way", "states"),
    [
        ("", ["requested", "submitted", "accepted", "succeeded"]),
        ("-declines", ["requested", "submitted", "failed"]),
        ("-mute", ["requested", "submitted", "unknown", "succeeded"]),
    ],
)
def test_a_refund_walks_as_its_route_answers(
    transactions: Transactions, clock: ManualClock, way: str, states: list[str]
) -> None:
    assert walk(transactions, clock, refund(way=way)) == states


def test_the_same_purpose_is_asked_for_once(transactions: Transactions) -> None:
    with transactions.write("system:test") as tx:
        one = request(tx, refund())
        assert request(tx, refund()).id == one.id
        with pytest.raises(ConflictError):
            request(tx, refund(amount=50))
        assert promised_minor(tx.session, "S/1") == 100


def test_a_refund_of_nothing_is_none(transactions: Transactions) -> None:
    with transactions.write("system:test") as tx, pytest.raises(InvalidError):
        request(tx, refund(amount=0))


def test_a_failed_refund_gave_nothing_back(transactions: Transactions, clock: ManualClock) -> None:
    walk(transactions, clock, refund("one", way="-declines"))
    with transactions.write("system:test") as tx:
        assert promised_minor(tx.session, "S/1") == 0
        request(tx, refund("two"))


@given(amounts=st.lists(st.integers(1, 160), max_size=8))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_invariant_14_no_more_goes_back_than_was_paid(
    transactions: Transactions, amounts: list[int]
) -> None:
    with transactions.write("system:test") as tx:
        charge = tx.new_id()  # the database is one for all examples
        for number, amount in enumerate(amounts):
            room = 150 - promised_minor(tx.session, charge)
            wanted = refund(f"{charge}/{number}", amount, charge=charge)
            if amount > room:
                with pytest.raises(ConflictError):
                    request(tx, wanted)
            else:
                request(tx, wanted)
        assert promised_minor(tx.session, charge) <= 150


def test_every_state_is_reached_and_every_walk_can_end() -> None:
    assert reachable(REFUND_LIFE) == ends(REFUND_LIFE) == set(REFUND_LIFE.steps)
