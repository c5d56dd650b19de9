"""Three hundred of the seeded runs, and proof that the oracle notices a gate that is broken.

`python -m tests.edge_agent.forbidden_sales` plays ten thousand. Seeds that once found something
are played by name.
"""

from collections.abc import Callable
from datetime import date

import pytest

import edge_agent.rules.evaluate
import edge_agent.rules.rule_book
from edge_agent.outbox.contact import Contact
from edge_agent.selling import gate
from edge_agent.selling.faults import FaultBook
from protocol.rules import OpenDoorAction
from tests.edge_agent.forbidden_sales.oracle import Oracle, Recall, Unit
from tests.edge_agent.forbidden_sales.runs import play
from tests.edge_agent.model_server import GTIN_A, START

SEEDS = 300
AT_ONCE = 30
SEEDS_TO_NOTICE = 200
"""A broken gate has to be noticed within so many runs."""


def play_all(seeds: range) -> None:
    for seed in seeds:
        play(seed)


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_nothing_forbidden_is_sold_and_fine_goods_are(first: int) -> None:
    play_all(range(first, first + AT_ONCE))


def without(check: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Break the gate: one reason less, for slots and doors alike."""

    def act(patch: pytest.MonkeyPatch) -> None:
        names = {check, f"{check}_behind_a_door"}
        for order in ("_ORDER", "_DOOR_ORDER"):
            kept = tuple(one for one in getattr(gate, order) if one.__name__ not in names)
            patch.setattr(gate, order, kept)

    return act


def without_waiting_for_rules(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Contact, "rules_pending", lambda _self, _held: False)


def without_a_hold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FaultBook, "safety_hold", property(lambda _self: False))


def with_any_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(edge_agent.rules.rule_book, "check_version", lambda *_: True)


def with_warnings_in_class_one(patch: pytest.MonkeyPatch) -> None:
    lock = OpenDoorAction.LOCK
    patch.setattr(edge_agent.rules.evaluate, "_locks", lambda rule: rule.open_door is lock)


@pytest.mark.parametrize(
    "break_it",
    [
        without("_recall"),
        without("_expiry"),
        without("_rules"),
        without("_temperature"),
        without_waiting_for_rules,
        without_a_hold,
        with_any_version,
        with_warnings_in_class_one,
    ],
)
def test_a_broken_gate_is_noticed(
    break_it: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(monkeypatch)
    with pytest.raises(AssertionError, match="seed"):
        play_all(range(SEEDS_TO_NOTICE))


@pytest.mark.parametrize("seed", [31, 154, 191, 212, 1343, 2877])
def test_seeds_that_once_found_something(seed: int) -> None:
    """A warn rule of class I let a door open (31); food was sold after a day without power.

    The latter because the board has no clock to know how long that was (154, 191, 212).
    """
    play(seed)


def test_the_oracle_reads_the_requirements_as_they_are_written() -> None:
    oracle = Oracle(open_door=True, held=1, named=1)
    oracle.load("S1", Unit(GTIN_A, "L10", date(2026, 11, 21), perishable=True), 1)
    assert oracle.why_not(["S1"], START) == ""
    oracle.versions[1] = (Recall("R", span=("L0", "L9")),)
    assert oracle.why_not(["S1"], START) == "", "a range holds lots of its own length"
    oracle.versions[1] = (Recall("R", prefix="L1", warns=True),)
    assert oracle.why_not(["S1"], START) == ""
    oracle.versions[1] = (Recall("R", prefix="L1", warns=True, class_one=True),)
    assert "recalled" in oracle.why_not(["S1"], START)
    oracle.book["S1"] = [Unit(GTIN_A, None, None, perishable=False)]
    assert "recalled" in oracle.why_not(["S1"], START), "an unknown lot counts as affected"
    oracle.named = 2
    assert "named" in oracle.why_not(["S1"], START)
