"""What every lock board does behind the one interface (hardware reference 1.1, lessons)."""

from importlib import import_module

import pytest

from edge_agent.drivers.build import kind_named
from edge_agent.drivers.errors import (
    DeviceRefusedError,
    DriverError,
    LockOutOfRangeError,
    NoAnswerError,
    PortGoneError,
)
from edge_agent.drivers.lock_board import kinds
from edge_agent.drivers.lock_board.readings import DoorState
from tests.edge_agent.drivers.lock_benches import CASES, BoardCase, LockBench

CLOSED, OPEN = DoorState.CLOSED, DoorState.OPEN

every_board = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def open_locks(states: tuple[DoorState, ...]) -> list[int]:
    assert set(states) <= {OPEN, CLOSED}
    return [lock for lock, state in enumerate(states, 1) if state is OPEN]


@every_board
@pytest.mark.parametrize("echo", [False, True], ids=["full duplex", "echo"])
@pytest.mark.parametrize("chunk_bytes", [1, 256], ids=["byte by byte", "at once"])
def test_doors_are_read_and_a_neighbour_on_the_bus_is_not(
    case: BoardCase, *, echo: bool, chunk_bytes: int
) -> None:
    bench = LockBench(case, echo=echo)
    bench.line.chunk_bytes = chunk_bytes
    bench.neighbour.open_door(1)
    bench.simulated.open_door(3)
    bench.simulated.open_door(case.locks)
    assert bench.driver.locks == case.locks
    assert open_locks(bench.driver.read_all()) == [3, case.locks]


@every_board
@pytest.mark.parametrize("echo", [False, True], ids=["full duplex", "echo"])
def test_a_pulse_opens_one_door_and_the_next_reading_proves_it(
    case: BoardCase, *, echo: bool
) -> None:
    bench = LockBench(case, echo=echo)
    bench.driver.pulse(case.locks)
    assert bench.simulated.pulses(case.locks) == 1
    assert bench.neighbour.pulses(case.locks) == 0
    assert open_locks(bench.driver.read_all()) == [case.locks]


@every_board
def test_a_pulse_is_sent_though_the_sensor_says_open(case: BoardCase) -> None:
    """A cut sensor wire must not lock people out."""
    bench = LockBench(case)
    bench.simulated.faults.cut_sensors.add(5)
    assert open_locks(bench.driver.read_all()) == [5]
    bench.driver.pulse(5)
    assert bench.simulated.pulses(5) == 1


@every_board
def test_a_stuck_latch_gets_the_pulse_and_is_read_as_closed(case: BoardCase) -> None:
    bench = LockBench(case)
    bench.simulated.faults.stuck_latches.add(2)
    try:
        bench.driver.pulse(2)
    except DeviceRefusedError:
        assert case.says_when_it_fails
    assert bench.simulated.pulses(2) == 1
    assert open_locks(bench.driver.read_all()) == []


@every_board
def test_a_board_busy_after_an_unlock_is_read_all_the_same(case: BoardCase) -> None:
    bench = LockBench(case)
    bench.simulated.faults.busy_after_unlock = True
    bench.driver.pulse(1)
    states = bench.driver.read_all()
    assert states[1:] == (CLOSED,) * (case.locks - 1)
    assert states[0] is not CLOSED
    bench.driver.read_all()
    assert open_locks(bench.driver.read_all()) == [1]


@every_board
def test_a_silent_board_raises_in_time_and_never_says_closed(case: BoardCase) -> None:
    bench = LockBench(case)
    bench.driver.read_all()
    bench.simulated.faults.wire.silent = True
    began_at = bench.clock.elapsed()
    with pytest.raises(NoAnswerError):
        bench.driver.read_all()
    assert bench.clock.elapsed() - began_at < 0.75


@every_board
def test_a_silent_board_still_gets_its_pulse_and_nothing_is_raised(case: BoardCase) -> None:
    """Nothing heard proves nothing: the door is the proof."""
    bench = LockBench(case)
    bench.simulated.faults.wire.silent = True
    began_at = bench.clock.elapsed()
    bench.driver.pulse(1)
    assert bench.simulated.pulses(1) == 1
    assert bench.clock.elapsed() - began_at < 1.0


@every_board
def test_an_echo_alone_is_no_answer(case: BoardCase) -> None:
    bench = LockBench(case, echo=True)
    bench.simulated.faults.wire.silent = True
    with pytest.raises(NoAnswerError):
        bench.driver.read_all()


@every_board
def test_now_and_then_a_lost_byte_never_opens_or_shuts_a_door_that_was_not(
    case: BoardCase,
) -> None:
    bench = LockBench(case)
    bench.simulated.open_door(4)
    bench.simulated.faults.wire.lose_byte = 0.2
    good = 0
    for _ in range(60):
        try:
            states = bench.driver.read_all()
        except DriverError:
            continue
        wrong = [lock for lock in range(1, 17) if states[lock - 1] is (CLOSED, OPEN)[lock != 4]]
        assert wrong == []
        good += DoorState.UNKNOWN not in states or not case.has_check
    assert good >= 40


@every_board
def test_a_wrong_check_byte_is_no_answer(case: BoardCase) -> None:
    bench = LockBench(case)
    bench.simulated.faults.wire.wrong_checksum = 1.0
    with pytest.raises(DriverError):
        bench.driver.read_all()


@every_board
def test_a_lock_that_does_not_exist_is_refused_and_nothing_is_sent(case: BoardCase) -> None:
    bench = LockBench(case)
    for lock in (0, -1, case.locks + 1):
        with pytest.raises(LockOutOfRangeError):
            bench.driver.pulse(lock)
    assert bench.line.written == []


@every_board
def test_a_pulse_that_the_port_did_not_take_is_an_error(case: BoardCase) -> None:
    bench = LockBench(case)
    bench.line.plugged = False
    with pytest.raises(PortGoneError):
        bench.driver.pulse(1)


@every_board
def test_a_port_that_goes_after_the_pulse_does_not_say_that_nothing_opened(
    case: BoardCase,
) -> None:
    bench = LockBench(case)
    write = bench.line.write

    def write_and_go(data: bytes) -> None:
        write(data)
        bench.line.plugged = False

    bench.line.write = write_and_go  # type: ignore[method-assign]  # the cable is pulled here
    bench.driver.pulse(1)
    assert bench.simulated.is_open(1)


@pytest.mark.parametrize(
    ("kind", "module", "addresses"),
    [
        ("cu16", "cu16", "BOARDS"),
        ("wkly", "wkly", "BOARDS"),
        ("8a", "eight_a", "BOARDS"),
        ("cu48", "cu48", "BOARDS"),
        ("winnsen", "winnsen", "STATIONS"),
    ],
)
def test_the_table_of_kinds_agrees_with_the_boards(kind: str, module: str, addresses: str) -> None:
    """The table repeats their numbers, because it does not import them."""
    package = f"edge_agent.drivers.lock_board.{module}"
    frames, driver = import_module(f"{package}.frames"), import_module(f"{package}.driver")
    row = kind_named(kind)
    assert row is not None
    assert row.baud_rate == driver.BAUD_RATE
    known = getattr(frames, addresses)
    assert row.addresses == (known if isinstance(known, range) else range(known))


def test_the_most_locks_of_a_board_are_those_of_its_protocol() -> None:
    frames = "edge_agent.drivers.lock_board.{}.frames"
    assert import_module(frames.format("wkly")).LOCKS_MAX == kinds.WKLY_LOCKS_MAX
    assert import_module(frames.format("winnsen")).LOCKS_MAX == kinds.WINNSEN_LOCKS_MAX
