"""Modbus frames, profiles and driver; vectors of the hardware reference 1.2."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import ManualClock
from edge_agent.drivers.errors import BadFrameError, DeviceRefusedError, NoAnswerError
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.frames import (
    ExceptionCode,
    Function,
    ModbusException,
    ReadRequest,
    Registers,
    find_answer,
    with_crc,
)
from edge_agent.drivers.modbus.profiles import (
    XY_MD02,
    Profile,
    Register,
    WordKind,
    blocks_of,
)
from edge_agent.seed import Chance
from simulators.devices.xy_md02 import SimulatedXyMd02
from tests.edge_agent.drivers.fake_line import FakeLine

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
REQUEST = ReadRequest(1, Function.READ_INPUT, 0x0001, 2)
ANSWER = bytes.fromhex("01 04 04 01 31 02 22 2A CE")


def test_requests_are_the_published_bytes() -> None:
    assert REQUEST.encode().hex(" ") == "01 04 00 01 00 02 20 0b"
    carel = ReadRequest(1, Function.READ_HOLDING, 0x0004, 3)
    assert carel.encode().hex(" ") == "01 03 00 04 00 03 44 0a"
    dixell = ReadRequest(1, Function.READ_HOLDING, 0x0100, 1)
    assert dixell.encode().hex(" ") == "01 03 01 00 00 01 85 f6"


def test_the_published_answer_is_found_and_scaled() -> None:
    answer = find_answer(REQUEST, ANSWER)
    assert answer == Registers((0x0131, 0x0222))
    (block,) = blocks_of(XY_MD02)
    assert block.values((0x0131, 0x0222)) == {"temperature_celsius": 30.5, "humidity_percent": 54.6}


@pytest.mark.parametrize(("word", "celsius"), [(0x0131, 30.5), (0xFF33, -20.5), (0x8000, -3276.8)])
def test_temperature_is_signed(word: int, celsius: float) -> None:
    assert XY_MD02.registers[0].value_of(word) == celsius


@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_an_answer_not_whole_is_waited_for(cut: int) -> None:
    assert find_answer(REQUEST, ANSWER[:cut]) is None


@pytest.mark.parametrize("index", range(len(ANSWER)))
def test_an_answer_with_any_byte_wrong_is_not_taken(index: int) -> None:
    wrong = bytearray(ANSWER)
    wrong[index] ^= 0x10
    assert find_answer(REQUEST, bytes(wrong)) is None


@given(st.binary(max_size=30).map(lambda rubbish: rubbish.replace(b"\x01", b"\x00")), st.binary())
def test_an_answer_is_found_with_echo_and_rubbish_around(before: bytes, after: bytes) -> None:
    heard = before + REQUEST.encode() + ANSWER + after
    assert find_answer(REQUEST, heard) == Registers((0x0131, 0x0222))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_search(heard: bytes) -> None:
    answer = find_answer(REQUEST, heard)
    assert answer is None or isinstance(answer, Registers | ModbusException)


@pytest.mark.parametrize(("code", "name"), [(2, "ILLEGAL_ADDRESS"), (0x77, "code 119")])
def test_an_exception_is_found_and_named(code: int, name: str) -> None:
    answer = find_answer(REQUEST, with_crc(bytes((1, 0x84, code))))
    assert isinstance(answer, ModbusException)
    assert (answer.code, answer.name) == (code, name)


def test_registers_side_by_side_are_read_at_once_and_others_apart() -> None:
    def row(name: str, function: Function, address: int) -> Register:
        return Register(name, function, address, WordKind.SIGNED, 0.1)

    rows = (
        row("third", Function.READ_INPUT, 3),
        row("seventh", Function.READ_INPUT, 7),
        row("second", Function.READ_INPUT, 2),
        row("held", Function.READ_HOLDING, 4),
    )
    blocks = blocks_of(Profile("any", 9_600, 0.3, rows))
    assert [[register.name for register in block.registers] for block in blocks] == [
        ["held"],
        ["second", "third"],
        ["seventh"],
    ]


def bench(*, echo: bool = False) -> tuple[ModbusDevice, SimulatedXyMd02, FakeLine]:
    clock = ManualClock(START)
    simulated = SimulatedXyMd02(Chance.from_seed(1), temperature_celsius=4.2)
    neighbour = SimulatedXyMd02(Chance.from_seed(2), address=2, temperature_celsius=-18.0)
    line = FakeLine([neighbour, simulated], clock, echo=echo)
    device = ModbusDevice(line, clock, name="air", address=1, profile=XY_MD02)
    return device, simulated, line


@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("chunk_bytes", [1, 256])
def test_a_device_is_read_on_a_shared_bus(*, echo: bool, chunk_bytes: int) -> None:
    device, _, line = bench(echo=echo)
    line.chunk_bytes = chunk_bytes
    assert device.read() == {"temperature_celsius": 4.2, "humidity_percent": 55.0}


def test_text_of_the_ordinary_protocol_does_not_disturb_a_reading() -> None:
    device, simulated, line = bench()
    simulated.faults.ordinary_protocol = True
    text = simulated.tick(10.0)
    assert text == b"4.2C,55.0%\r\n"
    line.put(text)
    assert device.read()["temperature_celsius"] == 4.2


def test_a_refusal_names_its_exception() -> None:
    device, simulated, _ = bench()
    simulated.faults.exception = ExceptionCode.DEVICE_FAILURE
    with pytest.raises(DeviceRefusedError, match="DEVICE_FAILURE"):
        device.read()


def test_a_silent_device_and_a_broken_crc_are_told_apart() -> None:
    device, simulated, line = bench()
    simulated.faults.wire.wrong_checksum = 1.0
    with pytest.raises(BadFrameError):
        device.read()
    simulated.faults.wire.silent = True
    asked = len(line.written)
    with pytest.raises(NoAnswerError):
        device.read()
    assert len(line.written) - asked == 2
