"""LOCK_BOARD_COMM: 5 failed polls over 12 s; clears with 3 good ones."""

from edge_agent.detection.findings import Raised
from edge_agent.drivers.readings import DoorReading
from tests.edge_agent.detection.cabinet import CLOSED, Cabinet, told


def test_five_failed_polls_three_seconds_apart_are_a_fault_of_the_board() -> None:
    cabinet = Cabinet()
    assert told(cabinet.silence("locks", 12, every=3.0)) == []
    cabinet = Cabinet()
    (raised,) = cabinet.silence("locks", 15, every=3.0)
    assert isinstance(raised, Raised)
    assert (raised.code, raised.part, raised.severity) == ("LOCK_BOARD_COMM", "locks", "M")
    assert (raised.reading, raised.limit) == (5.0, 5.0)


def test_quick_polls_must_fail_for_twelve_seconds_too() -> None:
    cabinet = Cabinet()
    assert told(cabinet.silence("locks", 12)) == []
    assert told(cabinet.silence("locks", 2)) == ["+LOCK_BOARD_COMM M"]


def test_three_good_polls_clear_it_and_doors_of_one_poll_count_once() -> None:
    cabinet = Cabinet()
    cabinet.silence("locks", 20)
    assert told(cabinet.door(CLOSED, 2)) == []
    assert told(cabinet.door(CLOSED, 1)) == ["-LOCK_BOARD_COMM"]


def test_a_good_poll_between_failures_begins_the_count_anew() -> None:
    cabinet = Cabinet()
    for _ in range(10):
        assert told(cabinet.silence("locks", 10) + cabinet.door(CLOSED, 1)) == []


def test_two_doors_read_at_one_moment_are_one_good_poll() -> None:
    cabinet = Cabinet()
    cabinet.silence("locks", 20)
    for _ in range(2):
        cabinet.elapsed += 1
        for door in ("A", "B"):
            cabinet.detector.observe(DoorReading("locks", door, CLOSED, cabinet.elapsed))
    assert told(cabinet.detector.step(cabinet.elapsed, cabinet.wall)) == []


def test_episodes_before_a_reboot_count_towards_flapping() -> None:
    cabinet = Cabinet()
    for _ in range(3):
        cabinet.silence("locks", 20)
        cabinet.door(CLOSED, 20)
    cabinet.reboot(0, elapsed=500_000.0)
    (raised,) = cabinet.silence("locks", 20)
    assert isinstance(raised, Raised)
    assert raised.flapping
