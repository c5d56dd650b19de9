"""Every code that readings can raise: at its limit, through gaps, reboots, service, parents."""

from datetime import timedelta

import pytest

from edge_agent.detection.errors import NothingLatchedError
from edge_agent.detection.findings import Cleared, Raised
from protocol.events import ClearedBy
from protocol.faults import CATALOGUE
from tests.edge_agent.detection import cases_air, cases_doors, cases_machine
from tests.edge_agent.detection.cabinet import Cabinet
from tests.edge_agent.detection.case import Case, found, mains_back, mains_gone

CASES = (*cases_air.CASES, *cases_doors.CASES, *cases_machine.CASES)
SUPPRESSED = frozenset(CATALOGUE["POWER_LOST"].suppresses)


def names(cases: list[Case] | tuple[Case, ...]) -> list[str]:
    return [case.name for case in cases]


every_case = pytest.mark.parametrize("case", CASES, ids=names(CASES))
ending = [case for case in CASES if not case.latched]
latching = [case for case in CASES if case.latched]
children = [case for case in CASES if case.code in SUPPRESSED]


def raised(case: Case) -> Cabinet:
    """Return a cabinet in which the case was raised."""
    cabinet = case.cabinet()
    case.almost(cabinet)
    case.raised(cabinet)
    assert case.code in cabinet.open_codes()
    return cabinet


@every_case
def test_just_below_its_limit_it_is_never_raised(case: Case) -> None:
    assert found(case.harmless(case.cabinet()), case.code) == []


@every_case
def test_it_is_raised_when_it_has_lasted_and_says_since_when(case: Case) -> None:
    cabinet = case.cabinet()
    assert found(case.almost(cabinet), case.code) == []
    (finding,) = found(case.raised(cabinet), case.code)
    assert isinstance(finding, Raised)
    assert (finding.part, finding.severity) == (case.part, case.severity)
    assert finding.since == cabinet.wall - timedelta(seconds=case.since_seconds)
    assert finding.limit == case.limit
    assert finding.latched is case.latched
    assert not case.cause or finding.cause == case.cause


@pytest.mark.parametrize("case", ending, ids=names(ending))
def test_it_clears_by_itself_when_it_was_good_for_long_enough_and_not_before(case: Case) -> None:
    cabinet = raised(case)
    assert found(case.held(cabinet), case.code) == []
    (finding,) = found(case.cleared(cabinet), case.code)
    assert isinstance(finding, Cleared)
    assert (finding.part, finding.cleared_by, finding.count) == (case.part, ClearedBy.AUTO, 1)


@pytest.mark.parametrize("case", ending, ids=names(ending))
def test_what_clears_by_itself_cannot_be_released(case: Case) -> None:
    cabinet = raised(case)
    with pytest.raises(NothingLatchedError):
        cabinet.detector.release(case.code, case.part, "technician-7", elapsed=cabinet.elapsed)


@pytest.mark.parametrize("case", latching, ids=names(latching))
def test_what_is_latched_stays_until_a_person_releases_it(case: Case) -> None:
    cabinet = raised(case)
    assert found([*case.held(cabinet), *case.cleared(cabinet)], case.code) == []
    cabinet.reboot(2)
    finding = cabinet.detector.release(
        case.code, case.part, "technician-7", elapsed=cabinet.elapsed
    )
    assert (finding.by, finding.cleared_by) == ("technician-7", ClearedBy.ONSITE)
    assert found(case.cleared(cabinet), case.code) == []


@every_case
def test_a_reboot_before_it_is_raised(case: Case) -> None:
    cabinet = case.cabinet()
    case.almost(cabinet)
    cabinet.reboot(2)
    findings = found(case.raised(cabinet), case.code)
    assert [type(finding) for finding in findings] == [Raised] * case.across_reboot


@pytest.mark.parametrize("case", ending, ids=names(ending))
def test_a_reboot_while_it_is_open_neither_repeats_nor_forgets_it(case: Case) -> None:
    cabinet = raised(case)
    cabinet.reboot(2)
    assert case.code in cabinet.open_codes()
    findings = found([*case.held(cabinet), *case.cleared(cabinet)], case.code)
    assert [type(finding) for finding in findings] == [Cleared]


@every_case
def test_a_minute_that_nobody_watched(case: Case) -> None:
    """For food safety, and for what is plain to see, it counts; elsewhere it proves nothing."""
    cabinet = case.cabinet()
    case.almost(cabinet)
    cabinet.wait(60)
    case.raised(cabinet)
    assert (case.code in cabinet.open_codes()) is case.across_gap


@every_case
def test_in_service_only_what_a_technician_causes_is_muted(case: Case) -> None:
    cabinet = case.cabinet()
    cabinet.service(began=True)
    case.almost(cabinet)
    case.raised(cabinet)
    assert (case.code in cabinet.open_codes()) is not case.muted


@pytest.mark.parametrize("case", children, ids=names(children))
def test_without_mains_its_children_wait_until_mains_is_back(case: Case) -> None:
    cabinet = case.cabinet()
    mains_gone(cabinet)
    case.almost(cabinet)
    case.raised(cabinet)
    assert case.code not in cabinet.open_codes()
    mains_back(cabinet)
    case.almost(cabinet)
    case.raised(cabinet)
    assert case.code in cabinet.open_codes()


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_without_mains_all_others_are_raised_and_above_all_the_hold(case: Case) -> None:
    cabinet = case.cabinet()
    mains_gone(cabinet)
    case.almost(cabinet)
    case.raised(cabinet)
    assert (case.code in cabinet.open_codes()) is (case.code not in SUPPRESSED)
