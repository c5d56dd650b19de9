"""The DEX reader against the simulated machine: both roles, every fault, one real terminal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_agent.clock import ManualClock, SystemClock
from edge_agent.drivers.audit.dex.driver import DexReader
from edge_agent.drivers.audit.dex.frames import ResponseCode
from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.report import CrcQuality
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    NoAnswerError,
    PortGoneError,
)
from edge_agent.drivers.serial_port import SerialPort
from simulators.devices.bus import SimulatedBus
from simulators.devices.dex_machine import DexFaults, SimulatedDexMachine, with_check
from tests.edge_agent.drivers.audit.samples import WHOLE
from tests.edge_agent.drivers.audit.ticking_line import TickingLine

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


class Bench:
    """A reader, its line and the machine at the far end."""

    def __init__(
        self, *, report: bytes = WHOLE, block_bytes: int = 245, echo: bool = False
    ) -> None:
        self.clock = ManualClock(START)
        self.machine = SimulatedDexMachine(report, block_bytes=block_bytes)
        self.line = TickingLine(self.machine, self.clock, echo=echo)
        self.reader = DexReader(self.line, self.clock, name="audit")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_report_is_read_with_both_handshakes_and_nothing_but_reading_is_asked(
    bench: Bench,
) -> None:
    assert bench.reader.read_report() == WHOLE
    assert bench.machine.operations == ["R"]
    assert bench.line.written[:3] == [
        b"\x05",
        b"\x10\x011234567890RR00L06\x10\x03\xe1\xbd",
        b"\x04",
    ]
    # The second handshake, then the report's four blocks.
    acknowledgements = b"".join(bench.line.written[3:])
    assert acknowledgements.hex(" ") == "10 30 10 31 " + "10 30 10 31 10 30 10 31 10 30"


def test_an_old_machine_that_speaks_first_is_let_speak(bench: Bench) -> None:
    bench.machine.faults.speaks_first = True
    assert bench.reader.read_report() == WHOLE
    assert b"\x10\x01001234567890R00L06\x10\x03" in b"".join(bench.line.written)


@pytest.mark.parametrize(
    "faults",
    [
        {"id_before_code": True},
        {"refuse_headers": 2},
        {"wait_answers": 3},
        {"filler": True},
        {"wrong_crc": 1},
        {"wrong_crc": 4},
        {"cut_blocks": 2},
        {"deaf_to_acks": 2},
        {"deaf_to_acks": 2, "asks_again": True},
        {"keeps_line": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("speaks_first", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("echo", [False, True], ids=["plain", "echo"])
def test_the_report_comes_whole_whatever_goes_wrong_for_a_while(
    faults: dict[str, Any], *, speaks_first: bool, echo: bool
) -> None:
    bench = Bench(echo=echo)
    bench.machine.faults = DexFaults(**faults, speaks_first=speaks_first)
    assert bench.reader.read_report() == WHOLE
    assert bench.machine.reports_sent == 1


def test_single_bytes_are_put_together(bench: Bench) -> None:
    bench.line.chunk_bytes = 1
    assert bench.reader.read_report() == WHOLE


def test_equal_blocks_in_a_row_are_all_kept() -> None:
    report = b"EA2*EGS*0*0\r\n" * 40
    bench = Bench(report=report, block_bytes=13)
    assert bench.reader.read_report() == report


@pytest.mark.parametrize("code", [code for code in ResponseCode if code is not ResponseCode.OK])
def test_a_refusal_is_told_by_its_name(bench: Bench, code: ResponseCode) -> None:
    bench.machine.faults.response_code = code
    with pytest.raises(DeviceRefusedError) as caught:
        bench.reader.read_report()
    assert (caught.value.reason, caught.value.device) == (code.name, "audit")
    assert bench.machine.reports_sent == 0


def test_a_machine_of_an_older_version_is_asked_in_its_own(bench: Bench) -> None:
    bench.machine.faults.only_revision = "R01L01"
    assert bench.reader.read_report() == WHOLE


def test_a_block_that_never_comes_right_is_given_up_in_time(bench: Bench) -> None:
    bench.machine.faults.wrong_crc = 1_000_000
    with pytest.raises(BadFrameError) as caught:
        bench.reader.read_report()
    assert "wrong" in caught.value.reason
    assert bench.clock.elapsed() < 60


def test_a_machine_that_dies_in_a_block_is_given_up_in_time(bench: Bench) -> None:
    bench.machine.faults.dies_in_block = 1
    with pytest.raises((BadFrameError, NoAnswerError)):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 60


@pytest.mark.parametrize("echo", [False, True])
def test_a_silent_machine_is_given_up_in_time_though_the_adapter_echoes(*, echo: bool) -> None:
    bench = Bench(echo=echo)
    bench.machine.faults.silent = True
    with pytest.raises(NoAnswerError):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 60


def test_half_a_report_is_no_report(bench: Bench) -> None:
    bench.machine.faults.ends_early = True
    with pytest.raises(BadFrameError) as caught:
        bench.reader.read_report()
    assert "before the last" in caught.value.reason


def test_a_machine_that_waits_for_ever_is_given_up(bench: Bench) -> None:
    bench.machine.faults.wait_answers = 1_000_000
    with pytest.raises(NoAnswerError):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 200


def test_a_machine_that_talks_for_ever_is_given_up() -> None:
    class Talking:
        def answer(self, heard: bytes) -> bytes:
            return b"\x10\x3b" if heard else b""

        def tick(self, elapsed: float) -> bytes:
            return b"\x05\x10\x30\x10\x31" if elapsed else b""

    clock = ManualClock(START)
    reader = DexReader(TickingLine(Talking(), clock), clock, name="audit")
    with pytest.raises((BadFrameError, NoAnswerError)):
        reader.read_report()
    assert clock.elapsed() < 600


def test_an_unplugged_jack_is_told_as_such(bench: Bench) -> None:
    bench.line.plugged = False
    with pytest.raises(PortGoneError):
        bench.reader.read_report()


def test_a_machine_is_read_again_after_a_session_that_broke_off(bench: Bench) -> None:
    bench.machine.faults.wrong_crc = 8  # more than one session bears
    assert bench.reader.read_report() == WHOLE
    assert bench.reader.read_report() == WHOLE
    assert bench.machine.reports_sent == 2


def test_a_placeholder_check_is_the_reports_own_matter(bench: Bench) -> None:
    bench.machine.report = with_check(WHOLE, "2321")
    report = parse_report(bench.reader.read_report())
    assert report.crc_quality is CrcQuality.PLACEHOLDER


def test_a_report_crosses_a_real_terminal(tmp_path: Path) -> None:
    clock = SystemClock()
    machine = SimulatedDexMachine(WHOLE)
    with SimulatedBus([machine], clock, link=tmp_path / "dex") as bus:
        port = SerialPort(bus.path, 9_600)
        port.open()
        assert DexReader(port, clock, name="audit").read_report() == WHOLE
        port.close()
