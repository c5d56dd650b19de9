"""Facts about technicians. Later features react: visits go to others, tickets get an owner."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class TechnicianLeft:
    """Somebody is no technician any more."""

    technician_id: str
    audience: str
    """Under which name they were accountable for tickets."""
    release_visits: bool
    """Whether their unended visits go to others; without it, unended ones are a refusal."""


@dataclass(frozen=True)
class TechnicianAway:
    """Somebody will not work from ... to: an absence was noted, or a shift taken back."""

    technician_id: str
    starts_at: datetime
    ends_at: datetime
    absence_id: str | None
    """None: it is a shift that was taken back."""


@dataclass(frozen=True)
class TechnicianChanged:
    """Skills, region or a qualification changed: what somebody accepted may not be theirs now."""

    technician_id: str
