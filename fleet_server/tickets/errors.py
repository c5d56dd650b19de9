"""Errors of tickets."""

from collections.abc import Iterable

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


class NotNowError(ConflictError):
    """This makes no sense while the ticket is as it is."""

    slug = "not-now"

    def __init__(self, ticket_id: str, state: str, wanted: str, legal: Iterable[str]) -> None:
        self.state = state
        self.wanted = wanted
        self.legal = sorted(legal)
        super().__init__(f"ticket {ticket_id} is {state}; {wanted} is not among {self.legal}")

    @property
    def facts(self) -> dict[str, object]:
        """State the present state and what is legal in it."""
        return {"state": self.state, "wanted": self.wanted, "legal": self.legal}
