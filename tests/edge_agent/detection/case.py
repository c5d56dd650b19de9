"""One way to raise a code, at the very limit of its hold and of its clearing.

The cases stand in `cases_air.py`, `cases_doors.py` and `cases_machine.py`; `test_every_code.py`
plays all of them in the same ways.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.detection.findings import Finding
from edge_agent.drivers.readings import InputRole
from protocol.faults import Severity
from tests.edge_agent.detection.cabinet import Cabinet, Word
from tests.edge_agent.detection.words import mains

Play = Callable[[Cabinet], list[Finding]]


def nothing(_cabinet: Cabinet) -> list[Finding]:
    """Play nothing at all."""
    return []


def run(seconds: float, *words: Callable[[], Word], every: float = 1.0) -> Play:
    """Play these words for so long; each is made anew, so that a case can be played often."""
    return lambda cabinet: cabinet.run(seconds, *(word() for word in words), every=every)


def say(*words: Callable[[], Word]) -> Play:
    """Play these words once, a second later."""
    return run(1.0, *words)


def then(*plays: Play, times: int = 1) -> Play:
    """Play one after the other, all of them `times` times."""

    def play(cabinet: Cabinet) -> list[Finding]:
        return [found for _ in range(times) for each in plays for found in each(cabinet)]

    return play


@dataclass(frozen=True)
class Case:
    """How a code is raised and cleared.

    `almost` ends just below the hold, `raised` is the little more; its last step raises.
    `harmless` stays just below the limit for long. `held` ends just before the clearing,
    `cleared` is the little more. `since_seconds`: how long before its raising the cause began.
    """

    code: str
    part: str
    severity: Severity
    raised: Play
    held: Play
    cleared: Play
    almost: Play = nothing
    harmless: Play = nothing
    since_seconds: float = 0.0
    limit: float | None = None
    cause: str = ""
    perishable: bool = True
    latched: bool = False
    across_gap: bool = True
    """Raised too when nobody watched for a minute between `almost` and `raised`."""
    across_reboot: bool = True
    """Raised too when the agent was off for two seconds between them."""
    muted: bool = False
    """Not raised in service, or not before the grace is over."""

    @property
    def name(self) -> str:
        """Code and cause, for the test's id."""
        return f"{self.code}-{self.cause}" if self.cause else self.code

    def cabinet(self) -> Cabinet:
        """Return a cabinet for this case."""
        return Cabinet(perishable=self.perishable)


def found(findings: list[Finding], code: str) -> list[Finding]:
    """Findings of one code."""
    return [finding for finding in findings if finding.code == code]


def mains_gone(cabinet: Cabinet) -> None:
    """Lose mains, long enough to be a fault."""
    cabinet.run(2, mains(present=False))
    assert "POWER_LOST" in cabinet.open_codes()


def mains_back(cabinet: Cabinet) -> None:
    """Have mains again, long enough to be none."""
    cabinet.run(31, mains(present=True))
    assert "POWER_LOST" not in cabinet.open_codes()


MAINS = str(InputRole.MAINS_PRESENT)
