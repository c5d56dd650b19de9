"""Errors of recalls: "they are wrong", with what would make it right."""

from fleet_server.errors import ConflictError, ForbiddenError, InvalidError


class SamePersonError(ForbiddenError):
    """The step needs a second person."""

    slug = "same-person"


class NoticeIncompleteError(InvalidError):
    """The notice to buyers lacks something, or softens the hazard (invariant 20)."""

    slug = "notice-incomplete"

    def __init__(self, missing: list[str], softening: list[str]) -> None:
        parts = [f"missing {', '.join(missing)}"] if missing else []
        parts += [f"softening words {', '.join(softening)}"] if softening else []
        super().__init__("notice", "; ".join(parts))
        self.missing = missing
        self.softening = softening

    @property
    def facts(self) -> dict[str, object]:
        """Name what misses and what has to go."""
        return {"field": "notice", "missing": self.missing, "softening": self.softening}


class RecallOpenError(ConflictError):
    """The recall cannot close: cabinets or buyers are not done (lists are cut at 50)."""

    slug = "recall-open"

    def __init__(self, cabinets: list[str], buyers: list[str], waiting: int) -> None:
        super().__init__(f"{waiting} cabinets and buyers are not done")
        self.cabinets = cabinets
        self.buyers = buyers

    @property
    def facts(self) -> dict[str, object]:
        """List what is open."""
        return {"cabinets": self.cabinets, "buyers": self.buyers}
