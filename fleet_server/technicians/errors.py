"""Errors of technicians."""

from fleet_server.errors import ConflictError


class PartsShortError(ConflictError):
    """A van cannot give what is not in it."""

    slug = "parts-short"

    def __init__(self, part_code: str, wanted: int, there: int) -> None:
        super().__init__(f"{wanted} of {part_code} were asked for, {there} are in the van")
        self.part_code = part_code
        self.wanted = wanted
        self.there = there

    @property
    def facts(self) -> dict[str, object]:
        """Name the part, and how many there are."""
        return {"part": self.part_code, "wanted": self.wanted, "there": self.there}


class NoConsentError(ConflictError):
    """A position is kept only of who agreed to it (PIPL, article 13)."""

    slug = "no-consent"
