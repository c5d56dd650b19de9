"""Life of a slot vend: the table, and the one function that applies it."""

from collections.abc import Mapping
from enum import StrEnum

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

OPEN = frozenset(state for state, after in TRANSITIONS.items() if after)


class IllegalVendStepError(MisuseError):
    """Our code asked for a step that the table does not have."""

    def __init__(self, state: VendState, wanted: VendState) -> None:
        super().__init__(f"a vend does not go from {state} to {wanted}")
        self.state = state
        self.wanted = wanted


def moved(state: VendState, wanted: VendState) -> VendState:
    """Return `wanted` when the table has the step. Raises IllegalVendStepError."""
    if wanted not in TRANSITIONS[state]:
        raise IllegalVendStepError(state, wanted)
    return wanted
