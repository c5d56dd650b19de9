"""The DDCMP reader against the simulated machine: list 2 only, every fault, one real terminal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge_agent.clock import ManualClock, SystemClock
from edge_agent.drivers.audit.ddcmp.driver import DdcmpReader
from edge_agent.drivers.audit.ddcmp.frames import Ack, Data, DdcmpParser, Start, finish
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    DeviceSettingsError,
    NoAnswerError,
    PortGoneError,
)
from edge_agent.drivers.serial_port import SerialPort
from simulators.devices.bus import SimulatedBus
from simulators.devices.ddcmp_machine import DdcmpFaults, SimulatedDdcmpMachine
from tests.edge_agent.drivers.audit.samples import WHOLE
from tests.edge_agent.drivers.audit.ticking_line import TickingLine

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


class Bench:
    """A reader, its line and the machine at the far end."""

    def __init__(self, *, echo: bool = False, baud_code: int = 0, **reader: Any) -> None:
        self.clock = ManualClock(START)
        self.machine = SimulatedDdcmpMachine(WHOLE, pass_code=1234, baud_code=baud_code)
        self.line = TickingLine(self.machine, self.clock, echo=echo)
        self.reader = DdcmpReader(
            self.line, self.clock, name="audit", **{"pass_code": 1234, **reader}
        )

    def sent(self) -> list[Data]:
        """The data messages the reader sent, each once."""
        heard = DdcmpParser().feed(b"".join(self.line.written))
        numbered = {row.number: row for row in heard if isinstance(row, Data)}
        return list(numbered.values())


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_report_is_read_by_list_two_and_the_session_is_finished(bench: Bench) -> None:
    assert bench.reader.read_report() == WHOLE
    assert bench.machine.lists_read == [2]
    assert bench.machine.commands == [0xE0, 0xE2, 0xFF]
    assert [row.body[1] for row in bench.sent()] == [0xE0, 0xE2, 0xFF]
    assert bench.sent()[1].body[3] == 2


def test_the_machine_would_tell_if_list_one_were_read(bench: Bench) -> None:
    """So that the counter the other tests rely on can be trusted."""
    list_one = bytes.fromhex("77 E2 00 01 01 00 00 00 00")
    for number, body in enumerate([list_one, finish()], 1):
        bench.machine.answer(Data(number, 0, body).encode())
    assert (bench.machine.lists_read, bench.machine.counter_resets) == ([1], 1)
    bench.reader.read_report()
    assert bench.machine.counter_resets == 1


def test_the_link_stays_at_2400_with_a_machine_that_offers_no_other(bench: Bench) -> None:
    bench.reader.read_report()
    assert bench.line.baud_rate == 2_400
    assert DdcmpParser().feed(bench.line.written[0]) == [Start(4)]


@pytest.mark.parametrize(
    ("baud_code", "baud_rate_max", "agreed"),
    [(8, 9_600, 9_600), (3, 9_600, 4_800), (8, 115_200, 115_200), (8, 2_400, 2_400)],
)
def test_the_link_goes_as_fast_as_the_slower_side_offers(
    baud_code: int, baud_rate_max: int, agreed: int
) -> None:
    bench = Bench(baud_code=baud_code, baud_rate_max=baud_rate_max)
    assert bench.reader.read_report() == WHOLE
    assert bench.line.rates == [2_400, agreed, 2_400]


def test_a_machine_that_is_lost_at_the_higher_rate_is_read_at_2400() -> None:
    bench = Bench(baud_code=8)
    bench.machine.faults.deaf_at_rate = True
    assert bench.reader.read_report() == WHOLE
    assert bench.machine.lists_read == [2]


@pytest.mark.parametrize(
    "faults",
    [
        {"ignored_starts": 3},
        {"refuse_messages": 2},
        {"deaf_to_acks": 3},
        {"wrong_crc": 3},
        {"cut_blocks": 2},
        {"acknowledges_in_data": True},
        {"ends_without_ack": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("echo", [False, True], ids=["plain", "echo"])
def test_the_report_comes_whole_whatever_goes_wrong_for_a_while(
    faults: dict[str, Any], *, echo: bool
) -> None:
    bench = Bench(echo=echo)
    bench.machine.faults = DdcmpFaults(**faults)
    assert bench.reader.read_report() == WHOLE
    assert set(bench.machine.lists_read) == {2}
    assert bench.machine.reports_sent == 1


def test_single_bytes_are_put_together(bench: Bench) -> None:
    bench.line.chunk_bytes = 1
    assert bench.reader.read_report() == WHOLE


def test_more_messages_than_numbers_are_told_apart() -> None:
    bench = Bench()
    bench.machine.report = WHOLE * 40
    assert len(bench.machine.report) / 120 > 256
    assert bench.reader.read_report() == WHOLE * 40


def test_a_block_sent_twice_is_acknowledged_twice_and_taken_once(bench: Bench) -> None:
    bench.machine.faults.deaf_to_acks = 3
    assert bench.reader.read_report() == WHOLE
    assert bench.line.written.count(Ack(1).encode()) == 4


def test_a_wrong_pass_code_is_told_as_refused_who_are_you() -> None:
    bench = Bench(pass_code=1)
    with pytest.raises(DeviceRefusedError) as caught:
        bench.reader.read_report()
    assert (caught.value.command, caught.value.device) == ("WHO_ARE_YOU", "audit")
    assert bench.machine.lists_read == []


def test_a_refused_reading_is_told_as_such(bench: Bench) -> None:
    bench.machine.faults.refuses_reading = True
    with pytest.raises(DeviceRefusedError) as caught:
        bench.reader.read_report()
    assert caught.value.command == "READ_DATA"
    assert bench.line.baud_rate == 2_400


@pytest.mark.parametrize("code", [-1, 10_000])
def test_a_code_of_more_than_four_digits_is_no_setting(code: int) -> None:
    with pytest.raises(DeviceSettingsError):
        Bench(pass_code=code)


@pytest.mark.parametrize("echo", [False, True], ids=["plain", "echo"])
def test_a_silent_machine_is_given_up_in_time(*, echo: bool) -> None:
    bench = Bench(echo=echo)
    bench.machine.faults.silent = True
    with pytest.raises(NoAnswerError):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 30


def test_a_block_that_never_comes_right_is_given_up_in_time(bench: Bench) -> None:
    bench.machine.faults.wrong_crc = 1_000_000
    with pytest.raises(BadFrameError):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 60


def test_a_machine_that_dies_in_a_block_is_given_up_in_time(bench: Bench) -> None:
    bench.machine.faults.dies_in_block = 2
    with pytest.raises(NoAnswerError):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 60


def test_a_machine_that_refuses_every_message_is_given_up(bench: Bench) -> None:
    bench.machine.faults.refuse_messages = 1_000_000
    with pytest.raises(NoAnswerError):
        bench.reader.read_report()
    assert bench.clock.elapsed() < 30


def test_an_unplugged_head_is_told_as_such(bench: Bench) -> None:
    bench.line.plugged = False
    with pytest.raises(PortGoneError):
        bench.reader.read_report()


def test_a_machine_is_read_again_and_again(bench: Bench) -> None:
    assert bench.reader.read_report() == WHOLE
    assert bench.reader.read_report() == WHOLE
    assert bench.machine.lists_read == [2, 2]


def test_a_report_crosses_a_real_terminal_at_two_rates(tmp_path: Path) -> None:
    clock = SystemClock()
    machine = SimulatedDdcmpMachine(WHOLE, baud_code=4)
    with SimulatedBus([machine], clock, link=tmp_path / "ddcmp") as bus:
        port = SerialPort(bus.path, 2_400)
        port.open()
        assert DdcmpReader(port, clock, name="audit").read_report() == WHOLE
        port.close()
    assert machine.lists_read == [2]
    with pytest.raises(PortGoneError):
        port.set_baud_rate(2_400)
