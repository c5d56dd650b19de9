"""Facts the engine announces."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ClockWarned:
    """So much of a clock is gone."""

    owner_kind: str
    owner_id: str
    clock: str
    percent: int
    due_at: datetime


@dataclass(frozen=True)
class ClockBreached:
    """A clock passed its due instant; that stays so."""

    owner_kind: str
    owner_id: str
    clock: str
    due_at: datetime
