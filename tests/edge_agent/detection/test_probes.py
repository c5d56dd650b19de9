"""Two probes in one compartment, probes that come and go, and silence that is not a probe's."""

from collections.abc import Callable
from functools import partial

import pytest

from edge_agent.detection.findings import Raised
from tests.edge_agent.detection.cabinet import Cabinet, Word, told
from tests.edge_agent.detection.words import air, cooling, frozen, silent

HOLD = "TEMP_SAFETY_HOLD"


@pytest.mark.parametrize(
    ("kind", "device", "parts", "code"),
    [
        ("scale", "scales", ("top", "bottom"), "MODBUS_DEVICE_COMM"),
        ("inputs", "inputs", ("A", "mains"), "DEVICE_COMM"),
        ("spiral_board", "vmc", ("11", "12"), "DEVICE_COMM"),
        ("audit", "dex", (), "DEVICE_COMM"),
        ("payment", "qibixx", ("till",), "PAY_READER_OFFLINE"),
    ],
)
def test_a_silent_device_that_is_no_probe_says_nothing_of_the_air(
    kind: str, device: str, parts: tuple[str, ...], code: str
) -> None:
    cabinet = Cabinet()
    cabinet.run(8 * 3_600, air(3.0), silent(kind, device, *parts), every=5.0)
    assert cabinet.open_codes() == {code}


def test_a_silent_controller_is_a_blind_compartment_but_no_blind_door() -> None:
    cabinet = Cabinet()
    findings = cabinet.run(20, silent("refrigeration", "carel", "chiller", "A"))
    assert {(row.code, row.part) for row in findings} == {
        ("MODBUS_DEVICE_COMM", "carel"),
        ("TEMP_SENSOR", "chiller"),
    }


def test_the_mean_weighs_two_probes_alike_however_their_polls_fall_in_time() -> None:
    cabinet = Cabinet()
    first, second = air(2.0, "p1"), air(6.0, "p2")
    for _ in range(300):
        cabinet.elapsed += 0.99
        cabinet.detector.observe(first(cabinet.elapsed))
        cabinet.elapsed += 0.01
        cabinet.detector.observe(second(cabinet.elapsed))
        cabinet.detector.step(cabinet.elapsed, cabinet.wall)
    assert cabinet.detector.mean_celsius("chiller") == pytest.approx(4.0, abs=0.02)


def test_a_silent_probe_leaves_the_mean_to_the_other() -> None:
    cabinet = Cabinet()
    cabinet.run(60, air(2.0, "p1"), air(6.0, "p2"))
    cabinet.run(60, air(2.0, "p1"))
    assert cabinet.detector.mean_celsius("chiller") == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(
    ("broken", "seconds", "cause"),
    [
        (partial(silent, "temperature", "p2", "chiller"), 15, "silent"),
        (partial(frozen, -60.0, "p2"), 15, "out_of_range"),
        (partial(frozen, 3.0, "p2"), 7_202, "frozen"),
    ],
)
def test_a_good_probe_does_not_hide_a_broken_twin(
    broken: Callable[[], Word], seconds: float, cause: str
) -> None:
    cabinet, word = Cabinet(), broken()
    findings = cabinet.run(seconds, air(3.0, "p1"), word)
    (raised,) = findings
    assert isinstance(raised, Raised)
    assert (raised.code, raised.part, raised.cause) == ("TEMP_SENSOR", "chiller", cause)
    assert told(cabinet.run(3_600, air(3.0, "p1"), word)) == [], "the good one clears nothing"


def test_a_probe_that_was_taken_away_is_forgotten_after_an_hour() -> None:
    cabinet = Cabinet()
    cabinet.run(20, air(3.0, "p1"), silent("temperature", "p2", "chiller"))
    assert told(cabinet.run(3_570, air(3.0, "p1"))) == []
    assert told(cabinet.run(60, air(3.0, "p1"))) == ["-TEMP_SENSOR"]


def test_a_probe_called_good_by_its_controller_stays_bad_by_itself_after_a_reboot() -> None:
    cabinet = Cabinet()
    cabinet.silence("probe", 20)
    cabinet.reboot(2)
    assert told(cabinet.run(700, cooling())) == []
    assert "TEMP_SENSOR" in cabinet.open_codes()


def test_a_value_that_is_the_same_after_a_night_without_power_did_not_stand_still() -> None:
    cabinet = Cabinet(perishable=False)
    cabinet.frozen_air(4.0, 600)
    cabinet.reboot(8 * 3_600)
    assert told(cabinet.frozen_air(4.0, 600)) == []


def test_a_compartment_that_is_fitted_no_more_is_held_once_and_released_for_good() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    cabinet.reboot(60)
    findings = cabinet.run(1_900, air(3.0, part="fridge"))
    assert told(findings) == [f"+{HOLD} C"]
    assert findings[0].part == "chiller"
    cabinet.detector.release(HOLD, "chiller", "technician-7", elapsed=cabinet.elapsed)
    assert told(cabinet.run(8 * 3_600, air(3.0, part="fridge"), every=5.0)) == []


def test_a_probe_that_died_in_this_life_holds_again_after_each_release() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    for _ in range(2):
        assert f"+{HOLD} C" in told(cabinet.silence("probe", 1_900))
        cabinet.detector.release(HOLD, "chiller", "technician-7", elapsed=cabinet.elapsed)


def test_polls_as_slow_as_settings_allow_still_clear() -> None:
    cabinet = Cabinet(perishable=False)
    assert told(cabinet.air(9.0, 620, every=10.0)) == ["+TEMP_HIGH M"]
    assert told(cabinet.air(2.0, 720, every=10.0)) == ["-TEMP_HIGH"]
