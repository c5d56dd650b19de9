"""Pure: what a code means, also one this server does not know."""

from datetime import timedelta
from enum import StrEnum

from protocol.faults import CATALOGUE, FaultKind, Severity, TicketPolicy

OFFLINE = "OFFLINE"
"""Code of a cabinet that is not heard (P-10); the server's own finding."""
FLAPPING_SILENCES = 3
"""More silences than this in a window are flapping (hardware reference, 6: more than 3 an hour)."""
FLAPPING_WINDOW_DELAYS = 4
"""The window in `site_silent_seconds` of the policy: an hour of strict, a minute of demo."""

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


def is_flapping(silences: int) -> bool:
    """Whether so many silences of a cabinet within the window are one bad connection."""
    return silences > FLAPPING_SILENCES


def flapping_window(site_silent_seconds: float) -> timedelta:
    """How far back silences count, and how long a cabinet has to be heard to be steady again."""
    return timedelta(seconds=FLAPPING_WINDOW_DELAYS * site_silent_seconds)


def counted_severity(code: str, reported: Severity) -> Severity:
    """As reported; a code we do not know counts as M, or as C when the cabinet says so."""
    if code in CATALOGUE:
        return reported
    return min(reported, Severity.M, key=lambda severity: severity.rank)
