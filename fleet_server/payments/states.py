"""Life of a refund: accepted is not succeeded (requirements, section 5)."""

from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class RefundState(StrEnum):
    """How far a refund is."""

    REQUESTED = "requested"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


_S = RefundState

REFUND_LIFE = LifeCycle(
    "refund",
    _S.REQUESTED,
    {
        _S.REQUESTED: frozenset({_S.SUBMITTED}),
        _S.SUBMITTED: frozenset({_S.ACCEPTED, _S.FAILED, _S.UNKNOWN}),
        _S.ACCEPTED: frozenset({_S.SUCCEEDED, _S.FAILED, _S.UNKNOWN}),
        # The route did not say: it is asked again, under the same number.
        _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.SUCCEEDED, _S.FAILED}),
        _S.SUCCEEDED: frozenset(),
        _S.FAILED: frozenset(),
    },
)
