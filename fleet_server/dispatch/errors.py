"""Errors of dispatch."""

from collections.abc import Sequence

from fleet_server.errors import ConflictError, InvalidError


class NotAtSiteError(InvalidError):
    """A check-in that proves nothing."""

    slug = "not-at-site"

    def __init__(self, way: str, reason: str) -> None:
        super().__init__("check_in", f"{way}: {reason}")
        self.way = way


class OfferAnsweredError(ConflictError):
    """The offer has its answer already, or was taken back."""

    slug = "offer-answered"

    def __init__(self, visit_id: str, state: str) -> None:
        super().__init__(f"no offer of visit {visit_id} waits for an answer; it is {state}")
        self.visit_id = visit_id
        self.state = state

    @property
    def facts(self) -> dict[str, object]:
        """Name the visit and what the offer or visit is now."""
        return {"visit_id": self.visit_id, "state": self.state}


class VisitsOpenError(ConflictError):
    """A technician with open visits leaves only when those go to others."""

    slug = "visits-open"

    def __init__(self, technician_id: str, visit_ids: Sequence[str]) -> None:
        super().__init__(
            f"{len(visit_ids)} visits of technician {technician_id} are open; with "
            "release_visits they go to others"
        )
        self.technician_id = technician_id
        self.visit_ids = list(visit_ids)

    @property
    def facts(self) -> dict[str, object]:
        """Name the visits."""
        return {"technician_id": self.technician_id, "visit_ids": self.visit_ids}
