"""WKLY boards: what they tell unasked, alone and several on one bus (hardware reference 1.1 C)."""

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.bus import Bus
from edge_agent.drivers.errors import DeviceRefusedError
from edge_agent.drivers.line import ListenedPort
from edge_agent.drivers.lock_board.interface import DoorEvent
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.lock_board.wkly.driver import WklyBoard
from edge_agent.drivers.lock_board.wkly.frames import FRAME_BYTES_MAX, WklyCommand, WklyFrame
from edge_agent.drivers.polled import PolledLockBoard
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import DoorReading
from edge_agent.seed import Chance
from simulators.devices.wkly import SimulatedWkly
from tests.edge_agent.drivers.fake_line import FakeLine
from tests.edge_agent.drivers.lock_benches import START

CLOSED, OPEN, UNKNOWN = DoorState.CLOSED, DoorState.OPEN, DoorState.UNKNOWN


def board(*, board_locks: int = 24) -> tuple[WklyBoard, SimulatedWkly, FakeLine]:
    clock = ManualClock(START)
    simulated = SimulatedWkly(Chance.from_seed(1), locks=board_locks)
    line = FakeLine([simulated], clock)
    return WklyBoard(line, clock, name="locks"), simulated, line


def changed(number: int, lock: int, state: int) -> bytes:
    return WklyFrame(number, WklyCommand.DOOR_CHANGED, bytes((lock, state))).encode()


def test_doors_beyond_the_boards_own_count_are_unknown() -> None:
    driver, _, _ = board(board_locks=8)
    assert driver.read_all() == (CLOSED,) * 8 + (UNKNOWN,) * 16


def test_a_board_with_more_locks_than_the_settings_say_shows_those_of_the_settings() -> None:
    driver, _, _ = board(board_locks=30)
    assert driver.read_all() == (CLOSED,) * 24


def test_a_lock_state_that_means_nothing_is_unknown() -> None:
    driver, simulated, line = board()
    simulated.faults.wire.silent = True
    write = line.write

    def write_and_answer(data: bytes) -> None:
        write(data)
        states = b"\x00\x01\xff\x07"
        line.put(WklyFrame(0, WklyCommand.QUERY_ALL, b"\x00\x04" + states).encode())

    line.write = write_and_answer  # type: ignore[method-assign]  # a board with worn contacts
    assert driver.read_all()[:5] == (OPEN, CLOSED, UNKNOWN, UNKNOWN, UNKNOWN)


def test_a_board_that_refuses_says_so() -> None:
    driver, simulated, _ = board()
    simulated.refuses = True
    with pytest.raises(DeviceRefusedError, match="lock 3 failed"):
        driver.pulse(3)
    assert simulated.pulses(3) == 0


def test_a_report_before_or_after_an_answer_disturbs_neither() -> None:
    driver, simulated, line = board()
    write = line.write

    def write_amid_reports(data: bytes) -> None:
        line.put(changed(0, 5, 0))
        write(data)
        line.put(changed(0, 5, 1))

    line.write = write_amid_reports  # type: ignore[method-assign]  # a door slams meanwhile
    assert driver.read_all() == (CLOSED,) * 24
    driver.pulse(2)
    assert simulated.pulses(2) == 1


def test_reports_are_heard_in_pieces_and_only_those_of_this_board() -> None:
    driver, _, _ = board()
    wire = changed(3, 7, 0) + b"WKL" + changed(0, 9, 1) + changed(0, 1, 9)
    events = [event for byte in wire for event in driver.hear(bytes((byte,)))]
    assert events == [DoorEvent(9, CLOSED), DoorEvent(1, UNKNOWN)]


def test_questions_answers_and_echoes_are_no_reports() -> None:
    driver, simulated, line = board()
    driver.pulse(1)
    driver.read_all()
    assert driver.hear(b"".join(line.written)) == ()
    assert driver.hear(simulated.answer(line.written[-1])) == ()


def test_no_more_than_a_frame_is_held_between_calls() -> None:
    driver, _, _ = board()
    driver.hear(b"WKLY\xff\x00\x84\x00\xf5" + b"\x01" * 10)
    driver.hear(b"\x01" * FRAME_BYTES_MAX)
    assert driver.hear(changed(0, 4, 0)) == (DoorEvent(4, OPEN),)


class SharedBus:
    """Two boards on one bus with a door each, heard through `Bus.listen` and `Bus.step`."""

    def __init__(self, *, echo: bool = False) -> None:
        self.clock = ManualClock(START, elapsed=100.0)
        self.boards = [SimulatedWkly(Chance.from_seed(n), board=n) for n in range(2)]
        self.line = FakeLine(self.boards, self.clock, echo=echo)
        port = ListenedPort(self.line)
        self.readings = ReadingQueue()
        devices = [
            PolledLockBoard(
                name=f"board-{n}",
                board=WklyBoard(port, self.clock, name=f"board-{n}", board=n),
                doors={f"door-{n}": 1},
                clock=self.clock,
            )
            for n in range(2)
        ]
        self.bus = Bus(port, devices, self.readings, self.clock, poll_seconds=3_600.0)

    def tick(self) -> None:
        for board in self.boards:
            self.line.put(board.tick(self.clock.elapsed()))

    def told(self) -> list[tuple[str, DoorState]]:
        taken = self.readings.take(1_000)
        return [(row.door, row.state) for row in taken if isinstance(row, DoorReading)]


@pytest.mark.parametrize("echo", [False, True], ids=["full duplex", "echo"])
def test_a_door_that_opens_between_two_polls_is_told_by_its_own_board_only(*, echo: bool) -> None:
    shared = SharedBus(echo=echo)
    for _ in range(3):
        shared.bus.step()
    assert sorted(shared.told()) == [("door-0", CLOSED), ("door-1", CLOSED)]
    shared.boards[1].open_door(1)
    shared.tick()
    shared.bus.listen(10.0)
    assert shared.told() == [("door-1", OPEN)]
    shared.boards[1].close_door(1)
    shared.tick()
    shared.bus.listen(10.0)
    assert shared.told() == [("door-1", CLOSED)]


def test_a_report_that_comes_while_another_board_is_asked_is_not_lost() -> None:
    shared = SharedBus()
    for _ in range(3):
        shared.bus.step()
    shared.told()
    shared.boards[1].open_door(1)
    shared.boards[1].close_door(1)
    write = shared.line.write

    def write_amid_reports(data: bytes) -> None:
        write(data)
        shared.line.put(changed(1, 1, 0) + changed(1, 1, 1))

    shared.line.write = write_amid_reports  # type: ignore[method-assign]  # board 1 speaks up
    shared.bus.order("door-0", "order-1")
    shared.bus.step()
    assert [state for door, state in shared.told() if door == "door-1"][:2] == [OPEN, CLOSED]


def test_a_lock_on_no_door_of_ours_is_heard_and_left_out() -> None:
    shared = SharedBus()
    shared.boards[0].open_door(20)
    shared.tick()
    shared.bus.listen(10.0)
    assert shared.told() == []
