"""What a rule says of one part at one moment, after holds and hysteresis."""

from enum import StrEnum

import msgspec

from protocol.faults import Severity


class Condition(StrEnum):
    """BAD raises, GOOD clears, UNDECIDED leaves things as they are."""

    BAD = "bad"
    GOOD = "good"
    UNDECIDED = "undecided"


class Verdict(msgspec.Struct, frozen=True):
    """One judgement. `began_at` is elapsed seconds, of the cause and not of the hold's end."""

    code: str
    part: str
    condition: Condition
    severity: Severity = Severity.I
    began_at: float = 0.0
    reading: float | None = None
    limit: float | None = None
    cause: str = ""
