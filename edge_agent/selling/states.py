"""Lives of a slot vend and of a door session: their tables, and the one function that applies."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from edge_agent.errors import MisuseError


class VendState(StrEnum):
    """Where a vend stands; the first three are open, the others final."""

    REQUESTED = "requested"  # the payment is known, the gate not yet asked
    AUTHORISED = "authorised"  # the gate allowed it; nothing moved yet
    PULSED = "pulsed"  # the lock may have been told to open; only the door can prove it did
    DISPENSED = "dispensed"  # the door was seen open
    FAILED = "failed"  # surely not dispensed
    UNKNOWN = "unknown"  # a power cut hid it
    REFUSED = "refused"  # the gate said no


TRANSITIONS: Mapping[VendState, frozenset[VendState]] = {
    VendState.REQUESTED: frozenset({VendState.AUTHORISED, VendState.REFUSED}),
    VendState.AUTHORISED: frozenset({VendState.PULSED, VendState.FAILED}),
    VendState.PULSED: frozenset({VendState.DISPENSED, VendState.FAILED, VendState.UNKNOWN}),
    VendState.DISPENSED: frozenset(),
    VendState.FAILED: frozenset(),
    VendState.UNKNOWN: frozenset(),
    VendState.REFUSED: frozenset(),
}


class SessionState(StrEnum):
    """Where a door session stands; the last five are final."""

    REQUESTED = "requested"  # the payment is known, the gate not yet asked
    AUTHORISED = "authorised"  # the gate allowed it, the shelves are weighed; nothing moved yet
    PULSED = "pulsed"  # the lock may have been told to open
    OPENED = "opened"  # the door was seen open
    CLOSED = "closed"  # the door is shut again; the scales come to rest
    SETTLED = "settled"  # the weights became lines of a sale, final or provisional
    NOTHING_TAKEN = "nothing_taken"  # the weights say that nothing is gone
    FAILED = "failed"  # surely never opened
    UNKNOWN = "unknown"  # a power cut hid whether it opened, and the weights cannot tell
    REFUSED = "refused"  # the gate said no


SESSION_TRANSITIONS: Mapping[SessionState, frozenset[SessionState]] = {
    SessionState.REQUESTED: frozenset({SessionState.AUTHORISED, SessionState.REFUSED}),
    SessionState.AUTHORISED: frozenset({SessionState.PULSED, SessionState.FAILED}),
    SessionState.PULSED: frozenset(
        {
            SessionState.OPENED,
            SessionState.CLOSED,  # after a power cut: nobody saw it open, the weights may tell
            SessionState.FAILED,
        }
    ),
    SessionState.OPENED: frozenset({SessionState.CLOSED}),
    SessionState.CLOSED: frozenset(
        {
            SessionState.OPENED,  # opened once more before the scales came to rest
            SessionState.SETTLED,
            SessionState.NOTHING_TAKEN,
            SessionState.UNKNOWN,
        }
    ),
    SessionState.SETTLED: frozenset(),
    SessionState.NOTHING_TAKEN: frozenset(),
    SessionState.FAILED: frozenset(),
    SessionState.UNKNOWN: frozenset(),
    SessionState.REFUSED: frozenset(),
}

SESSION_OPEN = frozenset(state for state, after in SESSION_TRANSITIONS.items() if after)
OPEN = frozenset(state for state, after in TRANSITIONS.items() if after)


S = TypeVar("S", bound=StrEnum)


class IllegalStepError(MisuseError):
    """Our code asked for a step that the table does not have."""

    def __init__(self, state: StrEnum, wanted: StrEnum) -> None:
        super().__init__(f"{type(state).__name__} does not go from {state} to {wanted}")
        self.state = state
        self.wanted = wanted


def moved(table: Mapping[S, frozenset[S]], state: S, wanted: S) -> S:
    """Return `wanted` when the table has the step. Raises IllegalStepError."""
    if wanted not in table[state]:
        raise IllegalStepError(state, wanted)
    return wanted
