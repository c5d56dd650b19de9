"""What an audit poll brings."""

from dataclasses import dataclass

from edge_agent.drivers.audit.report import AuditReport


@dataclass(frozen=True, slots=True)
class AuditReading:
    """A machine's report as it was read at `at_elapsed`; the machine's own clock is not trusted.

    `part` names the machine within the cabinet.
    """

    device: str
    part: str
    report: AuditReport
    at_elapsed: float
