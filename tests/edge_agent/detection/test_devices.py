"""Scales, payment readers, mains and buses in the ways that the field knows."""

from functools import partial

import pytest

from edge_agent.detection.errors import AbsurdThresholdError
from edge_agent.detection.findings import Raised
from edge_agent.detection.streaks import READING_GAP_SECONDS
from edge_agent.detection.thresholds import thresholds_for
from edge_agent.drivers.readings import InputRole, PaymentEvent
from edge_agent.drivers.spiral_board.fa_fb.driver import ASK_EVERY_SECONDS
from edge_agent.settings import POLL_SECONDS_MAX
from tests.edge_agent.detection.cabinet import CLOSED, OPEN, Cabinet, told
from tests.edge_agent.detection.case import mains_back, mains_gone
from tests.edge_agent.detection.words import frames, latch, mains, till, weight, wired

NIGHT = 120.0
SHUT = partial(latch, CLOSED)


def test_a_drift_is_found_though_the_scale_trembles_now_and_then() -> None:
    cabinet = Cabinet()
    cabinet.run(20, SHUT(), weight(500.0))
    for _ in range(30):
        cabinet.run(59, SHUT(), weight(530.0))
        cabinet.run(1, SHUT(), weight(545.0, stable=False))
    assert told(cabinet.run(5, SHUT(), weight(530.0))) == ["+SCALE_DRIFT N"]


def test_goods_taken_through_the_door_are_no_drift() -> None:
    cabinet = Cabinet()
    cabinet.run(20, SHUT(), weight(500.0))
    cabinet.run(5, latch(OPEN), weight(300.0))
    assert "SCALE_DRIFT" not in " ".join(told(cabinet.run(4_000, SHUT(), weight(300.0))))


def test_a_door_that_is_not_seen_is_not_shut() -> None:
    cabinet = Cabinet()
    cabinet.run(20, SHUT(), weight(500.0))
    assert told(cabinet.run(4_000, weight(300.0))) == []


def test_a_drift_ends_when_a_door_opened_and_shut_weighs_anew() -> None:
    cabinet = Cabinet()
    cabinet.run(20, SHUT(), weight(500.0))
    cabinet.run(1_810, SHUT(), weight(530.0))
    assert "SCALE_DRIFT" in cabinet.open_codes()
    cabinet.run(5, latch(OPEN), weight(530.0))
    assert "-SCALE_DRIFT" in told(cabinet.run(10, SHUT(), weight(530.0)))


def test_a_reader_that_was_off_with_the_cabinet_has_its_five_minutes_again() -> None:
    cabinet = Cabinet()
    cabinet.say(till(PaymentEvent.INACTIVE))
    cabinet.reboot(3_600)
    assert told(cabinet.wait(1)) == []
    cabinet.say(till(PaymentEvent.INACTIVE))
    assert told(cabinet.run(299)) == []
    assert told(cabinet.run(2)) == ["+PAY_READER_OFFLINE M"]


def test_an_open_payment_fault_stays_open_through_a_reboot_until_the_reader_is_enabled() -> None:
    cabinet = Cabinet()
    cabinet.say(till(PaymentEvent.DISABLED))
    cabinet.run(400)
    cabinet.reboot(30)
    assert told(cabinet.run(100)) == []
    assert "PAY_READER_OFFLINE" in cabinet.open_codes()
    cabinet.say(till(PaymentEvent.ENABLED))
    assert told(cabinet.run(61)) == ["-PAY_READER_OFFLINE"]


def test_words_that_say_nothing_of_health_leave_the_reader_as_it_is() -> None:
    cabinet = Cabinet()
    cabinet.say(till(PaymentEvent.INACTIVE))
    assert told(cabinet.run(310, till(PaymentEvent.ERROR))) == ["+PAY_READER_OFFLINE M"]


def test_mains_that_goes_each_minute_is_one_flapping_fault() -> None:
    """A Crane Merchant 7 tells a power event every night (hardware reference, 1.3.5)."""
    cabinet = Cabinet()
    findings = []
    for _ in range(10):
        findings += cabinet.run(10, mains(present=False)) + cabinet.run(50, mains(present=True))
    lost = [row for row in findings if row.code == "POWER_LOST"]
    raised = [row for row in lost if isinstance(row, Raised)]
    assert [row.flapping for row in raised] == [False, False, False, True]
    assert told(lost)[-1] == "*POWER_LOST M 7"
    assert "-POWER_LOST" in told(cabinet.run(3_601, mains(present=True)))


def test_a_loss_each_night_is_an_episode_each_night() -> None:
    cabinet = Cabinet()
    for _ in range(5):
        findings = cabinet.run(NIGHT, mains(present=False)) + cabinet.run(40, mains(present=True))
        assert [line for line in told(findings) if "LOST" in line] == [
            "+POWER_LOST M",
            "-POWER_LOST",
        ]
        cabinet.run(6 * 3_600, mains(present=True), every=20.0)


def test_mains_that_came_back_while_the_agent_was_off_is_told() -> None:
    cabinet = Cabinet()
    mains_gone(cabinet)
    cabinet.reboot(600)
    assert told(cabinet.say(mains(present=True))) == ["+POWER_BACK I"]
    mains_back(cabinet)


def test_a_cabinet_tilted_in_service_and_left_so_is_told_after_it() -> None:
    cabinet = Cabinet()
    tilted = wired(InputRole.TILTED, active=True)
    cabinet.service(began=True)
    assert told(cabinet.run(60, tilted)) == []
    cabinet.service(began=False)
    assert told(cabinet.run(4, tilted)) == ["+TAMPER_TILT C"]


def test_a_tilt_released_while_it_lasts_comes_again() -> None:
    cabinet = Cabinet()
    tilted = wired(InputRole.TILTED, active=True)
    cabinet.run(10, tilted)
    cabinet.detector.release("TAMPER_TILT", "tilted", "technician-7", elapsed=cabinet.elapsed)
    assert told(cabinet.say(tilted)) == ["+TAMPER_TILT C"]


def test_a_bus_is_judged_by_a_whole_window_and_a_dead_one_is_not_calm() -> None:
    cabinet = Cabinet()
    assert told(cabinet.run(590, frames(10, 5), every=10.0)) == []
    cabinet.run(100, frames(10, 5), every=10.0)
    assert "BUS_ERRORS" in cabinet.open_codes()
    cabinet.run(3 * 3_600, frames(0, 0), every=10.0)
    assert "BUS_ERRORS" in cabinet.open_codes()


@pytest.mark.parametrize(
    ("key", "most"),
    [
        ("door_openings", 63),
        ("temp_mean_seconds", 600.0),
        ("hold_excess_seconds", 1_800.0),
        ("hold_grace_seconds", 2_700.0),
        ("hold_unknown_seconds", 14_400.0),
        ("service_longest_seconds", 3_600.0),
    ],
)
def test_no_override_makes_a_rule_blind(key: str, most: float) -> None:
    assert thresholds_for("cn", {key: most}) is not None
    with pytest.raises(AbsurdThresholdError):
        thresholds_for("cn", {key: most + 1})


def test_every_device_is_asked_at_least_three_times_in_what_counts_as_a_gap() -> None:
    assert max(POLL_SECONDS_MAX, ASK_EVERY_SECONDS) * 3 <= READING_GAP_SECONDS
