"""Doors between lock, reed and pulse: what is forced, what is latched, who is believed."""

from functools import partial

from edge_agent.detection.detector import Detector
from edge_agent.detection.findings import Raised
from edge_agent.drivers.readings import MachinePart
from edge_agent.seed import Chance
from tests.edge_agent.detection.cabinet import CLOSED, OPEN, UNKNOWN, Cabinet, told
from tests.edge_agent.detection.words import latch, machine, pulse, reed, silent

LOCKED, UNLOCKED = partial(latch, CLOSED), partial(latch, OPEN)


def test_a_door_that_a_buyer_opened_just_before_a_crash_was_not_forced() -> None:
    """The snapshot may be minutes old: it knows of neither the pulse nor the opening."""
    cabinet = Cabinet()
    cabinet.run(60, LOCKED())
    old = cabinet.detector.snapshot(cabinet.elapsed)
    cabinet.run(3, pulse(), UNLOCKED())
    cabinet.detector = Detector.restore(
        old, cabinet.thresholds, Chance.from_seed(2), perishable=True, elapsed=5.0
    )
    cabinet.elapsed = 5.0
    assert told(cabinet.run(60, UNLOCKED())) == []
    assert told(cabinet.run(1, LOCKED()) + cabinet.run(1, UNLOCKED())) == ["+DOOR_FORCED C"]


def test_an_opening_seen_late_belongs_to_the_pulse_before_the_silence() -> None:
    cabinet = Cabinet()
    cabinet.run(10, LOCKED())
    cabinet.say(pulse())
    cabinet.run(20, silent("lock_board", "locks", "A"))
    assert "DOOR_FORCED" not in " ".join(told(cabinet.say(UNLOCKED())))


def test_a_door_opened_in_a_silence_without_a_pulse_was_forced() -> None:
    cabinet = Cabinet()
    cabinet.run(10, LOCKED())
    cabinet.run(20, silent("lock_board", "locks", "A"))
    assert told(cabinet.say(UNLOCKED())) == ["+DOOR_FORCED C"]


def test_a_door_unknown_in_between_is_judged_by_how_it_was_seen_last() -> None:
    cabinet = Cabinet()
    cabinet.run(10, LOCKED())
    cabinet.run(100, latch(UNKNOWN))
    assert told(cabinet.say(UNLOCKED())) == ["+DOOR_FORCED C"]


def test_a_forced_door_is_counted_again_only_when_it_was_shut_in_between() -> None:
    cabinet = Cabinet()
    cabinet.run(2, LOCKED())
    assert told(cabinet.run(100, UNLOCKED())) == ["+DOOR_FORCED C"]
    assert told(cabinet.run(2, LOCKED()) + cabinet.run(2, UNLOCKED())) == ["*DOOR_FORCED C 2"]
    cabinet.detector.release("DOOR_FORCED", "A", "technician-7", elapsed=cabinet.elapsed)
    assert told(cabinet.run(100, UNLOCKED())) == []


def test_what_a_dead_reed_said_last_is_not_held_against_the_lock() -> None:
    cabinet = Cabinet()
    cabinet.run(60, reed(CLOSED), LOCKED())
    dead = silent("inputs", "inputs", "A")
    cabinet.run(60, dead, LOCKED())
    cabinet.say(pulse())
    assert told(cabinet.run(120, dead, UNLOCKED())) == []
    assert "LOCK_NOT_LATCHED" not in cabinet.open_codes()


def test_when_the_reed_is_dead_the_lock_tells_of_a_door_left_open() -> None:
    cabinet = Cabinet()
    cabinet.run(60, reed(CLOSED), LOCKED())
    dead = silent("inputs", "inputs", "A")
    cabinet.run(20, dead, LOCKED())
    cabinet.say(pulse())
    assert "+DOOR_OPEN_LONG M" in told(cabinet.run(200, dead, UNLOCKED()))


def test_a_living_reed_tells_more_than_the_lock() -> None:
    cabinet = Cabinet()
    cabinet.say(pulse())
    findings = told(cabinet.run(900, reed(CLOSED), UNLOCKED()))
    assert findings == ["+LOCK_NOT_LATCHED C"], "the door is not left open, its latch is"


def test_sales_every_minute_do_not_keep_a_door_sensor_fault_open() -> None:
    cabinet = Cabinet()
    cabinet.run(70, reed(OPEN), LOCKED())
    assert "DOOR_SENSOR" in cabinet.open_codes()
    for _ in range(10):
        cabinet.run(170, reed(CLOSED), LOCKED())
        cabinet.say(pulse())
        cabinet.run(2, reed(CLOSED), UNLOCKED())
        cabinet.run(5, reed(OPEN), UNLOCKED())
    assert "DOOR_SENSOR" not in cabinet.open_codes()


def test_the_door_of_a_vending_machine_is_watched_under_its_name() -> None:
    cabinet = Cabinet()
    ajar = machine(MachinePart.DOOR, good=False)
    (raised,) = cabinet.run(200, ajar, every=10.0)
    assert isinstance(raised, Raised)
    assert (raised.code, raised.part) == ("DOOR_OPEN_LONG", "vmc")
    assert told(cabinet.run(20, machine(MachinePart.DOOR, good=True), every=10.0)) == [
        "-DOOR_OPEN_LONG"
    ]


def test_pulses_that_come_too_fast_count_as_one_try() -> None:
    cabinet = Cabinet()
    cabinet.run(5, LOCKED())
    for _ in range(10):
        cabinet.say(pulse())
        cabinet.run(2, LOCKED())
    assert "LOCK_OPEN_FAIL" not in cabinet.open_codes()


def test_after_service_a_latch_left_out_is_told() -> None:
    cabinet = Cabinet()
    cabinet.service(began=True)
    assert told(cabinet.run(600, reed(CLOSED), UNLOCKED())) == []
    cabinet.service(began=False)
    assert told(cabinet.run(20, reed(CLOSED), UNLOCKED())) == []
    assert told(cabinet.run(1, reed(CLOSED), UNLOCKED())) == ["+LOCK_NOT_LATCHED C"]
