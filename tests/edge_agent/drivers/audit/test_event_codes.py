"""EVA event codes: their parts, and the faults of our catalogue they mean."""

from collections import Counter

import pytest

from edge_agent.drivers.audit.event_codes import SHARED, EventCode, fault_of, parsed
from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.report import Occurrence
from protocol.faults import CATALOGUE
from tests.edge_agent.drivers.audit.samples import report_of


@pytest.mark.parametrize(
    ("reported", "code"),
    [
        ("ELB_501", EventCode("ELB", selection="501")),
        ("EJB_A3", EventCode("EJB", selection="A3")),
        ("EJB_JAM", EventCode("EJB_JAM")),
        ("EJB12", EventCode("EJB", selection="12")),
        ("ELA", EventCode("ELA")),
        ("EGS", EventCode("EGS")),
        ("EBM_1", EventCode("EBM", device="1")),
        ("EC", EventCode("EC")),
        ("EC1C", EventCode("EC1C")),
        ("EC_ON", EventCode("EC_ON")),
        ("EK2M", EventCode("EK2M", device="2")),
        ("EKU_0A", EventCode("EKU", device="0A")),
        ("EAU_BB01", EventCode("EAU", device="BB01")),
        ("OBB", EventCode("OBB")),
        ("DO", EventCode("DO")),
        ("CR", EventCode("CR")),
        ("OCM mdb", EventCode("OCM mdb")),
        ("LOWCHANGE", EventCode("LOWCHANGE")),
        ("", EventCode("")),
    ],
)
def test_a_code_is_split_into_unit_and_suffix_and_free_text_is_left_whole(
    reported: str, code: EventCode
) -> None:
    assert parsed(reported) == code


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("EJH", "TEMP_SAFETY_HOLD"),
        ("EJJ", "TEMP_HIGH"),
        ("EC1C", "TEMP_SENSOR"),
        ("EOC", "COMPRESSOR_FAIL"),
        ("EOI", "CONDENSER_HOT"),
        ("EOO", "EVAPORATOR_ICED"),
        ("EGS", "DOOR_OPEN_LONG"),
        ("DO", "DOOR_OPEN_LONG"),
        ("EGT", None),
        ("EGC", "LOCK_OPEN_FAIL"),
        ("ELA", "VEND_FAIL"),
        ("EJL", "VEND_FAIL"),
        ("ELB", "SLOT_EMPTY"),
        ("ELE", "SLOT_LOW"),
        ("EAR", "COIN_MECH"),
        ("EAB", "COIN_MECH"),
        ("ENF", "BILL_VALIDATOR"),
        ("ENU", "BILL_VALIDATOR"),
        ("ENW", None),  # no fault found
        ("EKA", "PAY_READER_OFFLINE"),
        ("EK2M", "PAY_READER_OFFLINE"),
        ("EKZ", "PAY_RESET_LOOP"),
        ("EK2Z", "PAY_RESET_LOOP"),
        ("OCF", "POWER_LOST"),
        ("ECZ", None),
        ("EC", None),
        ("LOWCHANGE", None),
        ("ENVELOPE", None),
        ("", None),
    ],
)
def test_a_code_means_the_fault_of_the_catalogue(code: str, fault: str | None) -> None:
    assert fault_of(code) == fault


def test_every_code_of_the_catalogue_is_found_again_and_shared_ones_are_decided() -> None:
    times = Counter(code for row in CATALOGUE.values() for code in row.eva)
    assert {code for code, count in times.items() if count > 1} <= set(SHARED)
    for row in CATALOGUE.values():
        for code in row.eva:
            if times[code] == 1 and code not in SHARED:
                assert fault_of(code) == row.code


def test_a_chosen_fault_is_one_the_catalogue_gives_the_code() -> None:
    for code, fault in SHARED.items():
        if fault is not None:
            assert code in CATALOGUE[fault].eva


def test_the_predefined_hex_events_of_a_public_parser_are_not_believed() -> None:
    """Its table 00-7F is not in the standard (hardware reference 1.3.2)."""
    assert [fault_of(f"{number:02X}") for number in range(0x80)] == [None] * 0x80


def test_an_event_sold_out_and_active_is_read_as_the_crane_merchant_sends_it() -> None:
    (event,) = parse_report(report_of(["EA2*ELB_501*0*5**1*21716"])).events
    assert (event.code, event.selection, event.active) == ("ELB", "501", True)
    assert (event.count_since_reset, event.count_since_init, event.minutes) == (0, 5, 21_716)
    assert event.fault == "SLOT_EMPTY"


def test_when_and_how_many_of_one_event_come_together() -> None:
    body = [
        "EA1*EGS*040508*1139*95206",
        "EA2*EGS*104*204**0*12",
        "EA1*EGS*20040601*113901*7*250*KEY 3",
    ]
    (event,) = parse_report(report_of(body)).events
    assert event.active is False
    assert event.last_at == "20040601 113901"
    assert event.minutes == 12
    assert event.occurrences == (
        Occurrence("040508 1139", 95_206),
        Occurrence("20040601 113901", 7, 250, "KEY 3"),
    )


def test_an_event_said_active_once_is_active_whatever_else_is_said_of_it() -> None:
    (event,) = parse_report(report_of(["EA2*ENA*1*1**0", "EA2*ENA*1*1**1"])).events
    assert event.active is True


def test_an_event_behind_the_last_selection_is_not_given_to_it() -> None:
    body = ["PA1*1*100", "EA2*ELA*1*1", "PA1*2*100", "EA2*ELA*2*2", "EA2*EGS*3*3"]
    events = parse_report(report_of(body)).events
    assert [(row.code, row.selection) for row in events] == [
        ("ELA", "1"),
        ("ELA", None),
        ("EGS", None),
    ]
