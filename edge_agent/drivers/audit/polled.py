"""A machine on the bus: one poll is one whole session, twice a day."""

from typing import Protocol

from edge_agent.clock import Clock
from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.drivers.polled import ReadOnlyDevice

POLL_SECONDS = 43_200.0  # twice a day is the practice of the trade (hardware reference 2.3)


class ReportReader(Protocol):
    """A link that reads a report: DexReader, DdcmpReader."""

    def read_report(self) -> bytes:
        """Return the report's bytes, or raise a DriverError."""
        ...


class PolledAudit(ReadOnlyDevice):
    """A machine and the link it is read over. A session takes from 10 s to minutes.

    It wants a bus of its own: nothing else can be asked on the line meanwhile.
    """

    kind = "audit"
    poll_seconds: float | None = POLL_SECONDS

    def __init__(self, *, name: str, reader: ReportReader, part: str, clock: Clock) -> None:
        self.name = name
        self.parts = (part,)
        self._reader = reader
        self._clock = clock

    def poll(self) -> tuple[AuditReading, ...]:
        """Read the machine once. Raises the errors of its link."""
        report = parse_report(self._reader.read_report())
        (part,) = self.parts
        return (AuditReading(self.name, part, report, self._clock.elapsed()),)
