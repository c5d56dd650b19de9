"""Transition tables of holds, recalls, their cabinets and buyers; pure decisions."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.life_cycles import LifeCycle
from fleet_server.recalls.rules import LineProof, Need, need_of, next_state
from fleet_server.recalls.states import (
    BUYER_DONE,
    BUYER_LIFE,
    CABINET_DONE,
    CABINET_LIFE,
    HOLD_LIFE,
    RECALL_LIFE,
    CabinetRecallState,
    RecallState,
)
from fleet_server.stock.rules import Units
from tests.fleet_server.life_cycle_checks import ends, reachable

UNITS = st.integers(0, 3).flatmap(
    lambda inside: st.integers(-2, 2).map(
        lambda unexplained: Units(
            loaded=inside + unexplained, unexplained=unexplained, in_cabinet=inside
        )
    )
)
PROOFS = st.lists(st.builds(LineProof, UNITS, st.booleans(), st.booleans()), max_size=4)


@pytest.mark.parametrize("life", [HOLD_LIFE, RECALL_LIFE, CABINET_LIFE, BUYER_LIFE])
def test_every_state_is_reached_and_every_walk_can_end(life: LifeCycle[StrEnum]) -> None:
    assert reachable(life) == set(life.steps)
    assert ends(life) == set(life.steps)


def test_a_recall_is_approved_before_it_is_active_and_monitored_before_it_is_closed() -> None:
    into = {
        wanted: {state for state, onward in RECALL_LIFE.steps.items() if wanted in onward}
        for wanted in RecallState
    }
    assert into[RecallState.ACTIVE] == {RecallState.APPROVED}
    assert into[RecallState.APPROVED] == {RecallState.PENDING_APPROVAL}
    assert into[RecallState.CLOSED] == {RecallState.MONITORING}


def test_invariant_11_a_cabinet_is_released_only_when_verified_or_empty() -> None:
    into = {
        state
        for state, onward in CABINET_LIFE.steps.items()
        if CabinetRecallState.RELEASED in onward
    }
    assert into == {CabinetRecallState.VERIFIED, CabinetRecallState.NONE_FOUND}


def test_who_is_done_can_still_be_found_again_but_final_states_are_done() -> None:
    assert CABINET_LIFE.final <= CABINET_DONE
    assert BUYER_LIFE.final <= BUYER_DONE


@given(st.sampled_from(CabinetRecallState), PROOFS)
def test_every_step_the_ledger_proves_is_legal(
    state: CabinetRecallState, proofs: list[LineProof]
) -> None:
    step = next_state(state, proofs)
    if state is CabinetRecallState.IN_SCOPE:
        return  # nobody looks at the ledger before the order is queued
    assert step is None or step in CABINET_LIFE.steps[state]


@given(st.sampled_from(CabinetRecallState), PROOFS)
def test_the_ledger_settles_in_a_few_steps(
    state: CabinetRecallState, proofs: list[LineProof]
) -> None:
    for _ in CabinetRecallState:
        step = next_state(state, proofs)
        if step is None:
            return
        state = step
    raise AssertionError(f"still moving in {state}")


@given(st.sampled_from(CabinetRecallState), PROOFS)
def test_invariant_08_nothing_is_reconciled_with_units_inside_or_unexplained(
    state: CabinetRecallState, proofs: list[LineProof]
) -> None:
    if next_state(state, proofs) is CabinetRecallState.RECONCILED:
        assert all(proof.units.in_cabinet == 0 for proof in proofs)
        assert all(proof.units.unexplained == 0 for proof in proofs)


@given(PROOFS, st.booleans())
def test_nobody_is_left_unvisited_while_units_are_inside(
    proofs: list[LineProof],
    reported: bool,  # noqa: FBT001  # drawn by hypothesis
) -> None:
    need = need_of(proofs, reported=reported)
    inside = reported or any(proof.units.in_cabinet for proof in proofs)
    assert (need is Need.VISIT) == inside
