"""The table of a vend: every state is reached, every final state is closed."""

import pytest

from edge_agent.selling.states import OPEN, TRANSITIONS, IllegalStepError, VendState, moved


def test_every_state_is_reachable_from_the_request() -> None:
    reached = {VendState.REQUESTED}
    for _ in VendState:
        reached |= {after for state in reached for after in TRANSITIONS[state]}
    assert reached == set(VendState)


def test_final_states_have_no_way_out() -> None:
    final = set(VendState) - OPEN
    assert final == {VendState.DISPENSED, VendState.FAILED, VendState.UNKNOWN, VendState.REFUSED}
    for state in final:
        for wanted in VendState:
            with pytest.raises(IllegalStepError):
                moved(TRANSITIONS, state, wanted)


def test_nothing_is_dispensed_without_a_pulse() -> None:
    assert [state for state, after in TRANSITIONS.items() if VendState.DISPENSED in after] == [
        VendState.PULSED
    ]
