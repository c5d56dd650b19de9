"""What an audit report's events say of our faults: the life cycle of EA2 is that of an episode.

An active event is BAD, one listed as over is GOOD, one that is not listed says nothing. A machine
tells its own state at the moment it was read, hours apart; the holds of the rules that watch our
own sensors do not apply to it. Which code means which fault stands in `event_codes.py`.
"""

from itertools import islice

import msgspec

from edge_agent.detection.verdicts import Condition
from edge_agent.drivers.audit.report import AuditReport, Event
from protocol.faults import CATALOGUE

NEVER_FROM_A_REPORT = frozenset(
    {
        # Only our own rules and stock can know these.
        "RECALL_LOCK",
        "EXPIRY_LOCK",
        # Our own boards, clock and storage; the machine means its own.
        "LOCK_BOARD_COMM",
        "MODBUS_DEVICE_COMM",
        "CLOCK_UNTRUSTED",
        "STORAGE_WEAR",
        "STORAGE_FULL",
        # It would mute alarms on the word of a machine that is read twice a day.
        "SERVICE_MODE",
        # The same, and a machine that answers has power: OCF is then a thing of the past.
        "POWER_LOST",
        "POWER_BACK",
    }
)


CONDITIONS_MAX = 200
"""The largest machines have under 100 selections; more is rubbish, and each may open a fault."""


class AuditCondition(msgspec.Struct, frozen=True):
    """A fault the report says is there, or over. `part` is a selection, a device, or "".

    `evidence` holds the codes as reported that say so.
    """

    code: str
    part: str
    active: bool
    evidence: tuple[str, ...]

    @property
    def condition(self) -> Condition:
        """The same in the words of the rules."""
        return Condition.BAD if self.active else Condition.GOOD


def conditions(report: AuditReport) -> tuple[AuditCondition, ...]:
    """Return one condition for each fault and part; active if any event of it is. Bounded."""
    said: dict[tuple[str, str], list[Event]] = {}
    for event in report.events:
        if event.active is not None and event.fault and _may_be_raised(event.fault):
            part = event.selection or event.device or ""
            said.setdefault((event.fault, part), []).append(event)
    told = islice(said.items(), CONDITIONS_MAX)
    return tuple(_condition(code, part, events) for (code, part), events in told)


def _may_be_raised(code: str) -> bool:
    return code not in NEVER_FROM_A_REPORT and CATALOGUE[code].detected_by == "cabinet"


def _condition(code: str, part: str, events: list[Event]) -> AuditCondition:
    active = any(event.active for event in events)
    evidence = tuple(event.reported for event in events if event.active == active)
    return AuditCondition(code, part, active, evidence)
