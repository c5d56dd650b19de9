"""What is peculiar to one family of lock boards (hardware reference 1.1 B, D, E)."""

from collections.abc import Callable

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.errors import BadFrameError, DeviceRefusedError, NoAnswerError
from edge_agent.drivers.lock_board.cu48.driver import Cu48Board
from edge_agent.drivers.lock_board.eight_a.driver import EightABoard
from edge_agent.drivers.lock_board.eight_a.frames import EightAHead
from edge_agent.drivers.lock_board.interface import DoorEvent
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.winnsen.driver import (
    STATE_SECONDS_MAX,
    SWEEP_SECONDS_MAX,
    WinnsenBoard,
)
from edge_agent.seed import Chance
from simulators.devices.cu48 import SimulatedCu48
from simulators.devices.eight_a import SimulatedEightA
from simulators.devices.winnsen import SimulatedWinnsen
from tests.edge_agent.drivers.fake_line import FakeLine
from tests.edge_agent.drivers.lock_benches import START

CLOSED, OPEN, UNKNOWN = DoorState.CLOSED, DoorState.OPEN, DoorState.UNKNOWN


def eight_a(*, inverted: bool = False) -> tuple[EightABoard, SimulatedEightA, FakeLine]:
    clock = ManualClock(START)
    simulated = SimulatedEightA(Chance.from_seed(1))
    line = FakeLine([simulated], clock)
    board = EightABoard(line, clock, name="locks", board=1, inverted_feedback=inverted)
    return board, simulated, line


@pytest.mark.parametrize("inverted", [False, True])
def test_an_8a_board_wired_the_other_way_is_read_right_when_the_settings_say_so(
    *, inverted: bool
) -> None:
    board, simulated, _ = eight_a(inverted=inverted)
    simulated.inverted_feedback = inverted
    simulated.open_door(7)
    assert board.read_all() == tuple(OPEN if lock == 7 else CLOSED for lock in range(1, 25))


@pytest.mark.parametrize("head", [EightAHead.LOCK_CHANGED, EightAHead.LOCK_CHANGED_TOO])
def test_an_8a_board_that_reports_is_heard_with_either_head(head: EightAHead) -> None:
    board, simulated, _ = eight_a()
    simulated.report_head = head
    simulated.open_door(9)
    report = simulated.tick(1.0)
    assert board.hear(b"\x8a\xff" + report[:2]) == ()
    assert board.hear(report[2:]) == (DoorEvent(9, OPEN),)
    simulated.close_door(9)
    assert board.hear(simulated.tick(2.0)) == (DoorEvent(9, CLOSED),)


def test_questions_and_answers_of_an_8a_bus_are_no_reports() -> None:
    board, simulated, line = eight_a()
    board.pulse(1)
    board.read_all()
    assert board.hear(b"".join(line.written)) == ()
    assert board.hear(simulated.answer(line.written[-1])) == ()


def cu48(*, length_byte: bool, told: bool) -> tuple[Cu48Board, SimulatedCu48]:
    clock = ManualClock(START)
    simulated = SimulatedCu48(Chance.from_seed(1))
    simulated.status_length_byte = length_byte
    line = FakeLine([simulated], clock)
    return Cu48Board(line, clock, name="locks", status_length_byte=told), simulated


@pytest.mark.parametrize("length_byte", [False, True])
def test_both_forms_of_a_cu48_status_are_read(*, length_byte: bool) -> None:
    board, simulated = cu48(length_byte=length_byte, told=length_byte)
    simulated.open_door(48)
    assert board.read_all() == (CLOSED,) * 47 + (OPEN,)


@pytest.mark.parametrize("length_byte", [False, True])
def test_the_wrong_form_of_a_cu48_status_is_a_bad_frame_and_no_guess(*, length_byte: bool) -> None:
    board, _ = cu48(length_byte=length_byte, told=not length_byte)
    with pytest.raises(BadFrameError):
        board.read_all()


def test_a_cu48_board_that_fails_to_open_says_so() -> None:
    board, simulated = cu48(length_byte=False, told=False)
    simulated.refuses = True
    with pytest.raises(DeviceRefusedError, match="lock 3 failed"):
        board.pulse(3)


class WinnsenBench:
    """A board of 16 locks; `slow_seconds` lets each answer take that long."""

    def __init__(self, *, swapped: bool = False, told: bool | None = None) -> None:
        self.clock = ManualClock(START, elapsed=50.0)
        self.simulated = SimulatedWinnsen(Chance.from_seed(1))
        self.simulated.swapped_status = swapped
        self.slow_seconds = 0.0
        self.deaf_to: Callable[[bytes], bool] = lambda _: False
        self.line = FakeLine([self], self.clock)
        self.driver = WinnsenBoard(
            self.line,
            self.clock,
            name="locks",
            swapped_status=swapped if told is None else told,
        )

    def answer(self, heard: bytes) -> bytes:
        self.clock.advance(self.slow_seconds)
        self.simulated.tick(self.clock.elapsed())
        return b"" if self.deaf_to(heard) else self.simulated.answer(heard)


@pytest.mark.parametrize("swapped", [False, True])
def test_both_orders_of_a_winnsen_status_are_read(*, swapped: bool) -> None:
    bench = WinnsenBench(swapped=swapped)
    bench.simulated.open_door(5)
    assert bench.driver.read_all() == tuple(OPEN if n == 5 else CLOSED for n in range(1, 17))


@pytest.mark.parametrize("swapped", [False, True])
def test_the_wrong_order_of_a_winnsen_status_shows_no_closed_door(*, swapped: bool) -> None:
    """Only lock 1 standing open reads the same both ways, and then it does stand open."""
    bench = WinnsenBench(swapped=swapped, told=not swapped)
    with pytest.raises(BadFrameError):
        bench.driver.read_all()
    bench.driver.pulse(1)
    assert bench.driver.read_all() == (OPEN,) + (UNKNOWN,) * 15


def test_a_winnsen_lock_that_failed_or_cools_down_is_refused_with_its_reason() -> None:
    bench = WinnsenBench()
    bench.simulated.faults.stuck_latches.add(2)
    with pytest.raises(DeviceRefusedError, match="unlock failed"):
        bench.driver.pulse(2)
    bench.simulated.cooldown_seconds = 10.0
    bench.driver.pulse(3)
    with pytest.raises(DeviceRefusedError, match="cools down"):
        bench.driver.pulse(3)
    bench.clock.advance(10.0)
    bench.driver.pulse(3)
    assert bench.simulated.pulses(3) == 2


def test_a_winnsen_lock_without_an_answer_is_unknown_and_the_others_are_read() -> None:
    bench = WinnsenBench()
    bench.driver.read_all()
    bench.deaf_to = lambda heard: heard[4] == 6
    states = bench.driver.read_all()
    assert [lock for lock, state in enumerate(states, 1) if state is UNKNOWN] == [6]
    assert states.count(CLOSED) == 15


def test_a_winnsen_board_that_dies_in_the_middle_keeps_only_what_it_just_said() -> None:
    bench = WinnsenBench()
    bench.driver.read_all()
    bench.deaf_to = lambda heard: heard[4] > 3
    assert bench.driver.read_all() == (CLOSED,) * 3 + (UNKNOWN,) * 13
    bench.deaf_to = lambda _: True
    with pytest.raises(NoAnswerError):
        bench.driver.read_all()


def test_a_slow_winnsen_board_is_read_in_turns_within_its_budget() -> None:
    bench = WinnsenBench()
    bench.slow_seconds = 0.15
    seen: list[tuple[DoorState, ...]] = []
    for _ in range(4):
        began_at = bench.clock.elapsed()
        seen.append(bench.driver.read_all())
        assert bench.clock.elapsed() - began_at < SWEEP_SECONDS_MAX + 0.5
    assert 0 < seen[0].count(UNKNOWN) < 16
    assert seen[-1] == (CLOSED,) * 16


def test_a_winnsen_door_not_reached_again_is_unknown_after_its_time() -> None:
    bench = WinnsenBench()
    bench.driver.read_all()
    bench.clock.advance(STATE_SECONDS_MAX + 0.1)
    bench.slow_seconds = 0.6
    states = bench.driver.read_all()
    assert states.count(CLOSED) == 2
    assert states.count(UNKNOWN) == 14


def test_a_slow_winnsen_board_shows_the_pulsed_door_first() -> None:
    bench = WinnsenBench()
    bench.driver.read_all()
    bench.slow_seconds = 1.1
    bench.driver.pulse(12)
    assert bench.driver.read_all()[11] is OPEN
