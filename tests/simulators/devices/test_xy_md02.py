"""The simulated probe, byte for byte (hardware reference 1.2)."""

import pytest

from edge_agent.drivers.modbus.frames import is_whole, with_crc
from edge_agent.seed import Chance
from simulators.devices.thermal import ThermalCurve
from simulators.devices.xy_md02 import SimulatedXyMd02

READ_BOTH = bytes.fromhex("01 04 00 01 00 02 20 0B")


def probe(celsius: float = 30.5) -> SimulatedXyMd02:
    return SimulatedXyMd02(Chance.from_seed(1), temperature_celsius=celsius, humidity_percent=54.6)


def request(text: str) -> bytes:
    return with_crc(bytes.fromhex(text))


def answered(simulated: SimulatedXyMd02, text: str) -> str:
    answer = simulated.answer(request(text))
    assert is_whole(answer)
    return answer[:-2].hex(" ")


def test_the_published_request_gets_the_published_answer() -> None:
    assert probe().answer(READ_BOTH) == bytes.fromhex("01 04 04 01 31 02 22 2A CE")


def test_a_request_in_pieces_amid_rubbish_is_answered_once() -> None:
    simulated = probe()
    pieces = [b"\xff\x01", READ_BOTH[:3], READ_BOTH[3:], b"\x00\x01\x04"]
    answers = [simulated.answer(piece) for piece in pieces]
    assert [bool(answer) for answer in answers] == [False, False, True, False]


def test_other_addresses_and_broken_requests_are_passed_by() -> None:
    simulated = probe()
    assert simulated.answer(request("02 04 00 01 00 02")) == b""
    assert simulated.answer(READ_BOTH[:-1] + b"\x00") == b""


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("01 04 00 03 00 01", "01 84 02"),
        ("01 04 00 01 00 03", "01 84 02"),
        ("01 01 00 01 00 01", "01 81 01"),
        ("01 03 01 01 00 02", "01 03 04 00 01 25 80"),
        ("01 06 01 03 00 65", "01 86 03"),
        ("01 06 02 00 00 01", "01 86 02"),
        ("01 10 01 03 00 02 04 00 05 FF FB", "01 10 01 03 00 02"),
    ],
)
def test_each_function_answers_or_refuses_as_the_standard_says(asked: str, answer: str) -> None:
    assert answered(probe(), asked) == answer


def test_a_correction_moves_the_temperature_by_tenths() -> None:
    simulated = probe(30.0)
    answered(simulated, "01 06 01 03 FF F6")
    assert answered(simulated, "01 04 00 01 00 01") == "01 04 02 01 22"


def test_a_new_address_takes_effect() -> None:
    simulated = probe()
    answered(simulated, "01 06 01 01 00 07")
    assert simulated.answer(READ_BOTH) == b""
    assert answered(simulated, "07 04 00 01 00 01") == "07 04 02 01 31"


def test_a_stale_probe_repeats_its_last_value() -> None:
    simulated = probe(3.0)
    simulated.answer(READ_BOTH)
    simulated.faults.stale = True
    simulated.temperature_celsius = 20.0
    assert answered(simulated, "01 04 00 01 00 01") == "01 04 02 00 1e"


def test_an_open_probe_shows_a_value_no_air_has() -> None:
    simulated = probe()
    simulated.faults.probe_open = True
    assert answered(simulated, "01 04 00 01 00 01") == "01 04 02 80 00"


def test_a_living_compressor_keeps_the_air_at_its_set_point() -> None:
    curve = ThermalCurve()
    seen = []
    for _ in range(2_000):
        curve.advance(10)
        seen.append(curve.inside_celsius)
    assert 2.0 < min(seen) < 3.0 < max(seen) < 4.0


def test_a_dead_compressor_lets_the_air_drift_to_ambient_and_repair_brings_it_back() -> None:
    simulated = SimulatedXyMd02(Chance.from_seed(1), curve=ThermalCurve())
    simulated.tick(0)
    simulated.set_compressor(alive=False)
    simulated.tick(1_800)
    warm = simulated.temperature_celsius
    simulated.tick(40_000)
    assert 8 < warm < 15
    assert simulated.temperature_celsius == pytest.approx(25, abs=0.1)
    simulated.set_compressor(alive=True)
    simulated.tick(50_000)
    assert simulated.temperature_celsius < 4
