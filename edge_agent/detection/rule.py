"""What a rule is: a memory for each part, how readings move it, what it says.

A rule is a row, not a class: the detector asks the rows that name a reading's type. Rules are pure;
what they may see beside their own memory is a `Look`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from edge_agent.detection.air import Air
from edge_agent.detection.streaks import Streak
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import Reading
from protocol.faults import CATALOGUE, Severity


@dataclass(frozen=True)
class Look:
    """What rules may look at, at elapsed second `at`.

    `forgiven`: a service is going on or just over. `doors`: how long each is open or shut. `air`:
    running mean of each compartment.
    """

    at: float
    thresholds: Thresholds
    perishable: bool
    in_service: bool
    forgiven: bool
    doors: Mapping[str, Streak]
    air: Mapping[str, Air]

    @property
    def shut_at(self) -> float | None:
        """Since when every door is seen shut; None while one is not, or is not seen."""
        since: float | None = None
        for streak in self.doors.values():
            if streak.good_at is None or streak.has_gap(self.at):
                return None
            since = streak.good_at if since is None else max(since, streak.good_at)
        return since


def unchanged(memory: Any) -> Any:
    """Keep all of a memory across a reboot."""
    return memory


@dataclass(frozen=True)
class Rule:
    """One row. `name` is unique and stays, for it keys what survives a reboot.

    `parts` names what a reading is about, none where it means nothing to the rule; `observed`
    moves the memory of one part; `judged` says what it is. `by_time`: judged at each step too.
    `restored`: what of a memory still holds after a reboot, for meanwhile nobody watched.
    """

    name: str
    memory: type[msgspec.Struct]
    readings: tuple[type, ...]
    parts: Callable[[Any], tuple[str, ...]]
    observed: Callable[[Any, str, Any, Look], Any]
    judged: Callable[[Any, str, Look], Verdict | None]
    by_time: bool = False
    restored: Callable[[Any], Any] = unchanged


def its_part(reading: Reading) -> tuple[str, ...]:
    """Part of a reading that names exactly one."""
    return (str(reading.part),)  # type: ignore[union-attr]  # rows name readings that have one


def by_streak(  # noqa: PLR0913  # every number of a rule, each by name
    code: str,
    part: str,
    streak: Streak,
    *,
    hold_seconds: float,
    clear_seconds: float,
    severity: Severity | None = None,
    reading: float | None = None,
    limit: float | None = None,
    cause: str = "",
    source: str = "",
    latch: bool = False,
) -> Verdict:
    """Bad for as long as the hold, good for as long as the clearing, else undecided."""
    if streak.bad_for(hold_seconds):
        return Verdict(
            code,
            part,
            Condition.BAD,
            severity=severity or CATALOGUE[code].severity,
            began_at=streak.bad_at or 0.0,
            reading=streak.bad_seconds if reading is None else reading,
            limit=hold_seconds if limit is None else limit,
            cause=cause,
            source=source,
            latch=latch,
        )
    is_good = streak.good_for(clear_seconds)
    condition = Condition.GOOD if is_good else Condition.UNDECIDED
    return Verdict(code, part, condition, source=source)


def worse_if_perishable(code: str, look: Look) -> Severity:
    """Severity of a fault that weighs more where perishable goods may be inside."""
    kind = CATALOGUE[code]
    if look.perishable and kind.severity_perishable is not None:
        return kind.severity_perishable
    return kind.severity
