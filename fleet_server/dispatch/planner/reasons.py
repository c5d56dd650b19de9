"""Why a job moved: a code with numbers for programs, two sentences for people."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf


class ReasonCode(StrEnum):
    """Why a new plan gives a job to somebody else."""

    BREACH_REMOVED = "breach_removed"
    LESS_LATE = "less_late"
    PLACED = "placed"
    MAKES_ROOM = "makes_room"
    SAVES_TRAVEL = "saves_travel"
    EARLIER = "earlier"
    LEFT_OUT = "left_out"


_TEXTS: dict[ReasonCode, tuple[str, str]] = {
    ReasonCode.BREACH_REMOVED: (
        "原计划将迟到 {minutes} 分钟，改派后按时到达",
        "would have been {minutes} min late; is on time now",
    ),
    ReasonCode.LESS_LATE: (
        "改派后少迟到 {minutes} 分钟",
        "{minutes} min less late",
    ),
    ReasonCode.PLACED: ("此前无人可派，现已安排", "was in nobody's route; has a place now"),
    ReasonCode.MAKES_ROOM: (
        "为 {count} 个将超时的任务让出时间",
        "makes room for {count} that would have been late",
    ),
    ReasonCode.SAVES_TRAVEL: (
        "整体路程减少 {minutes} 分钟",
        "the whole plan travels {minutes} min less",
    ),
    ReasonCode.EARLIER: ("提前 {minutes} 分钟开始", "begins {minutes} min earlier"),
    ReasonCode.LEFT_OUT: (
        "班次内无法安排，等待调度员处理",
        "does not fit into any shift; waits for a dispatcher",
    ),
}


@dataclass(frozen=True)
class Reason:
    """A code, its numbers (seconds, counts, ids), and the sentence in both languages."""

    code: ReasonCode
    numbers: dict[str, float | int | str]
    zh: str
    en: str


def reason(code: ReasonCode, **numbers: float | str) -> Reason:
    """Write the sentence of a code; numbers without end (no due instant) are left out."""
    kept = {name: value for name, value in numbers.items() if value not in {inf, -inf}}
    seconds = kept.get("seconds", 0.0)
    minutes = round(seconds / 60) if isinstance(seconds, int | float) else 0
    zh, en = _TEXTS[code]
    words = {"minutes": minutes, "count": kept.get("count", 0)}
    return Reason(code, kept, zh.format(**words), en.format(**words))
