"""Facts about refunds."""

from dataclasses import dataclass

from fleet_server.payments.states import RefundState


@dataclass(frozen=True)
class RefundEnded:
    """A refund succeeded or failed; `purpose` is what its asker called it."""

    refund_id: str
    purpose: str
    state: RefundState
