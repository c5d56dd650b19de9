"""Pure: who can be asked.

A lapsed qualification closes the gate, whatever else is true (requirements, S3-5.2.2.2 and
S3-5.2.2.3).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Span:
    """From (included) to (not included)."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies within."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True)
class Certificate:
    """A qualification: for one skill, or (None) the general one."""

    skill: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Ability:
    """Everything that decides whether a technician can be asked."""

    technician_id: str
    active: bool
    skills: frozenset[str]
    certificates: tuple[Certificate, ...]
    shifts: tuple[Span, ...]
    absences: tuple[Span, ...]
    region: str | None = None


def is_qualified(ability: Ability, skills: Iterable[str], at: datetime) -> bool:
    """Whether they have each skill and, for each, a certificate that is valid then.

    Work that needs no skill still needs one valid certificate.
    """
    valid = {held.skill for held in ability.certificates if held.expires_at > at}
    needed = set(skills)
    return (
        bool(valid)
        and needed <= ability.skills
        and (None in valid or (bool(needed) and needed <= valid))
    )


def on_duty_until(ability: Ability, at: datetime) -> datetime | None:
    """Until when they work without a break, from `at` on; None when they do not work then."""
    if not ability.active or any(absence.holds(at) for absence in ability.absences):
        return None
    end = at
    # Sorted by start, one pass: shifts that touch or overlap are one.
    for shift in sorted(ability.shifts, key=lambda shift: shift.starts_at):
        if shift.starts_at <= end < shift.ends_at:
            end = shift.ends_at
    coming = [absence.starts_at for absence in ability.absences if at < absence.starts_at < end]
    end = min([end, *coming])
    return end if end > at else None


def works_in(ability: Ability, region: str) -> bool:
    """Whether the region is theirs; a technician without region works everywhere."""
    return ability.region is None or ability.region == region
