"""Work-order token of a technician: the same signed envelope, shown to the cabinet (P-12)."""

from datetime import datetime
from enum import StrEnum

import msgspec

from protocol.signatures import SignedKind


class WorkOrderAction(StrEnum):
    """What the bearer may do at the cabinet's local service side."""

    UNLOCK = "unlock"
    LOAD = "load"
    COUNT = "count"
    REMOVE = "remove"
    RELEASE_HOLD = "release_hold"
    SELF_TEST = "self_test"


class WorkOrder(msgspec.Struct, frozen=True):
    """Payload of the token."""

    kind: SignedKind
    fleet: str
    cabinet: str
    visit: str
    technician: str
    actions: list[WorkOrderAction]
    not_after: datetime
