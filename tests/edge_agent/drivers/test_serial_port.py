"""Real pyserial on real pseudo-terminals: reading, unplugging, the bus thread end to end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from edge_agent.clock import SystemClock
from edge_agent.drivers.build import build_bus
from edge_agent.drivers.bus import Bus
from edge_agent.drivers.errors import DeviceSettingsError, PortGoneError
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.polled import ReadOnlyDevice
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import (
    DeviceFailure,
    DoorReading,
    PulseSent,
    Reading,
    TemperatureReading,
)
from edge_agent.drivers.serial_port import SerialPort
from edge_agent.seed import Chance
from edge_agent.settings import BusSettings, DeviceSettings
from simulators.devices.bus import SimulatedBus
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.pseudo_terminal import PseudoTerminal
from simulators.devices.xy_md02 import SimulatedXyMd02

POLL_SECONDS = 0.05
WAIT_SECONDS_MAX = 20.0
NAN = float("nan")
GRAMS, COMMUNICATION_ID = "options.grams_per_unit", "options.communication_id"
LOCKS = DeviceSettings("locks", "cu16", 0, doors={"A": 1, "B": 2})
PROBE_1 = DeviceSettings("probe-1", "xy-md02", 1, part="top")
PROBE_2 = DeviceSettings("probe-2", "xy-md02", 2, part="bottom")

Kind = TypeVar("Kind", bound=Reading)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[PseudoTerminal]:
    terminal = PseudoTerminal(tmp_path / "port")
    yield terminal
    terminal.unplug()


def test_bytes_go_both_ways_and_a_quiet_line_reads_nothing(terminal: PseudoTerminal) -> None:
    port = SerialPort(terminal.path, 19_200)
    port.open()
    port.write(b"\x02\x00\x03\r\n\x11\x13")
    assert terminal.read(5.0) == b"\x02\x00\x03\r\n\x11\x13"
    terminal.write(bytes(range(256)))
    heard = b""
    while len(heard) < 256:
        heard += port.read(5.0)
    assert heard == bytes(range(256)), "no byte is changed or eaten on the way"
    assert port.read(0.01) == b""
    port.close()


def test_a_port_that_is_not_there_or_closed_is_gone(tmp_path: Path) -> None:
    port = SerialPort(str(tmp_path / "none"), 9_600)
    with pytest.raises(PortGoneError):
        port.open()
    with pytest.raises(PortGoneError):
        port.read(0.1)
    port.close()


def test_an_unplugged_port_is_gone_and_opens_again_when_back(terminal: PseudoTerminal) -> None:
    port = SerialPort(terminal.path, 9_600)
    port.open()
    terminal.unplug()
    with pytest.raises(PortGoneError):
        port.read(1.0)
    with pytest.raises(PortGoneError):
        port.write(b"\x00")
    port.close()
    terminal.plug()
    port.open()
    terminal.write(b"back")
    assert port.read(5.0) == b"back"
    port.close()


def wait_for(readings: ReadingQueue, kind: type[Kind], fits: Callable[[Kind], bool]) -> Kind:
    """Take readings until one fits; bounded by the test's own time."""
    clock = SystemClock()
    deadline = clock.elapsed() + WAIT_SECONDS_MAX
    while clock.elapsed() < deadline:
        for reading in readings.take(1, timeout_seconds=0.5):
            if isinstance(reading, kind) and fits(reading):
                return reading
    raise AssertionError(f"no such {kind.__name__} within {WAIT_SECONDS_MAX} s")


class Bench:
    """A lock board behind a link, and the agent's bus on it, both with their threads."""

    def __init__(self, link: Path, *, echo: bool = False) -> None:
        self.board = SimulatedCu16(Chance.from_seed(1))
        self.simulated = SimulatedBus([self.board], SystemClock(), link=link, echo=echo)
        self.readings = ReadingQueue()
        settings = BusSettings(self.simulated.path, [LOCKS], POLL_SECONDS)
        self.bus: Bus = build_bus(settings, self.readings, SystemClock())


@pytest.fixture(params=[False, True], ids=["full duplex", "with echo"])
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(tmp_path / "lock-port", echo=request.param)
    with bench.simulated:
        bench.bus.start()
        yield bench
        bench.bus.stop()
    assert bench.bus.crash is None


def test_a_door_is_ordered_open_and_seen_open_over_the_wire(bench: Bench) -> None:
    wait_for(bench.readings, DoorReading, lambda row: row.state is DoorState.CLOSED)
    bench.bus.order("B", "order-1")
    sent = wait_for(bench.readings, PulseSent, lambda row: row.order_id == "order-1")
    opened = wait_for(
        bench.readings, DoorReading, lambda row: row.door == "B" and row.state is DoorState.OPEN
    )
    assert opened.at_elapsed >= sent.at_elapsed
    bench.board.close_door(2)
    wait_for(
        bench.readings, DoorReading, lambda row: row.door == "B" and row.state is DoorState.CLOSED
    )


def test_a_bus_survives_hot_unplug_and_replug(bench: Bench) -> None:
    wait_for(bench.readings, DoorReading, lambda _: True)
    bench.simulated.unplug()
    wait_for(bench.readings, DeviceFailure, lambda row: row.error == "PortGoneError")
    bench.board.open_door(1)
    bench.simulated.plug()
    wait_for(
        bench.readings, DoorReading, lambda row: row.door == "A" and row.state is DoorState.OPEN
    )


def test_a_silent_board_is_reported_and_its_port_reopened(bench: Bench) -> None:
    bench.board.faults.wire.silent = True
    wait_for(bench.readings, DeviceFailure, lambda row: row.consecutive == 6)
    assert bench.bus.reopened >= 1
    bench.board.faults.wire.silent = False
    wait_for(bench.readings, DoorReading, lambda _: True)


def test_two_probes_share_one_bus(tmp_path: Path) -> None:
    probes = [
        SimulatedXyMd02(Chance.from_seed(1), address=1, temperature_celsius=3.0),
        SimulatedXyMd02(Chance.from_seed(2), address=2, temperature_celsius=-18.5),
    ]
    clock, readings = SystemClock(), ReadingQueue()
    with SimulatedBus(probes, clock, link=tmp_path / "probes", echo=True) as simulated:
        settings = BusSettings(simulated.path, [PROBE_1, PROBE_2], POLL_SECONDS)
        bus = build_bus(settings, readings, clock)
        bus.start()
        top = wait_for(readings, TemperatureReading, lambda row: row.part == "top")
        bottom = wait_for(readings, TemperatureReading, lambda row: row.part == "bottom")
        bus.stop()
    assert (top.celsius, bottom.celsius) == (3.0, -18.5)


@pytest.mark.parametrize(
    ("devices", "key"),
    [
        ([DeviceSettings("x", "no-such-board", 0)], "kind"),
        ([DeviceSettings("x", "cu16", 10)], "address"),
        ([DeviceSettings("x", "xy-md02", 0)], "address"),
        ([DeviceSettings("x", "cu16", 0, doors={"A": 0})], "doors.A"),
        ([DeviceSettings("x", "cu16", 0, doors={"A": 1, "B": 1})], "doors.B"),
        ([DeviceSettings("x", "cas-ci600d", 1, shelves={"A": 1, "B": 1})], "shelves.B"),
        ([DeviceSettings("x", "fa-fb", 0, slots={"A": 1, "B": 1})], "slots.B"),
        ([DeviceSettings("x", "winnsen", 0, options={"locks": True})], "options.locks"),
        (
            [DeviceSettings("x", "8a", 1, options={"inverted_feedback": 1})],
            "options.inverted_feedback",
        ),
        ([DeviceSettings("x", "cas-ci600d", 1, options={"grams_per_unit": NAN})], GRAMS),
        ([DeviceSettings("x", "dex", options={"communication_id": "a"})], COMMUNICATION_ID),
        ([DeviceSettings("x", "dex", options={"communication_id": "Ж" * 10})], COMMUNICATION_ID),
        ([LOCKS, DeviceSettings("y", "cu16", 0, doors={"C": 1})], "address"),
        ([LOCKS, PROBE_1], "devices"),
        ([], "devices"),
    ],
)
def test_devices_that_cannot_be_are_refused_with_their_key(
    devices: list[DeviceSettings], key: str
) -> None:
    with pytest.raises(DeviceSettingsError) as caught:
        build_bus(BusSettings("nowhere", devices), ReadingQueue(), SystemClock())
    assert caught.value.key == key


class BrokenDevice(ReadOnlyDevice):
    """A device with a defect of ours in it."""

    name = "broken"
    kind = "temperature"
    parts = ("top",)

    def poll(self) -> tuple[TemperatureReading, ...]:
        raise ZeroDivisionError("a defect")


def test_a_defect_of_ours_stops_the_thread_and_is_shown_to_the_core(tmp_path: Path) -> None:
    clock = SystemClock()
    with SimulatedBus([], clock, link=tmp_path / "port") as simulated:
        bus = Bus(SerialPort(simulated.path, 9_600), [BrokenDevice()], ReadingQueue(), clock)
        bus.start()
        deadline = clock.elapsed() + WAIT_SECONDS_MAX
        while bus.crash is None and clock.elapsed() < deadline:
            time.sleep(0.01)
        bus.stop()
    assert isinstance(bus.crash, ZeroDivisionError)
