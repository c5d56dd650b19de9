"""Modbus frames, profiles and driver; vectors of the hardware reference 1.2."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import ManualClock
from edge_agent.drivers.errors import BadFrameError, DeviceRefusedError, NoAnswerError
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.frames import (
    CRC_POLYNOMIAL,
    CRC_START,
    ExceptionCode,
    Function,
    ModbusException,
    ReadAnswer,
    ReadRequest,
    WriteRequest,
    Written,
    crc16,
    find_answer,
    find_written,
    with_crc,
)
from edge_agent.drivers.modbus.profile import blocks_of
from edge_agent.drivers.modbus.profiles import XY_MD02
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
    coils = ReadRequest(1, Function.READ_COILS, 0x0001, 40)
    assert coils.encode().hex(" ") == "01 01 00 01 00 28 6d d4"


def crc_by_definition(body: bytes) -> int:
    """CRC-16 bit by bit, as the standard's 6.2.2 tells it."""
    crc = CRC_START
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc


@given(st.binary(max_size=300))
def test_the_table_gives_the_crc_of_the_definition(body: bytes) -> None:
    assert crc16(body) == crc_by_definition(body)


def test_the_published_answer_is_found_and_scaled() -> None:
    answer = find_answer(REQUEST, ANSWER)
    assert answer == ReadAnswer((0x0131, 0x0222))
    (block,) = blocks_of(XY_MD02)
    assert block.values((0x0131, 0x0222)) == {"temperature_celsius": 30.5, "humidity_percent": 54.6}


@pytest.mark.parametrize(("word", "celsius"), [(0x0131, 30.5), (0xFF33, -20.5), (0x8000, -3276.8)])
def test_temperature_is_signed(word: int, celsius: float) -> None:
    assert XY_MD02.rows[0].value_of((word,)) == celsius


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
    assert find_answer(REQUEST, heard) == ReadAnswer((0x0131, 0x0222))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_search(heard: bytes) -> None:
    answer = find_answer(REQUEST, heard)
    assert answer is None or isinstance(answer, ReadAnswer | ModbusException)


@pytest.mark.parametrize(("code", "name"), [(2, "ILLEGAL_ADDRESS"), (0x77, "code 119")])
def test_an_exception_is_found_and_named(code: int, name: str) -> None:
    answer = find_answer(REQUEST, with_crc(bytes((1, 0x84, code))))
    assert isinstance(answer, ModbusException)
    assert (answer.code, answer.name) == (code, name)


COILS = ReadRequest(1, Function.READ_COILS, 0x0013, 19)
COILS_ANSWER = with_crc(bytes.fromhex("01 01 03 CD 6B 05"))
"""The standard's own example (V1.1b3, 6.1): coils 20 to 38."""


def test_bits_come_lowest_first_and_the_last_byte_is_filled_up() -> None:
    answer = find_answer(COILS, COILS_ANSWER)
    assert isinstance(answer, ReadAnswer)
    assert "".join(map(str, answer.values)) == "1011001111010110101"


@pytest.mark.parametrize("cut", range(len(COILS_ANSWER)))
def test_bits_not_whole_are_waited_for(cut: int) -> None:
    assert find_answer(COILS, COILS_ANSWER[:cut]) is None


@given(st.binary(max_size=30).map(lambda rubbish: rubbish.replace(b"\x01", b"\x00")), st.binary())
def test_bits_are_found_with_echo_and_rubbish_around(before: bytes, after: bytes) -> None:
    heard = before + COILS.encode() + COILS_ANSWER + after
    assert find_answer(COILS, heard) == find_answer(COILS, COILS_ANSWER)


@pytest.mark.parametrize(
    ("function", "words", "request_hex", "answer_hex"),
    [
        # The standard's examples (V1.1b3, 6.5, 6.6, 6.12), CRC ours.
        (Function.WRITE_COIL, (1,), "01 05 00 01 ff 00", "01 05 00 01 ff 00"),
        (Function.WRITE_COIL, (0,), "01 05 00 01 00 00", "01 05 00 01 00 00"),
        (Function.WRITE_SINGLE, (3,), "01 06 00 01 00 03", "01 06 00 01 00 03"),
        (
            Function.WRITE_MULTIPLE,
            (10, 258),
            "01 10 00 01 00 02 04 00 0a 01 02",
            "01 10 00 01 00 02",
        ),
    ],
)
def test_writes_are_encoded_and_their_answer_found(
    function: Function, words: tuple[int, ...], request_hex: str, answer_hex: str
) -> None:
    request = WriteRequest(1, function, 1, words)
    answer = with_crc(bytes.fromhex(answer_hex))
    assert request.encode() == with_crc(bytes.fromhex(request_hex))
    assert find_written(request, b"\xff" + answer + b"\x00") == Written()
    assert all(find_written(request, answer[:cut]) is None for cut in range(len(answer)))
    refusal = find_written(request, with_crc(bytes((1, function | 0x80, 3))))
    assert refusal == ModbusException(ExceptionCode.ILLEGAL_VALUE)


def test_the_echo_of_several_registers_is_not_their_answer() -> None:
    request = WriteRequest(1, Function.WRITE_MULTIPLE, 1, (10, 258))
    assert find_written(request, request.encode()) is None


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
