"""Pure: who can be asked, which skills there are, and which shifts are possible.

A lapsed qualification closes the gate, whatever else is true (requirements, S3-5.2.2.2 and
S3-5.2.2.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from fleet_server.errors import InvalidError

SKILLS: Mapping[str, tuple[str, str]] = {
    "connectivity": ("通信", "connectivity"),
    "door": ("柜门", "doors"),
    "electronics": ("电子部件", "electronics"),
    "lock": ("电子锁", "locks"),
    "operations": ("后台运维", "operations desk"),
    "payment": ("支付设备", "payment devices"),
    "refrigeration": ("制冷", "refrigeration"),
    "restock": ("补货与取货", "loading and removing goods"),
}
"""Every skill by its name, in Chinese and English: those of the fault catalogue (a test compares
them). Work without a fault needs none of its own: refill checks and removals are `restock`."""

SHIFT_MAX = timedelta(hours=16)
"""The longest shift anybody can mean: past it a date was mistyped."""
BREAKS_MAX = 6
LEVEL_MIN, LEVEL_MAX = 1, 3
"""Levels of a qualification: basic, skilled, expert."""
LAPSE_WARNING_DAYS = (7, 30)
"""A dispatcher is warned so many days before a qualification lapses: renewing takes weeks."""
POSITION_DEGREES = 0.01
"""A position is rounded to it, about 1 km: enough to choose who is near, too coarse to watch."""
POSITION_KEPT_FOR = timedelta(hours=12)
"""Longer than a shift has no use."""


class LocationKind(StrEnum):
    """What a location is."""

    DEPOT = "depot"
    WAREHOUSE = "warehouse"
    VAN = "van"


class MovementKind(StrEnum):
    """How the stock of a van changes."""

    LOAD = "load"
    USE = "use"
    RETURN = "return"
    COUNT = "count"


@dataclass(frozen=True)
class Span:
    """From (included) to (not included)."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether the instant lies within."""
        return self.starts_at <= at < self.ends_at

    def overlaps(self, other: "Span") -> bool:
        """Whether they share an instant; spans that only touch do not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True)
class Certificate:
    """A qualification: for one skill, or (None) the general one."""

    skill: str | None
    expires_at: datetime
    level: int = LEVEL_MIN


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
    breaks: tuple[Span, ...] = ()


def is_qualified(
    ability: Ability, skills: Iterable[str], at: datetime, level: int = LEVEL_MIN
) -> bool:
    """Whether they have each skill and, for each, a certificate of that level that is valid then.

    Work that needs no skill still needs one valid certificate.
    """
    valid = {
        held.skill for held in ability.certificates if held.expires_at > at and held.level >= level
    }
    needed = set(skills)
    return (
        bool(valid)
        and needed <= ability.skills
        and (None in valid or (bool(needed) and needed <= valid))
    )


def on_duty_until(ability: Ability, at: datetime) -> datetime | None:
    """Until when they are at work, from `at` on; None when they do not work then.

    A break that has begun is no work; one to come ends nothing: the plan leaves room for it.
    """
    off = (*ability.absences, *ability.breaks)
    if not ability.active or any(span.holds(at) for span in off):
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


def check_shift(shift: Span, breaks: Sequence[Span], others: Iterable[Span], now: datetime) -> None:
    """Raise InvalidError, with the reason, for a shift nobody can work."""
    if shift.ends_at <= shift.starts_at:
        raise InvalidError("ends_at", "a shift ends after it starts")
    if shift.ends_at - shift.starts_at > SHIFT_MAX:
        hours = SHIFT_MAX // timedelta(hours=1)
        raise InvalidError("ends_at", f"a shift lasts at most {hours} h")
    if shift.ends_at <= now:
        raise InvalidError("ends_at", "the shift lies wholly in the past")
    for other in others:
        if shift.overlaps(other):
            from_, to = other.starts_at.isoformat(), other.ends_at.isoformat()
            raise InvalidError("starts_at", f"it overlaps the shift from {from_} to {to}")
    _check_breaks(shift, breaks)


def coarse(degrees: float) -> float:
    """Coordinate as it is kept."""
    return round(round(degrees / POSITION_DEGREES) * POSITION_DEGREES, 2)


def moved(kind: MovementKind, there: int, quantity: int) -> int:
    """By how much a movement changes what is there."""
    if kind is MovementKind.COUNT:
        return quantity - there
    return quantity if kind is MovementKind.LOAD else -quantity


def lacking(held: Mapping[str, int], needed: Mapping[str, int]) -> dict[str, int]:
    """Which parts, and how many of each, a van lacks for what is needed."""
    missing = {part: count - held.get(part, 0) for part, count in needed.items()}
    return {part: count for part, count in missing.items() if count > 0}


def _check_breaks(shift: Span, breaks: Sequence[Span]) -> None:
    if len(breaks) > BREAKS_MAX:
        raise InvalidError("breaks", f"at most {BREAKS_MAX}")
    for one in breaks:
        inside = shift.starts_at <= one.starts_at < one.ends_at <= shift.ends_at
        if not inside:
            raise InvalidError("breaks", "a break lies inside its shift and ends after it starts")
    ordered = sorted(breaks, key=lambda one: one.starts_at)
    if any(one.overlaps(following) for one, following in pairwise(ordered)):
        raise InvalidError("breaks", "two breaks overlap")
