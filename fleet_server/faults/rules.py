"""Pure: what a code means, also one this server does not know."""

from enum import StrEnum

from protocol.faults import CATALOGUE, FaultKind, Severity, TicketPolicy

UNKNOWN_SKILL = "electronics"
"""Who looks at a code nobody knows: the skill most components need."""


class FaultSource(StrEnum):
    """Who found it out."""

    CABINET = "cabinet"
    SERVER = "server"


def kind_of(code: str, part: str) -> FaultKind:
    """Row of the catalogue; for an unknown code one that says M and names the part."""
    known = CATALOGUE.get(code)
    if known is not None:
        return known
    return FaultKind(
        code=code,
        eva=[],
        severity=Severity.M,
        component=part[:40] or "unknown",
        skill=UNKNOWN_SKILL,
        title_zh=f"未知故障 {code}",
        title_en=f"Unknown fault {code}",
        raised="",
        cleared="",
        ticket=TicketPolicy.BY_SEVERITY,
    )


def counted_severity(code: str, reported: Severity) -> Severity:
    """As reported; a code we do not know counts as M, or as C when the cabinet says so."""
    if code in CATALOGUE:
        return reported
    return min(reported, Severity.M, key=lambda severity: severity.rank)
