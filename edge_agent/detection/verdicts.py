"""What a rule says of one part at one moment, after holds and hysteresis."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from protocol.faults import Severity


class Condition(StrEnum):
    """BAD raises, GOOD clears, UNDECIDED leaves things as they are."""

    BAD = "bad"
    GOOD = "good"
    UNDECIDED = "undecided"


class Verdict(msgspec.Struct, frozen=True):
    """One judgement. `began_at` is elapsed seconds, of the cause and not of the hold's end.

    Where several sources judge one (code, part), each names itself in `source`, and the worst of
    them counts. `latch`: this episode is not to clear by itself, though its code may.
    """

    code: str
    part: str
    condition: Condition
    severity: Severity = Severity.I
    began_at: float = 0.0
    reading: float | None = None
    limit: float | None = None
    cause: str = ""
    source: str = ""
    latch: bool = False


_RANK = {Condition.BAD: 0, Condition.UNDECIDED: 1, Condition.GOOD: 2}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of at least one verdict; of equals the first."""
    return min(verdicts, key=lambda verdict: _RANK[verdict.condition])
