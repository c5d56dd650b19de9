"""One bus: orders before polls, failures counted, a dead adapter reopened; no thread here."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.bus import ORDER_SECONDS_MAX, ORDERS_MAX, Bus
from edge_agent.drivers.buses import Buses
from edge_agent.drivers.errors import DeviceSettingsError, OrdersFullError, UnknownTargetError
from edge_agent.drivers.line import ListenedPort
from edge_agent.drivers.lock_board.cu16.driver import Cu16Board
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.profiles import XY_MD02
from edge_agent.drivers.polled import (
    PolledDevice,
    PolledLockBoard,
    PolledTemperature,
    ReadOnlyDevice,
)
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import (
    BusReading,
    DeviceFailure,
    DoorReading,
    PulseFailed,
    PulseSent,
    Reading,
    TemperatureReading,
)
from edge_agent.drivers.temperature.driver import ModbusTemperatureProbe
from edge_agent.seed import Chance
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.xy_md02 import SimulatedXyMd02
from tests.edge_agent.drivers.fake_line import FakeLine

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class Bench:
    """A bus of a lock board (doors A and B on locks 1 and 16) and a probe."""

    def __init__(self, poll_seconds: float = 1.0) -> None:
        self.clock = ManualClock(START, elapsed=100.0)
        self.board = SimulatedCu16(Chance.from_seed(1))
        self.probe = SimulatedXyMd02(Chance.from_seed(2), temperature_celsius=3.5)
        self.line = FakeLine([self.board, self.probe], self.clock)
        self.readings = ReadingQueue()
        self.bus = Bus(
            self.line, self._devices(), self.readings, self.clock, poll_seconds=poll_seconds
        )

    def _devices(self) -> list[PolledDevice]:
        board = Cu16Board(self.line, self.clock, name="locks")
        doors = {"A": 1, "B": 16}
        device = ModbusDevice(self.line, self.clock, name="probe", address=1, profile=XY_MD02)
        probe = ModbusTemperatureProbe(device)
        return [
            PolledLockBoard(name="locks", board=board, doors=doors, clock=self.clock),
            PolledTemperature(name="probe", probe=probe, part="chiller", clock=self.clock),
        ]

    def run(self, seconds: float) -> list[Reading]:
        """Step as the thread would for so long; return what was read."""
        end = self.clock.elapsed() + seconds
        while self.clock.elapsed() < end:
            self.clock.advance(max(0.001, self.bus.step()))
        return self.readings.take(10_000)


def test_every_device_is_polled_every_second_and_readings_carry_elapsed_time() -> None:
    readings = Bench().run(5.0)
    doors = [reading for reading in readings if isinstance(reading, DoorReading)]
    air = [reading for reading in readings if isinstance(reading, TemperatureReading)]
    assert [(row.door, row.state) for row in doors[:2]] == [
        ("A", DoorState.CLOSED),
        ("B", DoorState.CLOSED),
    ]
    assert 5 <= len(air) <= 6
    assert (air[0].device, air[0].part, air[0].celsius) == ("probe", "chiller", 3.5)
    assert 100.0 < air[0].at_elapsed < 101.0


def test_an_order_goes_ahead_of_polls_and_the_doors_are_looked_at_right_after() -> None:
    bench = Bench(poll_seconds=3_600.0)
    while not bench.readings:
        bench.bus.step()
    bench.bus.step()
    bench.readings.take(100)
    bench.bus.order("B", "order-1")
    bench.bus.step()
    readings = bench.readings.take(100)
    assert isinstance(readings[0], PulseSent)
    assert (readings[0].door, readings[0].order_id) == ("B", "order-1")
    proof = [row for row in readings if isinstance(row, DoorReading) and row.door == "B"]
    assert proof[0].state is DoorState.OPEN
    assert proof[0].at_elapsed > readings[0].at_elapsed


def test_a_pulse_on_a_dead_port_fails_and_never_fires_later() -> None:
    bench = Bench()
    bench.line.plugged = False
    bench.bus.order("A", "order-1")
    outcomes = [row for row in bench.run(0.5) if isinstance(row, PulseSent | PulseFailed)]
    bench.line.plugged = True
    later = bench.run(5.0)
    assert [(type(row), row.order_id) for row in outcomes] == [(PulseFailed, "order-1")]
    assert not any(isinstance(row, PulseSent) for row in later)
    assert bench.board.pulses(1) == 0


def test_an_order_that_waited_too_long_is_not_sent() -> None:
    bench = Bench()
    bench.bus.order("A", "late")
    bench.clock.advance(ORDER_SECONDS_MAX + 0.1)
    (outcome, *_) = bench.run(0.1)
    assert isinstance(outcome, PulseFailed)
    assert outcome.error == "TooLate"
    assert bench.board.pulses(1) == 0


def test_orders_are_bounded_and_unknown_doors_refused() -> None:
    bench = Bench()
    with pytest.raises(UnknownTargetError):
        bench.bus.order("Z", "order")
    for number in range(ORDERS_MAX):
        bench.bus.order("A", str(number))
    with pytest.raises(OrdersFullError):
        bench.bus.order("A", "one too many")
    bench.run(3.0)
    assert bench.board.pulses(1) == ORDERS_MAX


def test_orders_left_at_the_stop_are_failed() -> None:
    bench = Bench()
    bench.bus.order("A", "order-1")
    bench.bus.stop()
    (outcome,) = bench.readings.take(10)
    assert isinstance(outcome, PulseFailed)
    assert not bench.line.is_open


def test_a_silent_device_fails_poll_by_poll_while_its_neighbour_goes_on() -> None:
    bench = Bench()
    bench.probe.faults.wire.silent = True
    readings = bench.run(8.0)
    failures = [row for row in readings if isinstance(row, DeviceFailure)]
    assert [row.consecutive for row in failures[:5]] == [1, 2, 3, 4, 5]
    assert (failures[0].device, failures[0].kind, failures[0].error, failures[0].parts) == (
        "probe",
        "temperature",
        "NoAnswerError",
        ("chiller",),
    )
    assert sum(isinstance(row, DoorReading) for row in readings) >= 10
    assert bench.bus.reopened == 0, "the board answered, so the adapter is alive"


def test_a_frozen_adapter_is_closed_and_opened_after_five_failed_polls() -> None:
    bench = Bench()
    bench.run(2.0)
    bench.line.frozen = True
    readings = bench.run(15.0)
    assert bench.bus.reopened == 1
    assert bench.line.openings == 1
    assert isinstance(readings[-1], DoorReading | TemperatureReading)


def test_an_unplugged_port_is_opened_again_once_it_is_back() -> None:
    """At the next poll, and not only when five polls have failed."""
    bench = Bench()
    bench.run(2.0)
    bench.line.plugged = False
    gone = bench.run(3.0)
    bench.line.plugged = True
    back = bench.run(2.0)
    assert {type(row) for row in gone} == {DeviceFailure}
    assert {row.error for row in gone if isinstance(row, DeviceFailure)} == {"PortGoneError"}
    assert {type(row) for row in back} == {DoorReading, TemperatureReading}


def test_a_good_poll_ends_the_count_of_failures() -> None:
    bench = Bench()
    bench.probe.faults.wire.silent = True
    bench.run(3.0)
    bench.probe.faults.wire.silent = False
    bench.run(2.0)
    bench.probe.faults.wire.silent = True
    failures = [row for row in bench.run(2.0) if isinstance(row, DeviceFailure)]
    assert failures[0].consecutive == 1


def test_a_door_on_a_lock_the_board_does_not_have_is_refused_when_built() -> None:
    bench = Bench()
    board = Cu16Board(bench.line, bench.clock, name="locks")
    with pytest.raises(DeviceSettingsError, match="no lock 17 of 16"):
        PolledLockBoard(name="locks", board=board, doors={"A": 17}, clock=bench.clock)


class Caller(ReadOnlyDevice):
    """A device that speaks unasked: every byte it hears is one event."""

    kind = "lock_board"
    speaks_unasked = True

    def __init__(self, name: str, clock: ManualClock) -> None:
        self.name = name
        self.parts = (name,)
        self.heard = b""
        self._clock = clock

    def poll(self) -> tuple[DoorReading, ...]:
        return ()

    def hear(self, data: bytes) -> tuple[DoorReading, ...]:
        self.heard += data
        at = self._clock.elapsed()
        return tuple(DoorReading(self.name, str(byte), DoorState.OPEN, at) for byte in data)


def calling_bus() -> tuple[Bus, FakeLine, ReadingQueue, list[Caller]]:
    clock = ManualClock(START, elapsed=100.0)
    line = FakeLine([], clock)
    callers = [Caller("one", clock), Caller("two", clock)]
    readings = ReadingQueue()
    return Bus(ListenedPort(line), callers, readings, clock), line, readings, callers


def test_what_comes_unasked_is_heard_by_every_device_once_and_in_order() -> None:
    bus, line, readings, callers = calling_bus()
    line.put(b"\x01\x02")
    bus.listen(10.0)
    line.put(b"\x03")
    bus.listen(10.0)
    assert [caller.heard for caller in callers] == [b"\x01\x02\x03"] * 2
    assert [row.door for row in readings.take(10) if row.device == "one"] == ["1", "2", "3"]


def test_listening_is_bounded_and_survives_an_adapter_that_is_gone() -> None:
    bus, line, _, callers = calling_bus()
    line.plugged = False
    bus.listen(10.0)
    line.plugged = True
    line.put(b"\x07")
    bus.listen(10.0)
    assert [caller.heard for caller in callers] == [b"\x07"] * 2


def test_the_bus_tells_how_many_of_its_answers_came_broken() -> None:
    bench = Bench()
    bench.probe.faults.wire.wrong_checksum = 1.0
    counts = [row for row in bench.run(25.0) if isinstance(row, BusReading)]
    assert len(counts) == 2
    assert counts[0].asked > counts[0].broken > 0
    assert counts[0].asked == pytest.approx(counts[1].asked, abs=4)


class Talker(ReadOnlyDevice):
    """A device whose session lasts until its bus is ended, and then as long as it is told to."""

    name = kind = "audit"
    parts = ()

    def __init__(self, line: ListenedPort, last: Callable[[], object]) -> None:
        self.talks = threading.Event()
        self._line = line
        self._last = last

    def poll(self) -> tuple[Reading, ...]:
        self.talks.set()
        try:
            while True:
                self._line.read(0.01)
        finally:
            self._last()


def test_buses_end_side_by_side() -> None:
    second_ended = threading.Event()
    waited: list[bool] = []
    clock = ManualClock(START)
    talkers, buses = [], []
    for last in (lambda: waited.append(second_ended.wait(5.0)), second_ended.set):
        line = ListenedPort(FakeLine([], clock))
        talkers.append(Talker(line, last))
        buses.append(Bus(line, talkers[-1:], ReadingQueue(), clock))
    together = Buses(buses)
    together.start()
    assert all(talker.talks.wait(5.0) for talker in talkers)
    together.stop()
    assert waited == [True]
