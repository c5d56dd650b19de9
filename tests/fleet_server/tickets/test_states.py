"""The tables of the service desk: whole, closed, and obeyed."""

import pytest

from fleet_server.dispatch.states import OFFER_LIFE, VISIT_LIFE, OfferState, VisitState
from fleet_server.errors import IllegalTransitionError
from fleet_server.faults.states import FAULT_LIFE, FaultState
from fleet_server.life_cycles import LifeCycle
from fleet_server.notifications.states import NOTICE_LIFE, NoticeState
from fleet_server.tickets.states import BY_OWNER, BY_PERSON, TICKET_LIFE, TicketState
from tests.fleet_server.life_cycle_checks import ends, reachable

LIVES = [
    (TICKET_LIFE, TicketState, {"closed", "cancelled"}),
    (VISIT_LIFE, VisitState, {"done", "aborted"}),
    (OFFER_LIFE, OfferState, {"accepted", "declined", "expired", "withdrawn"}),
    (FAULT_LIFE, FaultState, {"cleared"}),
    (NOTICE_LIFE, NoticeState, {"kept", "sent", "failed"}),
]


@pytest.mark.parametrize(
    ("life", "states", "final"), LIVES, ids=[life.kind for life, _, _ in LIVES]
)
def test_every_state_is_reached_and_leads_to_an_end(
    life: LifeCycle[TicketState], states: type[TicketState], final: set[str]
) -> None:
    assert set(life.steps) == set(states)
    assert reachable(life) == set(states)
    assert ends(life) == set(states)
    assert life.final == final


@pytest.mark.parametrize("state", TicketState)
@pytest.mark.parametrize("wanted", TicketState)
def test_a_step_that_is_not_in_the_table_names_the_legal_ones(
    state: TicketState, wanted: TicketState
) -> None:
    if wanted in TICKET_LIFE.steps[state]:
        assert TICKET_LIFE.step(state, wanted) is wanted
        return
    with pytest.raises(IllegalTransitionError) as caught:
        TICKET_LIFE.step(state, wanted)
    assert caught.value.legal == sorted(TICKET_LIFE.steps[state])


@pytest.mark.parametrize("state", TicketState)
def test_people_take_only_steps_of_the_table(state: TicketState) -> None:
    assert BY_PERSON[state] <= TICKET_LIFE.steps[state]
    assert BY_OWNER[state] <= BY_PERSON[state]


def test_nobody_closes_a_ticket_that_was_not_verified() -> None:
    closers = {state for state in TicketState if TicketState.CLOSED in BY_PERSON[state]}
    assert closers == {TicketState.VERIFIED}
