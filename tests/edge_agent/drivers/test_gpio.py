"""Digital inputs: records, the port on a chip that behaves, readings in order, settings."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import ManualClock, SystemClock
from edge_agent.drivers.build import build_bus, kind_named
from edge_agent.drivers.bus import Bus
from edge_agent.drivers.errors import DeviceSettingsError, NoAnswerError, PortGoneError
from edge_agent.drivers.gpio.driver import GpioInputs
from edge_agent.drivers.gpio.frames import (
    RECORD,
    Bias,
    Level,
    LevelParser,
    Watch,
    decode_request,
    encode_level,
    encode_request,
)
from edge_agent.drivers.gpio.port import GpioPort
from edge_agent.drivers.kinds import Option, check
from edge_agent.drivers.line import OVERHEARD_BYTES_MAX, ListenedPort
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import DeviceFailure, InputReading, InputRole
from edge_agent.settings import BusSettings, DeviceSettings
from simulators.devices.gpio_chip import SimulatedGpioChip
from tests.edge_agent.drivers.fake_line import FakeLine
from tests.edge_agent.drivers.real_bus import wait_for
from tests.edge_agent.drivers.test_modbus import START

DOOR, MAINS = 4, 17
SETTINGS = DeviceSettings(
    "inputs",
    "gpio",
    inputs={"front": DOOR, "mains": MAINS},
    options={
        "role.front": "door_closed",
        "active_low.front": True,
        "role.mains": "mains_present",
    },
)
LEVELS = [
    Level(DOOR, active=True, at_ns=2**63, is_edge=True),
    Level(MAINS, active=False, at_ns=0, is_edge=False),
]
STREAM = b"".join(map(encode_level, LEVELS))

levels = st.builds(
    Level, st.integers(0, 0xFFFF), st.booleans(), st.integers(0, 2**64 - 1), st.booleans()
)


@given(st.lists(levels))
def test_records_come_back_whole(written: list[Level]) -> None:
    assert LevelParser().feed(b"".join(map(encode_level, written))) == written


def test_records_come_back_byte_by_byte() -> None:
    parser = LevelParser()
    assert [level for byte in STREAM for level in parser.feed(bytes((byte,)))] == LEVELS


@given(st.binary(max_size=40).map(lambda rubbish: rubbish.replace(b"\xa7", b"\x00")))
def test_records_are_found_after_rubbish(rubbish: bytes) -> None:
    assert LevelParser().feed(rubbish + STREAM) == LEVELS


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    parser = LevelParser()
    parser.feed(data)
    assert parser.feed(bytes(RECORD.size) + STREAM)[-2:] == LEVELS


def test_what_the_bus_keeps_of_overheard_bytes_is_whole_records() -> None:
    assert OVERHEARD_BYTES_MAX % RECORD.size == 0


def watch(line: int, bias: Bias = Bias.AS_IS, *, active_low: bool = False) -> Watch:
    return Watch(line, active_low, bias, debounce_us=50_000)


def test_a_request_names_each_line_and_how_to_watch_it() -> None:
    watches = (watch(4, bias=Bias.PULL_UP, active_low=True), watch(17))
    assert decode_request(encode_request(watches)) == watches


class Bench:
    """Inputs on a chip, driven as their bus would."""

    def __init__(self, *, kernel_debounces: bool = True) -> None:
        self.clock = ManualClock(START, elapsed=1_000.0)
        self.chip = SimulatedGpioChip(self.clock, kernel_debounces=kernel_debounces)
        self.chip.move(DOOR, high=False)
        self.chip.let_time_pass(self.clock.elapsed())
        self.port = ListenedPort(GpioPort("chip", self.chip.open, self.clock))
        kind = kind_named("gpio")
        assert kind is not None
        check(SETTINGS, kind)
        device = kind.build(SETTINGS, self.port, self.clock)
        assert isinstance(device, GpioInputs)
        self.device = device

    def poll(self) -> list[InputReading]:
        self.port.open()
        assert self.device.poll() == ()
        return list(self.device.hear(self.port.take_heard()))

    def listen(self, seconds: float) -> list[InputReading]:
        end, readings = self.clock.elapsed() + seconds, []
        while (left := end - self.clock.elapsed()) > 0:
            self.port.read(left)
            readings += self.device.hear(self.port.take_heard())
        return readings


@pytest.fixture(params=[True, False], ids=["kernel debounces", "we debounce"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(kernel_debounces=request.param)


def told(readings: list[InputReading]) -> list[tuple[str, bool]]:
    return [(reading.part, reading.active) for reading in readings]


def test_a_poll_tells_how_all_inputs_stand(bench: Bench) -> None:
    readings = bench.poll()
    assert told(readings) == [("front", True), ("mains", True)]
    assert [row.role for row in readings] == [InputRole.DOOR_CLOSED, InputRole.MAINS_PRESENT]
    assert (readings[0].device, readings[0].at_elapsed) == ("inputs", bench.clock.elapsed())


def test_a_reed_that_bounces_is_one_reading_with_the_time_it_came_to_rest(bench: Bench) -> None:
    bench.poll()
    bench.listen(1.0)
    moved_at = bench.clock.elapsed()
    bench.chip.bounce(DOOR, high=True, times=4, gap_seconds=0.002)
    (opened,) = bench.listen(1.0)
    assert (opened.part, opened.active) == ("front", False)
    assert opened.at_elapsed == pytest.approx(moved_at + 0.016, abs=1e-6)


def test_a_dip_of_the_mains_shorter_than_the_period_is_nothing(bench: Bench) -> None:
    bench.poll()
    bench.chip.move(MAINS, high=False)
    bench.chip.move(MAINS, high=True, after_seconds=0.03)
    assert bench.listen(1.0) == []
    assert told(bench.poll())[1] == ("mains", True)


def test_a_door_that_opens_and_shuts_between_two_polls_is_seen(bench: Bench) -> None:
    bench.poll()
    bench.chip.move(DOOR, high=True, after_seconds=0.2)
    bench.chip.move(DOOR, high=False, after_seconds=0.5)
    assert told(bench.listen(1.0)) == [("front", False), ("front", True)]


def test_edges_before_a_poll_are_told_before_its_levels(bench: Bench) -> None:
    bench.poll()
    bench.chip.move(DOOR, high=True, after_seconds=0.0)
    bench.chip.let_time_pass(bench.clock.elapsed())
    bench.clock.advance(0.2)
    readings = bench.poll()
    assert told(readings) == [("front", False), ("front", False), ("mains", True)]
    assert [row.at_elapsed for row in readings] == sorted(row.at_elapsed for row in readings)


def test_a_reed_that_chatters_for_ever_shows_by_its_changes() -> None:
    bench = Bench(kernel_debounces=False)
    bench.poll()
    bench.chip.chatter(DOOR, seconds=60.0, gap_seconds=0.009)
    changes = bench.listen(61.0)
    assert 50 < len(changes) <= 61


def test_a_brown_out_is_a_port_that_is_gone_and_opens_again(bench: Bench) -> None:
    bench.poll()
    bench.chip.brown_out()
    with pytest.raises(PortGoneError):
        bench.poll()
    bench.port.close()
    assert told(bench.poll()) == [("front", False), ("mains", True)]


def test_a_chip_that_is_not_there_or_closed_is_gone(bench: Bench) -> None:
    bench.chip.plugged = False
    with pytest.raises(PortGoneError, match="cannot open"):
        bench.port.open()
    bench.port.close()
    with pytest.raises(PortGoneError):
        bench.port.read(0.1)
    with pytest.raises(PortGoneError):
        bench.port.write(encode_request(()))


def test_without_the_package_the_port_is_gone_and_says_what_to_install() -> None:
    def not_installed(_: str) -> SimulatedGpioChip:
        raise ModuleNotFoundError("No module named 'gpiod'")

    port = GpioPort("chip", not_installed, ManualClock(START))
    with pytest.raises(PortGoneError, match="extra `gpio`"):
        port.open()


def test_a_port_that_was_asked_nothing_tells_nothing(bench: Bench) -> None:
    bench.port.open()
    assert bench.port.read(0.001) == b""


def test_lines_are_requested_once_and_again_after_each_opening(bench: Bench) -> None:
    bench.poll()
    bench.poll()
    assert bench.chip.openings == 1
    bench.port.close()
    bench.poll()
    assert bench.chip.openings == 2


def test_a_line_that_the_chip_does_not_have_is_a_port_that_is_gone(bench: Bench) -> None:
    bench.port.open()
    with pytest.raises(PortGoneError, match="no such line"):
        bench.port.write(encode_request([watch(99)]))


def test_a_stamp_of_another_clock_is_not_believed(bench: Bench) -> None:
    for stamp in (0, 2**62):
        (reading,) = bench.device.hear(
            encode_level(Level(DOOR, active=True, at_ns=stamp, is_edge=True))
        )
        assert reading.at_elapsed == bench.clock.elapsed()
    assert bench.device.hear(encode_level(Level(30, active=True, at_ns=0, is_edge=True))) == ()


def test_a_chip_that_does_not_answer_is_silent() -> None:
    clock = ManualClock(START)
    kind = kind_named("gpio")
    assert kind is not None
    device = kind.build(SETTINGS, FakeLine([], clock), clock)
    with pytest.raises(NoAnswerError):
        device.poll()


@pytest.mark.parametrize(
    ("inputs", "options", "key"),
    [
        ({}, {}, "inputs"),
        ({"front": 4}, {}, "options.role.front"),
        ({"front": 4}, {"role.front": "ajar"}, "options.role.front"),
        ({"front": 4}, {"role.back": "tilted"}, "options.role.back"),
        ({"front": 4}, {"role": "tilted"}, "options.role"),
        ({"front": 4}, {"role.front": "tilted", "active_low.front": 1}, "options.active_low.front"),
        ({"front": 4}, {"role.front": "tilted", "debounce_ms": 0}, "options.debounce_ms"),
        ({"front": 4}, {"role.front": "tilted", "bias": "up"}, "options.bias"),
        ({"front": -1}, {"role.front": "tilted"}, "inputs.front"),
        ({"a": 4, "b": 4}, {"role.a": "tilted", "role.b": "tilted"}, "inputs.b"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(
    inputs: dict[str, int], options: dict[str, Option], key: str
) -> None:
    device = DeviceSettings("inputs", "gpio", inputs=inputs, options=options)
    with pytest.raises(DeviceSettingsError) as caught:
        build_bus(BusSettings("chip", [device]), ReadingQueue(), ManualClock(START))
    assert caught.value.key == key


def test_a_door_is_seen_through_the_bus_thread_and_a_chip_that_comes_back() -> None:
    clock, readings = SystemClock(), ReadingQueue()
    chip = SimulatedGpioChip(clock)
    port = ListenedPort(GpioPort("chip", chip.open, clock))
    kind = kind_named("gpio")
    assert kind is not None
    bus = Bus(port, [kind.build(SETTINGS, port, clock)], readings, clock, poll_seconds=0.2)
    bus.start()
    wait_for(readings, InputReading, lambda row: row.part == "front" and not row.active)
    chip.bounce(DOOR, high=False)
    wait_for(readings, InputReading, lambda row: row.part == "front" and row.active)
    chip.brown_out()
    wait_for(readings, InputReading, lambda row: row.part == "front" and not row.active)
    bus.stop()
    assert bus.crash is None
    assert chip.openings > 1


def test_a_board_without_such_a_chip_says_so_at_each_poll(tmp_path: Path) -> None:
    clock, readings = SystemClock(), ReadingQueue()
    bus = build_bus(BusSettings(str(tmp_path / "gpiochip9"), [SETTINGS], 0.05), readings, clock)
    bus.start()
    failure = wait_for(readings, DeviceFailure, lambda row: row.consecutive == 2)
    bus.stop()
    assert bus.crash is None
    assert (failure.kind, failure.error, failure.parts) == (
        "inputs",
        "PortGoneError",
        ("front", "mains"),
    )
