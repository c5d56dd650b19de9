"""One timeline under all five presets: what is due when, what was met, as a table in a golden file.

It begins on Friday before the spring festival of 2026 (off from Sunday the 15th to Monday the 23rd,
both Saturdays around it worked), so that real time, office hours, the hotline over midnight and
working days all differ. `python -m tests.fleet_server.service_levels.test_timeline` writes the
table anew; the diff is then read by a person.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fleet_server.service_levels.clocks import Reading, Step, StepKind, after, started
from fleet_server.service_levels.presets import newest, newest_calendar
from fleet_server.service_levels.rules import (
    ClockRule,
    Priority,
    Subject,
    Unit,
    matching,
    timebase,
)
from protocol.faults import Severity
from tests.fleet_server.service_levels.calendars_given import scales_of

GOLDEN = Path(__file__).parents[2] / "golden" / "service_levels" / "timeline.txt"
PRESETS = ("strict", "S3-minimum", "S0", "S2", "S4")
SHANGHAI = ZoneInfo("Asia/Shanghai")
CALENDARS = [
    newest_calendar(name) for name in ("cn-hotline", "cn-office", "cn-working-days", "always")
]
SCALES = scales_of(*CALENDARS)
REFERENCES = {calendar.name: calendar.reference for calendar in CALENDARS}

SUBJECTS = {
    "cold cabinet, C": Subject("ticket", "fault", Priority.P1, Severity.C),
    "door, M": Subject("ticket", "fault", Priority.P2, Severity.M),
    "removal, class II": Subject("ticket", "recall_removal", Priority.P2),
    "complaint by WeChat": Subject("case", "complaint", Priority.P2, channel="wechat"),
    "defect return": Subject("case", "defect_return", Priority.P2),
    "recall, class I": Subject("recall", "recall", Priority.P1),
}
EVENTS = {
    "ticket": (
        ("2026-02-13 17:30", "opened"),
        ("2026-02-13 17:40", "triaged"),
        ("2026-02-13 18:10", "responded"),
        ("2026-02-13 19:00", "waiting_site"),
        ("2026-02-14 09:00", "scheduled"),
        ("2026-02-15 08:00", "arrived"),
        ("2026-02-15 10:30", "resolved"),
        ("2026-02-18 10:30", "closed"),
    ),
    "case": (
        ("2026-02-13 17:30", "opened"),
        ("2026-02-13 17:30", "customer_spoke"),
        ("2026-02-13 19:00", "responded"),
        ("2026-02-14 00:30", "customer_spoke"),
        ("2026-02-14 10:00", "handed_over"),
        ("2026-02-14 11:00", "waiting_customer"),
        ("2026-02-14 15:00", "handling"),
        ("2026-02-14 16:00", "reviewed"),
        ("2026-02-14 20:00", "responded"),
        ("2026-02-24 09:00", "handled"),
        ("2026-02-25 10:00", "refund_approved"),
        ("2026-02-26 15:00", "refund_submitted"),
        ("2026-02-27 16:00", "executed"),
        ("2026-02-28 17:00", "result_told"),
        ("2026-03-02 09:00", "resolved"),
        ("2026-03-04 09:00", "closed"),
    ),
    "recall": (
        ("2026-02-13 17:30", "decided"),
        ("2026-02-13 20:00", "activated"),
        ("2026-03-06 12:00", "completed"),
    ),
}
Run = tuple[ClockRule, Reading]


def played(preset: str, subject: Subject) -> list[Run]:
    """Every clock the subject has under a preset, after its timeline."""
    rules = [rule for rule in matching(newest(preset), subject) if rule.unit is not Unit.PROMISED]
    runs: list[Run] = []
    for text, event in EVENTS[subject.kind]:
        at = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
        runs = [(rule, _moved(rule, reading, event, at)) for rule, reading in runs]
        going = {rule.name for rule, reading in runs if reading.stopped_at is None}
        runs += [
            (rule, _begun(rule, subject, at))
            for rule in rules
            if event in rule.start and rule.name not in going
        ]
    return runs


def _begun(rule: ClockRule, subject: Subject, at: datetime) -> Reading:
    base = timebase(rule, REFERENCES.get(rule.calendar, ""))
    return started(at, rule.seconds(subject.priority), base, SCALES)


def _moved(rule: ClockRule, reading: Reading, event: str, at: datetime) -> Reading:
    if event in rule.stop:
        return after(reading, Step(StepKind.STOPPED, at), SCALES)
    kind = StepKind.PAUSED if event in rule.pause_in else StepKind.RESUMED
    return after(reading, Step(kind, at), SCALES)


def table() -> str:
    """Text of the golden file."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for title, subject in SUBJECTS.items():
        yield f"== {title}"
        rows = [
            (rule.name, f"{rule.name:<17} {preset:<11} {_shown(reading)}")
            for preset in PRESETS
            for rule, reading in played(preset, subject)
        ]
        for _, same in groupby(sorted(rows, key=lambda row: row[0]), key=lambda row: row[0]):
            yield from (line for _, line in same)


def _shown(reading: Reading) -> str:
    due = reading.due_at.astimezone(SHANGHAI).strftime("%a %d %b %H:%M")
    paused = f"{reading.paused_seconds / 3600:5.2f} h paused"
    verdict = {True: "met", False: "breached", None: "running"}[reading.met]
    return f"due {due}, {paused}, {verdict}"


def test_one_timeline_gives_what_stands_in_the_golden_table() -> None:
    assert table() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("preset", PRESETS)
def test_each_preset_has_a_clock_for_each_thing_it_promises(preset: str) -> None:
    assert any(played(preset, subject) for subject in SUBJECTS.values())


if __name__ == "__main__":
    GOLDEN.write_text(table(), encoding="utf-8")
