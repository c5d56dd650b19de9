"""Carel ir33+ and Dixell XR: tables, readings, faults, and each once over a real terminal."""

from pathlib import Path

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.build import kind_named
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    DeviceSettingsError,
    NoAnswerError,
)
from edge_agent.drivers.kinds import check
from edge_agent.drivers.modbus.frames import ExceptionCode
from edge_agent.drivers.modbus.profile import blocks_of
from edge_agent.drivers.polled import PolledDevice
from edge_agent.drivers.readings import (
    InputReading,
    InputRole,
    RefrigerationAlarm,
    RefrigerationReading,
    TemperatureReading,
)
from edge_agent.drivers.temperature.controllers import carel_ir33, dixell_xr
from edge_agent.seed import Chance
from edge_agent.settings import DeviceSettings
from simulators.devices.carel_ir33 import SET_POINT, SimulatedCarelIr33
from simulators.devices.dixell_xr import DEFROST_STATUS_BIT, SimulatedDixellXr
from simulators.devices.thermal import ThermalCurve
from tests.edge_agent.drivers.fake_line import FakeLine
from tests.edge_agent.drivers.real_bus import running_bus, wait_for
from tests.edge_agent.drivers.test_modbus import START

Controller = SimulatedCarelIr33 | SimulatedDixellXr
Option = str | int | float | bool


def built(
    kind_name: str, simulated: Controller, **options: Option
) -> tuple[PolledDevice, FakeLine]:
    """Build the device as `build_bus` does, on a line in this thread."""
    settings = DeviceSettings("cooler", kind_name, 1, part="chiller", options=options)
    kind = kind_named(kind_name)
    assert kind is not None
    check(settings, kind)
    clock = ManualClock(START, elapsed=50.0)
    line = FakeLine([simulated], clock)
    return kind.build(settings, line, clock), line


def polled(device: PolledDevice) -> tuple[TemperatureReading, RefrigerationReading]:
    air, cooling, *_ = device.poll()
    assert isinstance(air, TemperatureReading)
    assert isinstance(cooling, RefrigerationReading)
    return air, cooling


def cool_curve() -> ThermalCurve:
    return ThermalCurve(inside_celsius=3.2)


SIMULATED = {
    "carel-ir33": lambda: SimulatedCarelIr33(Chance.from_seed(1), curve=cool_curve()),
    "dixell-xr": lambda: SimulatedDixellXr(Chance.from_seed(1), curve=cool_curve()),
}
EACH = pytest.mark.parametrize("kind", SIMULATED)


def test_carel_is_read_with_two_questions() -> None:
    """Of them the virtual probe, and all coils up to the door in one."""
    asked = [block.request(1).encode().hex(" ") for block in blocks_of(carel_ir33().profile)]
    assert [each[:17] for each in asked] == ["01 01 00 01 00 25", "01 03 00 03 00 01"]


def test_carel_numbers_can_count_from_one() -> None:
    blocks = blocks_of(carel_ir33(base=1, probe=2).profile)
    assert [(block.start, block.count) for block in blocks] == [(0, 37), (4, 1)]


def test_every_printed_carel_alarm_has_a_meaning() -> None:
    controller = carel_ir33()
    coils = {
        row.address: row.name for row in controller.profile.rows if row.name in controller.alarms
    }
    assert sorted(coils) == list(range(9, 29))
    named = {number: controller.alarms[name] for number, name in coils.items()}
    assert {
        number for number, alarm in named.items() if alarm is RefrigerationAlarm.PROBE_FAULT
    } == {
        9,
        10,
        11,
        12,
        13,
        14,
    }
    assert [named[number] for number in (15, 16, 19, 20, 24, 25)] == [
        RefrigerationAlarm.LOW_TEMPERATURE,
        RefrigerationAlarm.HIGH_TEMPERATURE,
        RefrigerationAlarm.DEFROST_TIMEOUT,
        RefrigerationAlarm.DEFROST_TIMEOUT,
        RefrigerationAlarm.CONDENSER_HOT,
        RefrigerationAlarm.DOOR_OPEN,
    ]


def test_dixell_reads_its_first_probe_with_the_published_bytes() -> None:
    asked = [block.request(1).encode().hex(" ") for block in blocks_of(dixell_xr().profile)]
    assert "01 03 01 00 00 01 85 f6" in asked
    assert [each[3:17] for each in asked] == [
        "01 02 00 00 02",
        "01 02 10 00 01",
        "03 01 00 00 01",
        "03 01 10 00 01",
    ]


@EACH
@pytest.mark.parametrize("chunk_bytes", [1, 256])
def test_air_and_cooling_are_told_in_one_poll(kind: str, chunk_bytes: int) -> None:
    simulated = SIMULATED[kind]()
    device, line = built(kind, simulated)
    line.chunk_bytes = chunk_bytes
    air, cooling = polled(device)
    assert (air.device, air.part, air.celsius) == ("cooler", "chiller", 3.2)
    assert (cooling.compressor_on, cooling.defrosting, cooling.alarms) == (
        False,
        False,
        frozenset(),
    )
    assert air.at_elapsed == cooling.at_elapsed > 50.0


def test_a_set_point_is_told_where_its_register_is_known() -> None:
    carel = SIMULATED["carel-ir33"]()
    assert polled(built("carel-ir33", carel)[0])[1].set_point_celsius is None
    told, _ = built("carel-ir33", carel, set_point_register=SET_POINT)
    assert polled(told)[1].set_point_celsius == 3.0
    assert polled(built("dixell-xr", SIMULATED["dixell-xr"]())[0])[1].set_point_celsius == 3.0


@EACH
def test_a_defrost_is_seen_as_a_warm_bump_with_the_compressor_off(kind: str) -> None:
    simulated = SIMULATED[kind]()
    device, _ = built(kind, simulated)
    simulated.tick(0.0)
    simulated.cooling.start_defrost()
    simulated.tick(900.0)
    air, cooling = polled(device)
    assert (cooling.defrosting, cooling.compressor_on) == (True, False)
    assert 5.0 < air.celsius < 13.0
    simulated.tick(4_800.0)
    air, cooling = polled(device)
    assert cooling.defrosting is False
    assert air.celsius < 4.5


@EACH
def test_a_dead_compressor_is_still_switched_on_while_the_air_warms_slowly(kind: str) -> None:
    simulated = SIMULATED[kind]()
    device, _ = built(kind, simulated)
    simulated.tick(0.0)
    simulated.cooling.set_compressor(alive=False)
    seen = []
    for minute in range(1, 31):
        simulated.tick(60.0 * minute)
        seen.append(polled(device))
    assert [air.celsius for air, _ in seen] == sorted(air.celsius for air, _ in seen)
    assert seen[-1][0].celsius > 8.0
    assert seen[-1][1].compressor_on is True


def test_carel_alarms_are_named() -> None:
    simulated = SimulatedCarelIr33(Chance.from_seed(1), curve=cool_curve())
    device, _ = built("carel-ir33", simulated)
    simulated.tick(0.0)
    simulated.faults.probe_open = simulated.faults.condenser_hot = True
    simulated.faults.defrost_never_ends = True
    simulated.cooling.start_defrost()
    simulated.cooling.open_door()
    simulated.tick(3_600.0)
    air, cooling = polled(device)
    assert cooling.alarms == {
        RefrigerationAlarm.PROBE_FAULT,
        RefrigerationAlarm.CONDENSER_HOT,
        RefrigerationAlarm.DEFROST_TIMEOUT,
        RefrigerationAlarm.DOOR_OPEN,
        RefrigerationAlarm.OTHER,
    }
    assert air.celsius == -55.0, "handed on as it came: detection judges ranges"


def test_dixell_only_says_that_there_is_an_alarm() -> None:
    simulated = SimulatedDixellXr(Chance.from_seed(1))
    device, _ = built("dixell-xr", simulated)
    simulated.faults.condenser_hot = True
    assert polled(device)[1].alarms == {RefrigerationAlarm.OTHER}


def test_dixell_outputs_and_status_bit_are_told_by_options() -> None:
    simulated = SimulatedDixellXr(Chance.from_seed(1))
    untold, _ = built("dixell-xr", simulated, compressor_output=0, defrost_output=0)
    cooling = polled(untold)[1]
    assert (cooling.compressor_on, cooling.defrosting) == (None, None)
    by_bit, _ = built("dixell-xr", simulated, defrost_status_bit=DEFROST_STATUS_BIT)
    assert polled(by_bit)[1].defrosting is False
    simulated.cooling.start_defrost()
    assert polled(by_bit)[1].defrosting is True


def test_another_probe_can_be_read() -> None:
    evaporator, _ = built("carel-ir33", SIMULATED["carel-ir33"](), probe=2)
    assert polled(evaporator)[0].celsius == -2.8


def test_a_door_on_the_controller_is_an_input_of_its_name() -> None:
    simulated = SimulatedCarelIr33(Chance.from_seed(1))
    device, _ = built("carel-ir33", simulated, door="front")
    assert device.parts == ("chiller", "front")
    simulated.cooling.open_door()
    door = device.poll()[2]
    assert isinstance(door, InputReading)
    assert (door.part, door.role, door.active) == ("front", InputRole.DOOR_CLOSED, False)
    simulated.cooling.close_door()
    closed = device.poll()[2]
    assert isinstance(closed, InputReading)
    assert closed.active


@EACH
def test_each_fault_of_the_wire_is_an_error_of_its_own(kind: str) -> None:
    simulated = SIMULATED[kind]()
    device, line = built(kind, simulated)
    simulated.faults.exception = ExceptionCode.ILLEGAL_ADDRESS
    with pytest.raises(DeviceRefusedError, match="ILLEGAL_ADDRESS"):
        device.poll()
    simulated.faults.exception = None
    simulated.faults.wire.wrong_checksum = 1.0
    with pytest.raises(BadFrameError):
        device.poll()
    simulated.faults.wire.wrong_checksum = 0.0
    simulated.faults.wire.lose_byte = 1.0
    with pytest.raises(BadFrameError):
        device.poll()
    simulated.faults.wire.silent = True
    started = len(line.written)
    with pytest.raises(NoAnswerError, match=r"0\.5 s"):
        device.poll()
    assert len(line.written) - started == 2, "a dead controller costs two questions, not eight"


@EACH
def test_a_stale_controller_repeats_itself(kind: str) -> None:
    simulated = SIMULATED[kind]()
    device, _ = built(kind, simulated)
    before = polled(device)[0].celsius
    simulated.faults.stale = True
    simulated.cooling.curve.inside_celsius = 20.0
    assert polled(device)[0].celsius == before


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("carel-ir33", "base", 2),
        ("carel-ir33", "probe", 5),
        ("carel-ir33", "set_point_register", -1),
        ("dixell-xr", "probe", 0),
        ("dixell-xr", "compressor_output", 5),
        ("dixell-xr", "defrost_status_bit", 16),
        ("dixell-xr", "door", "front"),
        ("carel-ir33", "probe", "virtual"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(kind: str, key: str, value: Option) -> None:
    with pytest.raises(DeviceSettingsError) as caught:
        built(kind, SIMULATED[kind](), **{key: value})
    assert caught.value.key == f"options.{key}"


@EACH
def test_a_controller_is_read_over_a_real_terminal_with_echo(kind: str, tmp_path: Path) -> None:
    simulated = SIMULATED[kind]()
    settings = DeviceSettings("cooler", kind, 1, part="chiller")
    with running_bus(simulated, settings, tmp_path, echo=True) as readings:
        air = wait_for(readings, TemperatureReading)
        simulated.faults.probe_open = True
        alarmed = wait_for(readings, RefrigerationReading, lambda row: bool(row.alarms))
    assert air.celsius == pytest.approx(3.2, abs=0.5)
    assert alarmed.device == "cooler"
