"""Errors of faults: an event that cannot be what it says goes to the dead letters (P-6)."""

from fleet_server.errors import RequestError


class FaultRefusedError(RequestError):
    """A cabinet reported a fault under an id that is not its own to use."""

    status = 422
    slug = "fault-refused"

    def __init__(self, fault_id: str, reason: str) -> None:
        super().__init__(f"fault {fault_id[:80]!r}: {reason}")
        self.fault_id = fault_id
        self.reason = reason
