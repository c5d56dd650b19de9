"""DOOR_OPEN_LONG: M after 3 min, C after 15 with perishable goods, clears after 10 s closed."""

from datetime import timedelta

from edge_agent.detection.findings import Raised
from tests.edge_agent.detection.cabinet import CLOSED, OPEN, START, UNKNOWN, Cabinet, told


def test_a_door_open_for_three_minutes_is_major_and_since_when_it_opened() -> None:
    cabinet = Cabinet()
    assert told(cabinet.door(OPEN, 180)) == []
    (raised,) = cabinet.door(OPEN, 1)
    assert isinstance(raised, Raised)
    assert (raised.code, raised.part, raised.severity) == ("DOOR_OPEN_LONG", "A", "M")
    assert (raised.reading, raised.limit, raised.latched) == (180.0, 180.0, False)
    assert raised.since == START + timedelta(seconds=1)


def test_it_rises_to_critical_after_fifteen_minutes_only_with_perishable_goods() -> None:
    assert told(Cabinet(perishable=True).door(OPEN, 1_000)) == [
        "+DOOR_OPEN_LONG M",
        "*DOOR_OPEN_LONG C 2",
    ]
    assert told(Cabinet(perishable=False).door(OPEN, 1_000)) == ["+DOOR_OPEN_LONG M"]


def test_it_clears_after_ten_seconds_closed_and_not_before() -> None:
    cabinet = Cabinet()
    cabinet.door(OPEN, 200)
    assert told(cabinet.door(CLOSED, 10)) == []
    assert told(cabinet.door(CLOSED, 1)) == ["-DOOR_OPEN_LONG"]


def test_a_moment_closed_begins_the_three_minutes_anew() -> None:
    cabinet = Cabinet()
    findings = cabinet.door(OPEN, 170) + cabinet.door(CLOSED, 1)
    cabinet.pulse()
    findings += cabinet.door(OPEN, 170)
    assert told(findings) == []


def test_a_door_that_cannot_be_read_is_neither_open_nor_closed() -> None:
    cabinet = Cabinet()
    cabinet.door(OPEN, 200)
    assert told(cabinet.door(UNKNOWN, 600)) == []
    assert told(cabinet.door(CLOSED, 12)) == ["-DOOR_OPEN_LONG"]


def test_service_mutes_it_and_the_time_counts_from_the_end_of_service() -> None:
    cabinet = Cabinet()
    cabinet.service(began=True)
    assert told(cabinet.door(OPEN, 600)) == []
    cabinet.service(began=False)
    assert told(cabinet.door(OPEN, 180)) == []
    assert told(cabinet.door(OPEN, 2)) == ["+DOOR_OPEN_LONG M"]


def test_a_service_nobody_ends_ends_after_an_hour() -> None:
    cabinet = Cabinet()
    cabinet.service(began=True)
    assert told(cabinet.door(OPEN, 3_600 + 170)) == []
    assert told(cabinet.door(OPEN, 15)) == ["+DOOR_OPEN_LONG M"]
