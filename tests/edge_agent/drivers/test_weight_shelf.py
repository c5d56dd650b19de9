"""Scales: CAS CI-600D, Eagle EI and the status word of ID551PN; loads, faults, zeroing."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.build import kind_named
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    DeviceSettingsError,
    NoAnswerError,
    NotWritableError,
    UnknownShelfError,
    ZeroNotTakenError,
)
from edge_agent.drivers.kinds import check
from edge_agent.drivers.modbus.frames import ExceptionCode, Function
from edge_agent.drivers.modbus.profile import blocks_of
from edge_agent.drivers.readings import WeightReading
from edge_agent.drivers.weight_shelf.driver import PolledScale
from edge_agent.drivers.weight_shelf.transmitters import cas_ci600d, eagle_ei, id551pn
from edge_agent.seed import Chance
from edge_agent.settings import DeviceSettings
from simulators.devices.modbus_slave import ModbusSlave, Table
from simulators.devices.scale_transmitter import ADC_RAIL, SimulatedCasCi600d, SimulatedEagleEi
from tests.edge_agent.drivers.fake_line import Answering, FakeLine
from tests.edge_agent.drivers.real_bus import running_bus, wait_for
from tests.edge_agent.drivers.test_modbus import START

Option = str | int | float | bool
POUND = 453.59237
SETTLED_SECONDS = 20.0


def built(
    kind_name: str, simulated: Answering, shelves: Mapping[str, int], **options: Option
) -> tuple[PolledScale, FakeLine]:
    settings = DeviceSettings("scale", kind_name, 1, shelves=dict(shelves), options=options)
    kind = kind_named(kind_name)
    assert kind is not None
    check(settings, kind)
    clock = ManualClock(START, elapsed=50.0)
    line = FakeLine([simulated], clock)
    scale = kind.build(settings, line, clock)
    assert isinstance(scale, PolledScale)
    return scale, line


def cas(**options: Option) -> tuple[PolledScale, SimulatedCasCi600d]:
    simulated = SimulatedCasCi600d(Chance.from_seed(1), noise_grams=0.0)
    return built("cas-ci600d", simulated, {"top": 1}, **options)[0], simulated


def eagle(**options: Option) -> tuple[PolledScale, SimulatedEagleEi]:
    simulated = SimulatedEagleEi(Chance.from_seed(1), noise_grams=0.0)
    shelves = {"top": 1, "middle": 2, "low": 4}
    return built("eagle-ei", simulated, shelves, **{"grams_per_unit": POUND, **options})[
        0
    ], simulated


def test_cas_numbers_are_printed_from_40001_and_sent_from_0() -> None:
    asked = [block.request(1) for block in blocks_of(cas_ci600d().profile("net", [1]))]
    assert [(each.start, each.count) for each in asked] == [(9, 2), (13, 2)]
    assert asked[0].encode().hex(" ") == "01 03 00 09 00 02 14 09"
    gross = blocks_of(cas_ci600d().profile("gross", [1]))[0]
    assert (gross.start, gross.count) == (7, 2)


def test_all_shelves_of_an_eagle_are_read_with_one_question() -> None:
    (block,) = blocks_of(eagle_ei().profile("net", range(1, 5)))
    assert block.request(1).encode()[:6].hex(" ") == "01 03 10 08 00 08"
    (gross,) = blocks_of(eagle_ei(second_unit=True).profile("gross", [3]))
    assert (gross.start, gross.count) == (0x2004, 2)


@pytest.mark.parametrize("chunk_bytes", [1, 256])
def test_goods_are_weighed_as_they_come_and_go(chunk_bytes: int) -> None:
    simulated = SimulatedCasCi600d(Chance.from_seed(1), noise_grams=0.0)
    scale, line = built("cas-ci600d", simulated, {"top": 1})
    line.chunk_bytes = chunk_bytes
    simulated.put(1, 1_250.0)
    simulated.tick(SETTLED_SECONDS)
    (full,) = scale.poll()
    simulated.take(1, 330.0)
    simulated.tick(2 * SETTLED_SECONDS)
    (less,) = scale.poll()
    assert (full.device, full.part, full.grams, less.grams) == ("scale", "top", 1_250.0, 920.0)
    assert full.stable is None, "the transmitter has no motion bit, so nothing is claimed"
    assert not full.over_capacity
    assert not full.at_rail
    assert full.at_elapsed > 50.0


def test_a_weight_below_zero_is_told_as_it_is() -> None:
    scale, simulated = cas()
    simulated.tare_grams = 100.0
    (reading,) = scale.poll()
    assert reading.grams == -100.0


def test_each_shelf_has_its_own_weight_in_grams() -> None:
    scale, simulated = eagle()
    simulated.put(1, 500.0)
    simulated.put(4, 2_000.0)
    simulated.tick(SETTLED_SECONDS)
    grams = {row.part: row.grams for row in scale.poll()}
    assert grams == {
        "top": pytest.approx(500.0, abs=0.01),
        "middle": pytest.approx(0.0, abs=0.01),
        "low": pytest.approx(2_000.0, abs=0.01),
    }


@pytest.mark.parametrize("low_word_first", [True, False])
def test_the_order_of_words_and_the_unit_can_be_told(*, low_word_first: bool) -> None:
    simulated = SimulatedEagleEi(
        Chance.from_seed(1), noise_grams=0.0, low_word_first=low_word_first
    )
    scale, _ = built(
        "eagle-ei",
        simulated,
        {"top": 2},
        low_word_first=low_word_first,
        second_unit=True,
        grams_per_unit=1_000.0,
    )
    simulated.put(2, 750.0)
    simulated.tick(SETTLED_SECONDS)
    (reading,) = scale.poll()
    assert reading.grams == pytest.approx(750.0, abs=0.01)


def test_more_than_the_scale_can_weigh_is_no_weight() -> None:
    scale, simulated = cas(capacity_grams=10_000.0)
    simulated.put(1, 10_020.0)
    simulated.tick(SETTLED_SECONDS)
    (full,) = scale.poll()
    assert (full.grams, full.over_capacity) == (10_020.0, False)
    simulated.put(1, 20.0)
    simulated.tick(2 * SETTLED_SECONDS)
    (over,) = scale.poll()
    assert (over.grams, over.over_capacity, over.at_rail) == (None, True, False)


def test_a_dead_cell_is_at_the_rail_and_shows_no_weight() -> None:
    scale, simulated = cas(adc_low=-ADC_RAIL, adc_high=ADC_RAIL)
    simulated.put(1, 400.0)
    assert scale.poll()[0].at_rail is False
    simulated.faults.dead_cells.add(1)
    (dead,) = scale.poll()
    assert (dead.grams, dead.at_rail, dead.over_capacity) == (None, True, False)


def test_rails_that_are_not_known_are_not_judged() -> None:
    scale, simulated = cas()
    simulated.faults.dead_cells.add(1)
    assert scale.poll()[0].at_rail is False


def test_a_float_that_is_no_number_is_no_weight_and_spares_the_other_shelves() -> None:
    scale, simulated = eagle()
    simulated.faults.dead_cells.add(2)
    top, middle, low = scale.poll()
    assert (middle.grams, middle.at_rail) == (None, True)
    assert top.grams is not None
    assert low.grams is not None


def test_a_shelf_that_never_settles_shows_in_successive_readings() -> None:
    scale, simulated = cas()
    simulated.faults.never_settles.add(1)
    seen = set()
    for tick in range(1, 20):
        simulated.tick(SETTLED_SECONDS + tick * 0.37)
        seen.add(scale.poll()[0].grams)
    assert len(seen) > 10


def test_drift_moves_the_zero_slowly() -> None:
    scale, simulated = cas()
    simulated.faults.drift_grams_per_hour[1] = 30.0
    simulated.tick(3_600.0)
    assert scale.poll()[0].grams == 30.0


STATUS = {"good": 1 << 15, "motion": 1 << 12, "over": 1 << 10}


@pytest.mark.parametrize(
    ("status", "grams", "stable", "over", "rail"),
    [
        (STATUS["good"], 500.0, True, False, False),
        (STATUS["good"] | STATUS["motion"], 500.0, False, False, False),
        (STATUS["good"] | STATUS["over"], None, True, True, False),
        (0, None, True, False, True),
    ],
)
def test_a_status_word_is_believed(
    *, status: int, grams: float | None, stable: bool, over: bool, rail: bool
) -> None:
    """Second scale of an ID551PN: 40007 display weight (0.5 kg), 40011 status."""
    words = {6: 0x3F00, 7: 0, 10: status}

    def show(function: Function) -> Table | None:
        return words if function is Function.READ_HOLDING else None

    simulated = ModbusSlave(Chance.from_seed(1), address=1, show=show)
    scale, _ = built("id551pn", simulated, {"top": 2}, grams_per_unit=1_000.0)
    (reading,) = scale.poll()
    assert (reading.grams, reading.stable) == (grams, stable)
    assert (reading.over_capacity, reading.at_rail) == (over, rail)


def test_an_id551pn_is_read_by_scale() -> None:
    blocks = blocks_of(id551pn().profile("net", [1, 2]))
    assert [(block.start, block.count) for block in blocks] == [(0, 2), (4, 1), (6, 2), (10, 1)]


def test_zeroing_writes_the_tare_reads_it_back_and_stores_it() -> None:
    scale, simulated = eagle()
    simulated.put(2, 85.0)
    simulated.put(1, 10.0)
    simulated.tick(SETTLED_SECONDS)
    assert scale.can_zero
    scale.zero("middle")
    grams = {row.part: row.grams for row in scale.poll()}
    assert grams["middle"] == pytest.approx(0.0, abs=0.01)
    assert grams["top"] == pytest.approx(10.0, abs=0.01)
    assert simulated.stored == 1


def test_zeroing_that_did_not_take_is_an_error_and_is_not_stored() -> None:
    scale, simulated = eagle()
    simulated.put(2, 85.0)
    simulated.tick(SETTLED_SECONDS)
    simulated.faults.loses_writes = True
    with pytest.raises(ZeroNotTakenError, match="tare of middle"):
        scale.zero("middle")
    simulated.faults.dead_cells.add(2)
    with pytest.raises(ZeroNotTakenError, match="no weight"):
        scale.zero("middle")
    assert simulated.stored == 0


def test_only_what_the_table_names_can_be_zeroed() -> None:
    scale, _ = cas()
    assert not scale.can_zero
    with pytest.raises(NotWritableError):
        scale.zero("top")
    with pytest.raises(UnknownShelfError):
        scale.zero("nowhere")


def test_each_fault_of_the_wire_is_an_error_of_its_own() -> None:
    scale, simulated = cas()
    simulated.faults.exception = ExceptionCode.BUSY
    with pytest.raises(DeviceRefusedError, match="BUSY"):
        scale.poll()
    simulated.faults.exception = None
    simulated.faults.wire.wrong_checksum = 1.0
    with pytest.raises(BadFrameError):
        scale.poll()
    simulated.faults.wire.silent = True
    with pytest.raises(NoAnswerError):
        scale.poll()
    simulated.faults.wire.silent = False
    simulated.faults.wire.wrong_checksum = 0.0
    simulated.put(1, 5.0)
    simulated.faults.stale = True
    assert scale.poll()[0].grams == scale.poll()[0].grams


@pytest.mark.parametrize(
    ("kind", "shelves", "options", "key"),
    [
        ("cas-ci600d", {}, {}, "shelves"),
        ("cas-ci600d", {"top": 2}, {}, "shelves.top"),
        ("eagle-ei", {"top": 0}, {"grams_per_unit": POUND}, "shelves.top"),
        ("eagle-ei", {"top": 1}, {}, "options.grams_per_unit"),
        ("eagle-ei", {"top": 1}, {"adc_low": 3}, "options.adc_low"),
        ("cas-ci600d", {"top": 1}, {"weight": "dry"}, "options.weight"),
        ("cas-ci600d", {"top": 1}, {"capacity_grams": -1}, "options.capacity_grams"),
        ("cas-ci600d", {"top": 1}, {"adc_low": 9}, "options.adc_low"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(
    kind: str, shelves: dict[str, int], options: dict[str, Option], key: str
) -> None:
    simulated = SimulatedCasCi600d(Chance.from_seed(1))
    with pytest.raises(DeviceSettingsError) as caught:
        built(kind, simulated, shelves, **options)
    assert caught.value.key == key


@pytest.mark.parametrize("kind", ["cas-ci600d", "eagle-ei"])
def test_goods_taken_are_seen_over_a_real_terminal_with_echo(kind: str, tmp_path: Path) -> None:
    simulated: SimulatedCasCi600d | SimulatedEagleEi = (
        SimulatedCasCi600d(Chance.from_seed(1))
        if kind == "cas-ci600d"
        else SimulatedEagleEi(Chance.from_seed(1))
    )
    options: dict[str, Option] = {"grams_per_unit": 1.0 if kind == "cas-ci600d" else POUND}
    settings = DeviceSettings("scale", kind, 1, shelves={"top": 1}, options=options)
    with running_bus(simulated, settings, tmp_path, echo=True) as readings:
        wait_for(readings, WeightReading)
        simulated.put(1, 1_000.0)
        seen = wait_for(readings, WeightReading, lambda row: (row.grams or 0.0) > 500.0)
    assert seen.part == "top"
