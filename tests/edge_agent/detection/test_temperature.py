"""TEMP_HIGH, TEMP_SAFETY_HOLD and TEMP_SENSOR (hardware reference 2.1, 6.2)."""

import pytest

from edge_agent.detection.detector import Detector
from edge_agent.detection.errors import NothingLatchedError
from edge_agent.detection.findings import Cleared, Raised
from edge_agent.detection.thresholds import FDA, NAMA, PROFILES
from protocol.events import ClearedBy
from tests.edge_agent.detection.cabinet import CLOSED, OPEN, Cabinet, told

HOLD = "TEMP_SAFETY_HOLD"


def held(cabinet: Cabinet) -> bool:
    return HOLD in {episode.code for episode in cabinet.detector.open_episodes()}


def serviced(cabinet: Cabinet, celsius: float) -> None:
    """Play a visit of ten minutes with the door open, closed at its end."""
    cabinet.service(began=True)
    cabinet.door(OPEN, 60)
    cabinet.air(celsius, 540)
    cabinet.door(CLOSED, 2)
    cabinet.service(began=False)


def test_warm_air_is_an_alarm_after_ten_minutes_and_a_hold_after_fifteen() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    assert told(cabinet.air(9.0, 600)) == []
    assert told(cabinet.air(9.0, 280)) == ["+TEMP_HIGH M"]
    (hold,) = cabinet.air(9.0, 60)
    assert isinstance(hold, Raised)
    assert (hold.code, hold.severity, hold.latched) == (HOLD, "C", True)
    assert (hold.limit, hold.cause) == (5.0, "too_warm_too_long")
    assert hold.reading == pytest.approx(9.0, abs=0.1)


def test_goods_that_do_not_perish_are_never_held() -> None:
    assert told(Cabinet(perishable=False).air(9.0, 7_200)) == ["+TEMP_HIGH M"]


def test_the_alarm_clears_one_degree_below_its_limit_after_ten_minutes() -> None:
    cabinet = Cabinet(perishable=False)
    cabinet.air(9.0, 700)
    assert told(cabinet.air(4.5, 3_000)) == []
    assert told(cabinet.air(3.5, 550)) == []
    assert told(cabinet.air(3.5, 120)) == ["-TEMP_HIGH"]


def test_a_puff_of_warm_air_does_not_move_the_mean_over_the_limit() -> None:
    cabinet = Cabinet()
    for _ in range(30):
        assert told(cabinet.air(3.0, 110) + cabinet.air(8.0, 10)) == []


def test_the_hold_stays_when_the_air_is_cold_again_until_a_person_releases_it() -> None:
    cabinet = Cabinet()
    cabinet.air(9.0, 1_000)
    assert told(cabinet.air(2.0, 20_000)) == ["-TEMP_HIGH"]
    assert held(cabinet)
    cleared = cabinet.detector.release(
        HOLD, "chiller", "technician-7", elapsed=cabinet.elapsed, cleared_by=ClearedBy.ONSITE
    )
    assert isinstance(cleared, Cleared)
    assert (cleared.by, cleared.cleared_by) == ("technician-7", ClearedBy.ONSITE)
    assert told(cabinet.air(2.0, 3_600)) == []


def test_a_second_excess_under_a_hold_is_counted_in_the_same_episode() -> None:
    cabinet = Cabinet()
    cabinet.air(9.0, 1_000)
    cabinet.air(2.0, 3_000)
    findings = told(cabinet.air(9.0, 1_000))
    assert findings == ["+TEMP_HIGH M", f"*{HOLD} C 2"]


def test_a_hold_released_into_warm_air_latches_again_after_the_full_time() -> None:
    cabinet = Cabinet()
    cabinet.air(9.0, 1_000)
    cabinet.detector.release(HOLD, "chiller", "technician-7", elapsed=cabinet.elapsed)
    assert told(cabinet.air(9.0, 890)) == []
    assert told(cabinet.air(9.0, 20)) == [f"+{HOLD} C"]


@pytest.mark.parametrize("code", [HOLD, "TEMP_HIGH", "NO_SUCH"])
def test_only_what_is_latched_can_be_released(code: str) -> None:
    cabinet = Cabinet()
    cabinet.air(9.0, 700)
    before = cabinet.detector.snapshot(cabinet.elapsed)
    with pytest.raises(NothingLatchedError):
        cabinet.detector.release(code, "chiller", "technician-7", elapsed=cabinet.elapsed)
    assert cabinet.detector.snapshot(cabinet.elapsed) == before


def test_cn_forgives_thirty_minutes_after_the_service_door_closed() -> None:
    cabinet = Cabinet()
    serviced(cabinet, 9.0)
    assert told(cabinet.air(9.0, 1_790)) == []
    assert told(cabinet.air(9.0, 590)) == []
    assert told(cabinet.air(9.0, 400)) == ["+TEMP_HIGH M", f"+{HOLD} C"]


def test_fda_holds_when_thirty_minutes_after_service_it_is_above_five_degrees() -> None:
    cabinet = Cabinet(FDA)
    serviced(cabinet, 9.0)
    assert told(cabinet.air(9.0, 1_780)) == []
    (hold,) = cabinet.air(5.3, 300, every=1.0)[:1]
    assert isinstance(hold, Raised)
    assert (hold.code, hold.cause, hold.limit) == (HOLD, "too_warm_after_service", 5.0)


@pytest.mark.parametrize(
    ("at_30_min", "at_45_min", "limit"),
    [(9.0, 3.0, 7.2), (7.0, 6.0, 5.0), (7.0, 4.5, None)],
)
def test_nama_checks_at_thirty_and_at_forty_five_minutes(
    at_30_min: float, at_45_min: float, limit: float | None
) -> None:
    cabinet = Cabinet(NAMA)
    serviced(cabinet, 12.0)
    findings = cabinet.air(at_30_min, 1_810) + cabinet.air(at_45_min, 1_500)
    holds = [row for row in findings if isinstance(row, Raised) and row.code == HOLD]
    assert [hold.limit for hold in holds] == ([] if limit is None else [limit])


def test_a_shopper_opening_the_door_earns_no_grace() -> None:
    cabinet = Cabinet()
    cabinet.door(OPEN, 20)
    cabinet.door(CLOSED, 5)
    assert f"+{HOLD} C" in told(cabinet.air(9.0, 1_000))


def test_a_service_without_end_forgives_no_longer_than_an_hour_and_the_grace() -> None:
    cabinet = Cabinet()
    cabinet.service(began=True)
    assert f"+{HOLD} C" not in told(cabinet.air(9.0, 3_600 + 1_800 + 890))
    assert f"+{HOLD} C" in told(cabinet.air(9.0, 60))


def test_a_probe_silent_for_five_polls_is_critical_with_perishable_goods_and_then_holds() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    findings = cabinet.silence("probe", 1_900)
    assert told(findings) == ["+TEMP_SENSOR C", f"+{HOLD} C"]
    sensor, hold = findings
    assert isinstance(sensor, Raised)
    assert isinstance(hold, Raised)
    assert (sensor.part, sensor.cause, hold.cause) == ("chiller", "silent", "temperature_unknown")
    assert told(Cabinet(perishable=False).silence("probe", 1_900)) == ["+TEMP_SENSOR M"]


def test_four_failed_polls_are_no_fault() -> None:
    cabinet = Cabinet()
    assert told(cabinet.silence("probe", 12, every=3.0) + cabinet.air(3.0, 60)) == []


@pytest.mark.parametrize("celsius", [-3276.8, -40.0, 85.0])
def test_a_value_no_air_has_is_a_sensor_fault_and_not_a_temperature(celsius: float) -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    assert told(cabinet.air(celsius, 1_200)) == ["+TEMP_SENSOR C"]
    assert cabinet.detector.mean_celsius("chiller") == pytest.approx(3.0, abs=0.1)
    assert told(cabinet.air(3.0, 590)) == []
    assert told(cabinet.air(3.0, 20)) == ["-TEMP_SENSOR"]


def test_a_value_that_stands_still_for_two_hours_is_a_sensor_fault() -> None:
    cabinet = Cabinet()
    assert told(cabinet.frozen_air(3.0, 7_200)) == []
    assert told(cabinet.frozen_air(3.0, 20)) == ["+TEMP_SENSOR C"]
    assert told(cabinet.air(3.2, 700)) == ["-TEMP_SENSOR"]


def test_humidity_that_moves_shows_a_living_probe() -> None:
    cabinet = Cabinet()
    for humidity in (50, 51, 50):
        assert told(cabinet.frozen_air(3.0, 7_000, humidity)) == []


def test_a_known_downtime_longer_than_the_limit_holds_before_any_reading() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    cabinet.reboot(1_900)
    (hold,) = cabinet.wait(0.1)
    assert isinstance(hold, Raised)
    assert (hold.code, hold.cause) == (HOLD, "temperature_unknown")


def test_a_short_downtime_does_not_hold_but_counts_when_it_is_warm_on_both_sides() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    cabinet.reboot(600)
    assert told(cabinet.air(3.0, 600)) == []
    cabinet.air(9.0, 400)
    cabinet.reboot(600)
    assert set(told(cabinet.air(9.0, 60))) == {"+TEMP_HIGH M", f"+{HOLD} C"}


def test_an_unread_stretch_beyond_the_limit_holds_though_the_next_reading_is_cold() -> None:
    cabinet = Cabinet()
    cabinet.air(3.0, 600)
    cabinet.elapsed += 1_900
    assert told(cabinet.air(3.0, 5)) == [f"+{HOLD} C"]


def test_a_hold_survives_a_reboot_and_can_be_released_after_it() -> None:
    cabinet = Cabinet()
    cabinet.air(9.0, 1_000)
    cabinet.reboot(0)
    assert held(cabinet)
    assert told(cabinet.air(2.0, 900)) == ["-TEMP_HIGH"]
    assert held(cabinet)
    cabinet.detector.release(HOLD, "chiller", "technician-7", elapsed=cabinet.elapsed)
    assert not held(cabinet)


def test_new_thresholds_do_not_open_what_is_latched() -> None:
    cabinet = Cabinet()
    cabinet.air(9.0, 1_000)
    cabinet.detector.use(PROFILES["demo"], perishable=False)
    cabinet.air(2.0, 600)
    assert held(cabinet)


def test_the_demo_set_holds_after_fifteen_seconds() -> None:
    cabinet = Cabinet(PROFILES["demo"])
    cabinet.air(3.0, 20, every=1.0)
    assert told(cabinet.air(9.0, 20, every=1.0)) == ["+TEMP_HIGH M", f"+{HOLD} C"]


def test_a_detector_without_readings_finds_nothing() -> None:
    cabinet = Cabinet()
    assert isinstance(cabinet.detector, Detector)
    assert told(cabinet.wait(1_000_000)) == []


def test_a_crash_just_before_the_next_snapshot_and_a_quick_reboot_do_not_hold() -> None:
    for thresholds in PROFILES.values():
        cabinet = Cabinet(thresholds)
        cabinet.air(3.0, 20, every=1.0)
        cabinet.reboot(cabinet.detector.snapshot_seconds * 1.9)
        assert told(cabinet.air(3.0, 20, every=1.0)) == []


def test_an_unread_stretch_does_not_count_as_cold() -> None:
    cabinet = Cabinet(perishable=False)
    cabinet.air(9.0, 700)
    assert told(cabinet.air(2.0, 500)) == []
    cabinet.elapsed += 300
    assert told(cabinet.air(2.0, 590)) == []
    assert told(cabinet.air(2.0, 30)) == ["-TEMP_HIGH"]


def test_the_grace_runs_from_the_door_closing_and_not_from_the_log_out() -> None:
    cabinet = Cabinet(FDA)
    cabinet.service(began=True)
    cabinet.door(OPEN, 60)
    cabinet.door(CLOSED, 1_200)
    cabinet.service(began=False)
    assert told(cabinet.air(9.0, 590)) == []
    assert told(cabinet.air(9.0, 20)) == [f"+{HOLD} C"]


def test_the_checkpoints_count_anew_after_each_service() -> None:
    cabinet = Cabinet(FDA)
    serviced(cabinet, 3.0)
    assert told(cabinet.air(3.0, 3_000)) == []
    serviced(cabinet, 9.0)
    assert told(cabinet.air(9.0, 1_780)) == []
    assert told(cabinet.air(9.0, 30)) == [f"+{HOLD} C"]


def test_failed_polls_do_not_make_a_value_stand_still() -> None:
    cabinet = Cabinet()
    cabinet.frozen_air(3.0, 7_100)
    assert told(cabinet.silence("probe", 240, every=60.0)) == []
