"""EA2 events of a report as conditions of our faults."""

import pytest

from edge_agent.detection.audit_events import CONDITIONS_MAX, AuditCondition, conditions
from edge_agent.detection.verdicts import Condition
from edge_agent.drivers.audit.event_codes import fault_of
from edge_agent.drivers.audit.parser import parse_report
from protocol.faults import CATALOGUE
from tests.edge_agent.drivers.audit.samples import WHOLE, report_of


def told(*lines: str) -> tuple[AuditCondition, ...]:
    return conditions(parse_report(report_of(lines)))


def test_active_is_bad_over_is_good_and_without_a_flag_nothing_is_said() -> None:
    found = conditions(parse_report(WHOLE))
    assert found == (
        AuditCondition("SLOT_EMPTY", "501", active=True, evidence=("ELB_501",)),
        AuditCondition("BILL_VALIDATOR", "", active=False, evidence=("ENK",)),
    )
    assert [row.condition for row in found] == [Condition.BAD, Condition.GOOD]


def test_one_active_event_outweighs_others_of_the_same_fault() -> None:
    assert told("EA2*ENA*1*1**0", "EA2*ENF*1*1**1", "EA2*ENB*1*1**1") == (
        AuditCondition("BILL_VALIDATOR", "", active=True, evidence=("ENF", "ENB")),
    )


def test_each_selection_is_a_part_of_its_own() -> None:
    found = told("EA2*ELB_10*1*1**1", "EA2*ELB_11*1*1**0", "EA2*EJB_10*1*1**1")
    assert {(row.code, row.part, row.active) for row in found} == {
        ("SLOT_EMPTY", "10", True),
        ("SLOT_EMPTY", "11", False),
        ("VEND_FAIL", "10", True),
    }


def test_a_report_of_rubbish_opens_a_bounded_number_of_faults() -> None:
    assert len(told(*(f"EA2*EJB_{number}*1*1**1" for number in range(900)))) == CONDITIONS_MAX


def test_the_second_reader_is_a_part_of_its_own() -> None:
    assert [row.part for row in told("EA2*EKM*1*1**1", "EA2*EK2M*1*1**1")] == ["", "2"]


def test_a_tripped_health_timer_is_a_food_safety_hold() -> None:
    assert told("EA2*EJH*1*1**1") == (
        AuditCondition("TEMP_SAFETY_HOLD", "", active=True, evidence=("EJH",)),
    )


@pytest.mark.parametrize(
    "code", ["OBE", "OB", "OCF", "ECL", "ECO", "EIO", "OCK", "EC", "LOWCHANGE"]
)
def test_what_a_machine_cannot_know_of_us_is_not_raised_on_its_word(code: str) -> None:
    assert told(f"EA2*{code}*1*1**1") == ()


def test_an_event_that_only_has_a_time_says_nothing_of_now() -> None:
    assert told("EA1*EJJ*20260301*0200*5") == ()


def test_whatever_is_raised_is_in_the_catalogue() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = [f"{group}{unit}{letter}" for group in "EO" for unit in letters for letter in letters]
    assert {fault_of(code) for code in codes} - {None} <= set(CATALOGUE)
