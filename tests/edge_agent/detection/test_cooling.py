"""Compressor, condenser, defrost: latches, cuts of power, and defrosts that end badly."""

from functools import partial

from edge_agent.detection.findings import Raised, Repeated
from edge_agent.drivers.readings import RefrigerationAlarm
from tests.edge_agent.detection.cabinet import Cabinet, told
from tests.edge_agent.detection.case import found
from tests.edge_agent.detection.words import air, cooling

HOUR = 3_600.0
HOT, TIMEOUT = RefrigerationAlarm.CONDENSER_HOT, RefrigerationAlarm.DEFROST_TIMEOUT
DEFROSTING = partial(cooling, defrosting=True)


def heat(cabinet: Cabinet) -> list[object]:
    """The condenser becomes hot for a minute and cools again; nobody looks for 5 h."""
    findings = found(cabinet.run(60, cooling(HOT)), "CONDENSER_HOT")
    return [*findings, *found(cabinet.run(5 * HOUR, cooling(), every=10.0), "CONDENSER_HOT")]


def test_the_third_hot_condenser_of_a_day_stays_until_a_person_looked() -> None:
    cabinet = Cabinet()
    assert len(heat(cabinet)) == 2
    assert len(heat(cabinet)) == 2
    (third,) = heat(cabinet)
    assert isinstance(third, Raised)
    assert (third.latched, third.reading, third.limit) == (True, 3, 3)
    (again,) = heat(cabinet)
    assert isinstance(again, Repeated)
    assert (again.latched, again.count) == (True, 2)
    cabinet.reboot(2)
    cabinet.detector.release("CONDENSER_HOT", "chiller", "technician-7", elapsed=cabinet.elapsed)
    assert "CONDENSER_HOT" not in cabinet.open_codes()


def test_three_hot_condensers_in_two_days_clear_by_themselves() -> None:
    cabinet = Cabinet()
    for _ in range(3):
        assert len(heat(cabinet)) == 2
        cabinet.run(8 * HOUR, cooling(), every=20.0)
    assert cabinet.open_codes() == set()


def test_a_defrost_warms_the_air_on_purpose_and_is_no_alarm() -> None:
    cabinet = Cabinet(perishable=False)
    assert told(cabinet.run(1_500, air(9.0), DEFROSTING())) == []
    assert told(cabinet.run(600, air(9.0), cooling(on=True))) == []
    assert told(cabinet.run(2, air(9.0), cooling(on=True))) == ["+TEMP_HIGH M"]


def test_no_defrost_is_forgiven_by_the_food_safety_hold() -> None:
    cabinet = Cabinet()
    findings = cabinet.run(905, air(9.0), DEFROSTING())
    assert told(findings) == ["+TEMP_SAFETY_HOLD C"]


def test_a_defrost_that_nobody_tells_of_any_more_is_over() -> None:
    cabinet = Cabinet(perishable=False)
    cabinet.run(60, air(9.0), DEFROSTING())
    assert told(cabinet.run(700, air(9.0))) == ["+TEMP_HIGH M"]


def test_a_defrost_that_timed_out_while_it_ran_did_not_end_well() -> None:
    cabinet = Cabinet()
    cabinet.run(60, DEFROSTING())
    assert told(cabinet.run(60, cooling(TIMEOUT, defrosting=True))) == ["+EVAPORATOR_ICED M"]
    assert told(cabinet.run(60, DEFROSTING()) + cabinet.run(60, cooling())) == []
    assert told(cabinet.run(60, DEFROSTING()) + cabinet.run(1, cooling())) == ["-EVAPORATOR_ICED"]


def test_an_alarm_that_lasts_through_the_next_good_defrost_ends_with_it() -> None:
    cabinet = Cabinet()
    cabinet.run(60, cooling(TIMEOUT))
    cabinet.run(60, cooling(TIMEOUT, defrosting=True))
    assert told(cabinet.run(1, cooling())) == ["-EVAPORATOR_ICED"]


def test_a_defrost_cut_off_by_a_power_cut_is_no_good_one() -> None:
    cabinet = Cabinet()
    cabinet.say(cooling(TIMEOUT))
    cabinet.run(60, DEFROSTING())
    cabinet.reboot(600)
    assert told(cabinet.run(60, cooling())) == []
    assert "EVAPORATOR_ICED" in cabinet.open_codes()


def test_hours_without_power_are_no_hours_of_running_in_vain() -> None:
    cabinet = Cabinet(perishable=False)
    cabinet.run(60, air(5.0), cooling(on=True))
    cabinet.reboot(5 * HOUR)
    findings = cabinet.run(2 * HOUR, air(4.9), cooling(on=True), every=5.0)
    assert found(findings, "COMPRESSOR_FAIL") == []


def test_air_that_warmed_while_power_was_away_is_no_slow_cooling() -> None:
    cabinet = Cabinet(perishable=False)
    cabinet.run(1_800, air(6.0), cooling(on=True), every=10.0)
    cabinet.reboot(2_000)
    assert told(cabinet.run(600, air(9.0), cooling(on=True), every=10.0)) == []


def test_a_controller_without_a_set_point_is_judged_by_ours() -> None:
    cabinet = Cabinet(perishable=False)
    word = partial(cooling, on=True, set_point=None)
    findings = cabinet.run(4 * HOUR + 60, air(3.5), word(), every=5.0)
    assert [row.code for row in findings] == ["COMPRESSOR_FAIL"]


def test_a_controller_that_tells_no_relay_says_nothing_of_the_compressor() -> None:
    cabinet = Cabinet(perishable=False)
    word = partial(cooling, on=None, defrosting=None)
    assert told(cabinet.run(5 * HOUR, air(4.9), word(), every=5.0)) == []
