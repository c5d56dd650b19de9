"""An audit poll: one session, one reading; errors go to the bus."""

from datetime import UTC, datetime

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.audit.dex.driver import DexReader
from edge_agent.drivers.audit.polled import PolledAudit
from edge_agent.drivers.audit.report import CrcQuality
from edge_agent.drivers.errors import NoAnswerError
from simulators.devices.dex_machine import SimulatedDexMachine
from tests.edge_agent.drivers.audit.samples import WHOLE
from tests.edge_agent.drivers.audit.ticking_line import TickingLine

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_a_poll_is_a_session_and_brings_the_parsed_report() -> None:
    clock = ManualClock(START)
    line = TickingLine(SimulatedDexMachine(WHOLE), clock)
    device = PolledAudit(
        name="audit", reader=DexReader(line, clock, name="audit"), part="machine", clock=clock
    )
    (reading,) = device.poll()
    assert (reading.device, reading.part) == ("audit", "machine")
    assert reading.at_elapsed == clock.elapsed()
    assert reading.report.crc_quality is CrcQuality.OK
    assert (device.kind, device.parts, device.poll_seconds) == ("audit", ("machine",), 43_200)


def test_a_machine_that_is_silent_is_an_error_of_the_poll() -> None:
    clock = ManualClock(START)
    machine = SimulatedDexMachine(WHOLE)
    machine.faults.silent = True
    reader = DexReader(TickingLine(machine, clock), clock, name="audit")
    device = PolledAudit(name="audit", reader=reader, part="machine", clock=clock)
    with pytest.raises(NoAnswerError):
        device.poll()
