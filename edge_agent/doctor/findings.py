"""What the doctor found: one thing looked at, how it is, and what to do about it; zh and en."""

from enum import StrEnum

import msgspec

from protocol.rules import Notice

NOTHING = Notice(zh="", en="")


class Level(StrEnum):
    """How it is: `warn` works for now, `fail` has to be mended before the cabinet can sell."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One line of the report."""

    subject: str
    level: Level
    text: Notice
    fix: Notice = NOTHING


def ok(subject: str, zh: str, en: str) -> Finding:
    """It is well."""
    return Finding(subject, Level.OK, Notice(zh, en))


def warn(subject: str, text: Notice, fix: Notice) -> Finding:
    """It works for now."""
    return Finding(subject, Level.WARN, text, fix)


def fail(subject: str, text: Notice, fix: Notice) -> Finding:
    """It has to be mended."""
    return Finding(subject, Level.FAIL, text, fix)


def lines(finding: Finding) -> list[str]:
    """The same for a terminal."""
    marks = {Level.OK: "[ ok ]", Level.WARN: "[warn]", Level.FAIL: "[FAIL]"}
    told = [f"{marks[finding.level]} {finding.subject}: {finding.text.zh} {finding.text.en}"]
    if finding.fix != NOTHING:
        told.append(f"       → {finding.fix.zh} {finding.fix.en}")
    return told
