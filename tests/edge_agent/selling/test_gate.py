"""The gate: the order of its reasons, and that nothing blocked is ever allowed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.rules.evaluate import Block
from edge_agent.selling.gate import (
    NO_DATE,
    Allowed,
    DoorAllowed,
    Lot,
    NoticeKind,
    Refused,
    SlotFacts,
    decide,
    decide_door,
)
from edge_agent.selling.texts import REFUSALS, SLOT_FAULTS, SlotFault
from protocol.events import RefusalReason
from protocol.matching import Match
from protocol.rules import BlockKind, Notice
from tests.edge_agent.model_server import GTIN_A, GTIN_B
from tests.edge_agent.workbench import planned

TODAY = date(2026, 11, 21)
BLOCK = Block("R-1", BlockKind.RECALL, Match.POSSIBLE, Notice("召回", "recalled"))
LOT = Lot(1, GTIN_A, "L1", 3, TODAY + timedelta(days=30))
GOOD = SlotFacts(
    rules_held=True,
    rules_pending=False,
    blocks=(),
    storage_ok=True,
    safety_hold=False,
    planned=planned("A1"),
    lots=(LOT,),
    today=TODAY,
    clock_trusted=True,
    silent_seconds=10.0,
    lease_seconds=86_400.0,
    service_mode=False,
    fault=None,
)
EXPIRED = replace(LOT, expiry=TODAY - timedelta(days=1))

# Each breaks one thing; in the order of the design (edge-agent, Selling).
BROKEN: list[tuple[dict[str, object], RefusalReason]] = [
    ({"rules_pending": True}, RefusalReason.RULES_PENDING),
    ({"blocks": (BLOCK,)}, RefusalReason.RECALL),
    ({"storage_ok": False}, RefusalReason.STORAGE),
    ({"safety_hold": True}, RefusalReason.TEMPERATURE),
    ({"lots": (LOT, EXPIRED)}, RefusalReason.EXPIRY),
    ({"clock_trusted": False}, RefusalReason.CLOCK),
    ({"silent_seconds": 86_401.0}, RefusalReason.LEASE),
    ({"service_mode": True}, RefusalReason.SERVICE),
    ({"fault": SlotFault.PAUSED}, RefusalReason.FAULT),
]


def broken(facts: SlotFacts, change: dict[str, object]) -> SlotFacts:
    return replace(facts, **change)  # type: ignore[arg-type]  # fields by name


def test_a_good_slot_sells_its_oldest_lot() -> None:
    allowed = decide(GOOD)
    assert isinstance(allowed, Allowed)
    assert allowed.lot == LOT


@given(st.sets(st.sampled_from(range(len(BROKEN))), min_size=1))
def test_of_several_reasons_the_first_in_order_is_told(which: set[int]) -> None:
    facts = GOOD
    for index in sorted(which):
        facts = broken(facts, BROKEN[index][0])
    refused = decide(facts)
    assert isinstance(refused, Refused)
    assert refused.reason is BROKEN[min(which)][1]
    assert refused.text.zh
    assert refused.text.en


def test_perishable_goods_without_a_date_are_refused_with_a_reason_of_their_own() -> None:
    undated = replace(LOT, expiry=None)
    refused = decide(replace(GOOD, lots=(LOT, undated)))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.detail) == (RefusalReason.EXPIRY, NO_DATE)
    assert refused.text.zh
    assert refused.text.en
    keeps = planned("A1", perishable=False)
    assert isinstance(decide(replace(GOOD, lots=(LOT, undated), planned=keeps)), Allowed)


def test_no_bundle_no_sale() -> None:
    refused = decide(replace(GOOD, rules_held=False))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.RULES_PENDING


def test_the_notice_of_the_recall_is_what_the_buyer_reads() -> None:
    refused = decide(replace(GOOD, blocks=(BLOCK,)))
    assert isinstance(refused, Refused)
    assert (refused.text, refused.detail) == (BLOCK.notice, "R-1")


FACTS = st.builds(
    SlotFacts,
    rules_held=st.booleans(),
    rules_pending=st.booleans(),
    blocks=st.sampled_from([(), (BLOCK,)]),
    storage_ok=st.booleans(),
    safety_hold=st.booleans(),
    planned=st.sampled_from([None, planned("A1"), planned("A1", perishable=False, chilled=False)]),
    lots=st.lists(
        st.builds(
            Lot,
            row=st.integers(1, 9),
            gtin=st.sampled_from([GTIN_A, GTIN_B]),
            lot=st.sampled_from([None, "L1", "L2"]),
            quantity=st.integers(1, 5),
            expiry=st.sampled_from([None, TODAY - timedelta(1), TODAY, TODAY + timedelta(9)]),
        ),
        max_size=3,
    ).map(tuple),
    today=st.just(TODAY),
    clock_trusted=st.booleans(),
    silent_seconds=st.sampled_from([None, 0.0, 86_400.0, 86_401.0]),
    lease_seconds=st.just(86_400.0),
    service_mode=st.booleans(),
    fault=st.sampled_from([None, *SlotFault]),
)


@given(FACTS)
def test_nothing_blocked_expired_held_or_unknown_is_ever_allowed(facts: SlotFacts) -> None:
    decision = decide(facts)
    if not isinstance(decision, Allowed):
        return
    assert facts.rules_held
    assert not facts.rules_pending
    assert not facts.blocks
    assert facts.storage_ok
    assert not (facts.safety_hold and decision.planned.perishable)
    assert all(lot.expiry is None or lot.expiry >= TODAY for lot in facts.lots)
    assert not decision.planned.perishable or all(lot.expiry is not None for lot in facts.lots)
    assert facts.clock_trusted or all(lot.expiry is None for lot in facts.lots)
    assert facts.silent_seconds is not None
    assert facts.silent_seconds <= facts.lease_seconds
    assert not facts.service_mode
    assert facts.fault is None
    assert all(lot.gtin == decision.planned.gtin for lot in facts.lots)
    assert decision.lot == facts.lots[0]


@pytest.mark.parametrize(
    ("days", "told"), [(-0, True), (2, True), (3, False)], ids=["today", "at limit", "past limit"]
)
def test_near_expiry_is_told_before_paying(days: int, *, told: bool) -> None:
    lot = replace(LOT, expiry=TODAY + timedelta(days=days))
    allowed = decide(replace(GOOD, lots=(lot,)))
    assert isinstance(allowed, Allowed)
    assert (NoticeKind.NEAR_EXPIRY in {kind for kind, _ in allowed.notices}) is told


def test_behind_an_open_door_near_expiry_of_any_lot_is_told() -> None:
    """A buyer takes what stands in front, not what was loaded first."""
    near = replace(LOT, row=2, expiry=TODAY + timedelta(days=1))
    slot = replace(GOOD, lots=(LOT, near))
    one, door = decide(slot), decide_door([slot])
    assert isinstance(one, Allowed)
    assert isinstance(door, DoorAllowed)
    assert (one.notices, [kind for _, kind, _ in door.notices]) == ((), [NoticeKind.NEAR_EXPIRY])


@given(st.lists(st.sampled_from(range(len(BROKEN))), min_size=1, max_size=4))
def test_of_the_reasons_on_all_slots_behind_a_door_the_first_in_order_is_told(
    which: list[int],
) -> None:
    slots = [GOOD, *(broken(GOOD, BROKEN[index][0]) for index in which)]
    decision = decide_door(slots)
    assert isinstance(decision, Refused)
    reason = BROKEN[min(which)][1]
    dates = {RefusalReason.EXPIRY, RefusalReason.CLOCK}  # one reason of the design
    assert decision.reason in (dates if reason in dates else {reason})


def test_what_cannot_be_returned_is_told_before_paying() -> None:
    allowed = decide(replace(GOOD, planned=planned("A1", returnable=False)))
    assert isinstance(allowed, Allowed)
    assert [kind for kind, _ in allowed.notices] == [NoticeKind.NOT_RETURNABLE]


def test_every_reason_has_a_text_in_both_languages() -> None:
    assert set(REFUSALS) == set(RefusalReason)
    assert set(SLOT_FAULTS) == set(SlotFault)
    assert all(text.zh and text.en for text in (*REFUSALS.values(), *SLOT_FAULTS.values()))
