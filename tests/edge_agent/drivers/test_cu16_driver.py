"""The CU16 driver against the simulated board, with its field quirks."""

from datetime import UTC, datetime

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.errors import BadFrameError, LockOutOfRangeError, NoAnswerError
from edge_agent.drivers.lock_board.cu16.driver import Cu16Board
from edge_agent.drivers.lock_board.cu16.frames import status_reply
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.seed import Chance
from simulators.devices.cu16 import SimulatedCu16
from tests.edge_agent.drivers.fake_line import FakeLine

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CLOSED, OPEN = DoorState.CLOSED, DoorState.OPEN


class Bench:
    """A driver, its line and the board at the far end."""

    def __init__(self, *, echo: bool = False, board: int = 0) -> None:
        self.clock = ManualClock(START)
        self.simulated = SimulatedCu16(Chance.from_seed(1), board=board)
        self.line = FakeLine([self.simulated], self.clock, echo=echo)
        self.driver = Cu16Board(self.line, self.clock, name="locks", board=board)


def test_all_doors_are_read_with_one_question() -> None:
    bench = Bench()
    bench.simulated.open_door(3)
    states = bench.driver.read_all()
    assert [lock for lock, state in enumerate(states, 1) if state is OPEN] == [3]
    assert bench.line.written == [bytes.fromhex("02 00 30 03 35")]


def test_a_pulse_opens_the_door_and_the_next_reading_proves_it() -> None:
    bench = Bench(board=2)
    bench.driver.pulse(16)
    assert bench.simulated.is_open(16)
    assert bench.driver.read_all() == (CLOSED,) * 15 + (OPEN,)


def test_a_pulse_is_sent_though_the_sensor_says_open() -> None:
    """A cut sensor wire must not lock people out (hardware reference 1.1, lessons)."""
    bench = Bench()
    bench.simulated.faults.cut_sensors.add(5)
    assert bench.driver.read_all()[4] is OPEN
    bench.driver.pulse(5)
    assert bench.simulated.pulses(5) == 1


def test_a_stuck_latch_gets_the_pulse_and_stays_closed() -> None:
    bench = Bench()
    bench.simulated.faults.stuck_latches.add(2)
    bench.driver.pulse(2)
    assert bench.simulated.pulses(2) == 1
    assert bench.driver.read_all()[1] is CLOSED


@pytest.mark.parametrize("acknowledges", [True, False])
def test_a_board_is_read_whether_it_acknowledges_a_pulse_or_not(*, acknowledges: bool) -> None:
    bench = Bench()
    bench.simulated.acknowledges_unlock = acknowledges
    bench.driver.pulse(1)
    assert bench.driver.read_all()[0] is OPEN


def test_a_board_busy_after_an_unlock_is_woken() -> None:
    bench = Bench()
    bench.simulated.faults.busy_after_unlock = True
    bench.driver.pulse(1)
    assert bench.driver.read_all()[0] is OPEN
    assert bytes.fromhex("02 00 38 03 3D") in bench.line.written


def test_the_echo_of_a_half_duplex_adapter_is_no_answer() -> None:
    bench = Bench(echo=True)
    assert bench.driver.read_all() == (CLOSED,) * 16
    bench.simulated.faults.wire.silent = True
    with pytest.raises(NoAnswerError):
        bench.driver.read_all()


def test_an_answer_in_single_bytes_is_read() -> None:
    bench = Bench()
    bench.line.chunk_bytes = 1
    assert bench.driver.read_all() == (CLOSED,) * 16


def test_late_bytes_of_before_are_dropped() -> None:
    bench = Bench()
    bench.line.put(bytes.fromhex("02 00 35 00 00 00 00 03 3A"))  # "all open", asked by nobody now
    assert bench.driver.read_all() == (CLOSED,) * 16


class Impostor:
    """Board 1, answering whatever it is asked."""

    def answer(self, heard: bytes) -> bytes:
        return status_reply(1, [OPEN] * 16) if heard else b""


def test_the_answer_of_another_board_is_not_taken() -> None:
    bench = Bench()
    line = FakeLine([Impostor()], bench.clock)
    driver = Cu16Board(line, bench.clock, name="locks", board=0)
    with pytest.raises(BadFrameError):
        driver.read_all()


def test_a_wrong_checksum_is_a_bad_frame_that_names_port_device_and_command() -> None:
    bench = Bench()
    bench.simulated.faults.wire.wrong_checksum = 1.0
    with pytest.raises(BadFrameError) as caught:
        bench.driver.read_all()
    error = caught.value
    assert (error.port, error.device, error.command) == ("fake", "locks", "STATUS")


def test_now_and_then_a_lost_byte_costs_only_another_question() -> None:
    bench = Bench()
    bench.simulated.faults.wire.lose_byte = 0.3
    good = 0
    for _ in range(100):
        try:
            assert bench.driver.read_all() == (CLOSED,) * 16
            good += 1
        except BadFrameError:
            continue
    assert 80 <= good < 100


def test_a_silent_board_is_given_up_within_its_time() -> None:
    bench = Bench()
    bench.simulated.faults.wire.silent = True
    began_at = bench.clock.elapsed()
    with pytest.raises(NoAnswerError):
        bench.driver.read_all()
    assert bench.clock.elapsed() - began_at < 0.5


@pytest.mark.parametrize("lock", [0, 17, -1])
def test_a_lock_that_does_not_exist_is_refused_and_nothing_is_sent(lock: int) -> None:
    bench = Bench()
    with pytest.raises(LockOutOfRangeError):
        bench.driver.pulse(lock)
    assert bench.line.written == []
