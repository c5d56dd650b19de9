"""Errors of tickets."""

from fleet_server.errors import ConflictError


class RecordIncompleteError(ConflictError):
    """A ticket is resolved, and a visit done, only with the whole service record."""

    slug = "record-incomplete"

    def __init__(self, ticket_id: str, missing: list[str]) -> None:
        super().__init__(f"the service record of ticket {ticket_id} lacks {', '.join(missing)}")
        self.ticket_id = ticket_id
        self.missing = missing

    @property
    def facts(self) -> dict[str, object]:
        """Name the ticket and the missing fields."""
        return {"ticket_id": self.ticket_id, "missing": self.missing}


class FaultsActiveError(ConflictError):
    """A repair is proven by the cabinet, not by a person: its faults are still there."""

    slug = "faults-active"

    def __init__(self, ticket_id: str, fault_ids: list[str]) -> None:
        super().__init__(f"the cabinet still reports {len(fault_ids)} faults of {ticket_id}")
        self.ticket_id = ticket_id
        self.fault_ids = fault_ids

    @property
    def facts(self) -> dict[str, object]:
        """Name the faults that are still active."""
        return {"ticket_id": self.ticket_id, "fault_ids": self.fault_ids}
