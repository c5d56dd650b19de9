"""Facts announced one after the other reach a reaction to all of them at once, in their order."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from fleet_server.seed import Chance
from fleet_server.transactions import Reactions, Together, Transaction, Transactions
from tests.server_fixtures import MONDAY_MORNING


@dataclass(frozen=True)
class Fell:
    number: int


@dataclass(frozen=True)
class Rose:
    number: int


@pytest.fixture
def engine(server: FleetServer) -> Engine:
    return server.engine


def told(engine: Engine, facts: list[object]) -> list[object]:
    seen: list[object] = []

    def alone(_tx: Transaction, fact: object) -> None:
        seen.append(fact)

    reactions: Reactions = {
        Fell: (Together(lambda _tx, run: seen.append(list(run))), alone),
        Rose: (alone,),
    }
    transactions = Transactions(engine, ManualClock(MONDAY_MORNING), Chance.from_seed(1), reactions)
    with transactions.write("system:test") as tx:
        for fact in facts:
            tx.announce(fact)
    return seen


def test_neighbours_of_one_type_are_handed_over_together_and_no_others(engine: Engine) -> None:
    facts = [Fell(1), Fell(2), Rose(1), Rose(2), Fell(1)]
    assert told(engine, list(facts)) == [
        [Fell(1), Fell(2)],
        Fell(1),
        Fell(2),
        Rose(1),
        Rose(2),
        [Fell(1)],
        Fell(1),
    ]


def test_what_nobody_reacts_to_is_no_mistake(engine: Engine) -> None:
    assert told(engine, ["a word"]) == []
